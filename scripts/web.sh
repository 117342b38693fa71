#!/usr/bin/env bash
# Create build/web, the files for browsers: the pages of web/, the files that
# they use from npm packages, and a .gz file for each text.
#
# usage: web.sh [all]
#
# Nothing is bundled or rewritten, except some words of index.html.  All files
# except that document are in a directory whose name is derived from its
# content.  So a browser may cache them forever, and modules of two versions are
# never mixed.
#
# "all" also installs the packages for the tests.  Without npm the pages are
# created too, but have no charts and no barcodes.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

modules=web/node_modules

# vendor DIRECTORY NAME PACKAGE SCRIPT LICENCE: copy a script of a package, if it
# is installed.  The reference to the source map is removed, because the map is
# not served.
vendor() {
    [ -r "$modules/$3/$4" ] || return 0
    mkdir -p "$1"
    sed '/^\/\/# sourceMappingURL=/d' "$modules/$3/$4" >"$1/$2.js"
    cp "$modules/$3/$5" "$1/$2.LICENSE.txt"
}

# assets DIRECTORY: copy everything that index.html and its modules request.
assets() {
    mkdir -p "$1"
    cp -R web/assets/. "$1"
    vendor "$1/vendor" chart chart.js dist/chart.umd.min.js LICENSE.md
    vendor "$1/vendor" jsbarcode jsbarcode dist/JsBarcode.all.min.js \
        MIT-LICENSE.txt
}

digest() {
    (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -c 1-12)
}

scripts/modules.sh "$@" || {
    [ "${1:-}" != all ] || exit 1
    echo "web: packages are missing: the pages lack charts or barcodes." >&2
}

mkdir -p build
work=$(mktemp -d build/web.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

assets "$work/new"
version=$(digest "$work/new")
mkdir "$work/assets"
mv "$work/new" "$work/assets/$version"

# there NAME: is the script with this name there?
there() {
    if [ -r "$work/assets/$version/vendor/$1.js" ]; then echo yes; else echo no; fi
}

# The modules that each page needs besides those that index.html announces, as
# "caisse=catalogue,ticket stock=...": the browser asks for them at once.  Else it
# would learn of them by reading one after the other.
needed() (
    cd web || exit
    LC_ALL=C
    awk '
        FNR == 1 { name = FILENAME; sub(/.*\/js\//, "", name) }
        FILENAME ~ /index\.html$/ {
            if (match($0, /"modulepreload" href="@ASSETS@\/js\/[^"]+"/)) {
                one = substr($0, RSTART, RLENGTH - 1)
                sub(/.*\/js\//, "", one)
                known[one] = 1
            }
            next
        }
        match($0, / from "\.\.?\/[^"]+";$/) {
            one = substr($0, RSTART, RLENGTH - 2)
            sub(/.*from "\.\.?\//, "", one)
            imports[name] = imports[name] " " one
        }
        FNR == 1 && name ~ /^pages\// { pages[++count] = name }
        END {
            for (n = 1; n <= count; n++) {
                page = pages[n]
                many = split(imports[page], todo, " ")
                split("", seen)
                text = ""
                for (i = 1; i <= many; i++) {
                    if (todo[i] in seen || todo[i] in known) {
                        continue
                    }
                    seen[todo[i]] = 1
                    one = todo[i]
                    sub(/\.js$/, "", one)
                    text = text (text == "" ? "" : ",") one
                    more = split(imports[todo[i]], next_ones, " ")
                    for (j = 1; j <= more; j++) {
                        todo[++many] = next_ones[j]
                    }
                }
                sub(/^pages\//, "", page)
                sub(/\.js$/, "", page)
                printf "%s%s=%s", (n == 1 ? "" : " "), page, text
            }
        }' index.html assets/js/*.js assets/js/pages/*.js
)

modules=$(needed)
sed -e "s|@ASSETS@|/assets/$version|g" -e "s|@CHARTS@|$(there chart)|" \
    -e "s|@BARCODES@|$(there jsbarcode)|" -e "s|@MODULES@|$modules|" \
    web/index.html >"$work/index.html"
cp web/favicon.svg "$work"

# The service worker takes all files of this version, except the libraries: those
# are kept once a page has needed them.
listed() {
    (cd "$work" && find "assets/$version" favicon.svg -type f "$@" \
        -printf '/%p\n' | LC_ALL=C sort | paste -s -d ' ')
}
files=$(listed ! -path '*/vendor/*')
later=$(listed -path '*/vendor/*.js')
pages=$(sed -n 's|^    "\(/[a-z]*\)": .*|\1|p' web/assets/js/main.js |
    paste -s -d ' ')
sed -e "s|@VERSION@|$version|" -e "s|@FILES@|$files|" -e "s|@PAGES@|$pages|" \
    -e "s|@LATER@|$later|" web/service.js >"$work/service.js"

# -n: the same content gives the same bytes.
find "$work" -type f -size +512c -regex '.*\.\(html\|css\|js\|json\|svg\)' \
    -exec gzip -9 -k -n {} +

# Unchanged files keep their times, from which nginx computes the ETag.
! diff -rq "$work" build/web >/dev/null 2>&1 || exit 0
rm -rf build/web
mv "$work" build/web
trap - EXIT
