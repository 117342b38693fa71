#!/usr/bin/env bash
# Create build/web, the files for browsers: the pages of web/, the files that
# they use from npm packages, and a .gz file for each text.
#
# usage: web.sh [all]
#
# Nothing is bundled or rewritten, except one word of index.html.  All files
# except that document are in a directory whose name is derived from its
# content.  So a browser may cache them forever, and modules of two versions are
# never mixed.
#
# "all" also installs the packages for the tests.  Without npm the pages are
# created too, but have no charts.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

modules=web/node_modules

# assets DIRECTORY: copy everything that index.html and its modules request.
assets() {
    local charts=$modules/chart.js/dist/chart.umd.min.js

    mkdir -p "$1"
    cp -R web/assets/. "$1"
    if [ -r "$charts" ]; then
        mkdir "$1/vendor"
        # The reference to the source map is removed, because the map is not
        # served.
        sed '/^\/\/# sourceMappingURL=/d' "$charts" >"$1/vendor/chart.js"
        cp "$modules/chart.js/LICENSE.md" "$1/vendor/chart.LICENSE.txt"
    fi
}

digest() {
    (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -c 1-12)
}

scripts/modules.sh "$@" || {
    [ "${1:-}" != all ] || exit 1
    echo "web: Chart.js is missing: the pages have no charts." >&2
}

mkdir -p build
work=$(mktemp -d build/web.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

assets "$work/new"
version=$(digest "$work/new")
mkdir "$work/assets"
mv "$work/new" "$work/assets/$version"
charts=no
[ ! -d "$work/assets/$version/vendor" ] || charts=yes
sed -e "s|@ASSETS@|/assets/$version|g" -e "s|@CHARTS@|$charts|" \
    web/index.html >"$work/index.html"
cp web/favicon.svg "$work"

# -n: the same content gives the same bytes.
find "$work" -type f -size +512c -regex '.*\.\(html\|css\|js\|json\|svg\)' \
    -exec gzip -9 -k -n {} +

# Unchanged files keep their times, from which nginx computes the ETag.
! diff -rq "$work" build/web >/dev/null 2>&1 || exit 0
rm -rf build/web
mv "$work" build/web
trap - EXIT
