#!/usr/bin/env bash
# Lay out what a browser gets in build/web: the pages of web/, what they use
# of npm's packages, and a .gz beside every text.
#
# usage: web.sh [all]
#
# Nothing is bundled or rewritten, but for one word of index.html: everything
# but the pages' own document is in a directory named after its content, so
# that a browser may keep it for ever, and modules of two versions never meet.
#
# With "all" the packages for the tests are installed too.  Without npm the
# pages are laid out all the same, and do without charts.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

modules=web/node_modules

# assets DIRECTORY: everything that index.html and its modules ask for
assets() {
    local charts=$modules/chart.js/dist/chart.umd.min.js

    mkdir -p "$1"
    cp -R web/assets/. "$1"
    if [ -r "$charts" ]; then
        mkdir "$1/vendor"
        # Without the name of its map, which nobody is given.
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

# What has not changed keeps its times, of which nginx makes the ETag.
! diff -rq "$work" build/web >/dev/null 2>&1 || exit 0
rm -rf build/web
mv "$work" build/web
trap - EXIT
