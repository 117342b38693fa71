#!/usr/bin/env bash
# Make a release of the commit that is checked out: the source as a tar file,
# the packages of Debian, what they are made of (SBOM), and the sums of all.
#
# usage: release.sh [source]
#
# "source": the tar file and the SBOM alone.  The packages are those of
# build/deb, which "make release" builds before.  The result is in
# build/release.  The same commit gives the same tar file, byte for byte; it has
# the file COMMIT, by which scripts/version.sh knows the commit without git.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "release: $*" >&2
    exit 1
}

parts=${1:-all}
[[ $parts =~ ^(all|source)$ ]] || {
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}
git rev-parse --git-dir >/dev/null 2>&1 || fail "this is no repository of git."
[ -z "$(git status --porcelain --untracked-files=no)" ] ||
    fail "commit first: a release is what a commit has."

version=$(scripts/version.sh)
commit=$(scripts/version.sh commit)
name=magasin-$version
directory=build/release
grep -qE "^## (\[)?$version\b" CHANGELOG.md ||
    echo "release: CHANGELOG.md has no section $version yet." >&2

rm -rf "$directory"
mkdir -p "$directory"

# git gives each file the time of the commit, root as owner and a mode that no
# umask changes; gzip -n stores neither name nor time.
git -c tar.umask=0022 archive --format=tar --prefix="$name/" \
    --add-virtual-file="$name/COMMIT:$commit" HEAD |
    gzip -9 -n >"$directory/$name.tar.gz"

if [ "$parts" = all ]; then
    # A package says which commit it was built from.
    for file in build/deb/*.deb; do
        [[ $file != *magasin-server_* ]] ||
            [ "$(dpkg-deb --fsys-tarfile "$file" |
                tar -xO ./usr/share/magasin/COMMIT)" = "$commit" ] ||
            fail "$file is not of commit $commit: run make release."
        [[ $file == *_"$version"_* ]] ||
            fail "$file is not of version $version: run make release."
        cp "$file" "$directory/"
    done
fi
python3 scripts/sbom.py "$directory"/*.deb >"$directory/$name.cdx.json" \
    2>"$directory/sbom.log" || {
    cat "$directory/sbom.log" >&2
    fail "the SBOM cannot be made."
}
rm "$directory/sbom.log"
(cd "$directory" && sha256sum -- * >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)
echo "release: $directory has"
sed 's/^/  /' "$directory/SHA256SUMS"
