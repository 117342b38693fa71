#!/usr/bin/env bash
# Install npm's packages of web/package-lock.json into web/node_modules.
#
# usage: modules.sh [all]
#
# Those that are served, or with "all" those that the tests need too.  With
# nothing to do this takes no time and asks nobody.  Exit 1 when there is no
# npm, or it fails.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../web"

mark=node_modules/.magasin
lock=$(sha256sum package-lock.json | cut -d ' ' -f 1)

# "all" has what is served too.
if [ "$(cat "$mark" 2>/dev/null)" = "$lock all" ] ||
    [ "$(cat "$mark" 2>/dev/null)" = "$lock ${1:-served}" ]
then
    exit 0
fi

if ! command -v npm >/dev/null; then
    echo "modules: npm is not installed (Debian: apt-get install npm)." >&2
    exit 1
fi

omit=(--omit=dev)
[ "${1:-}" != all ] || omit=()

# Packages get no say while they are installed: one of them would report home.
npm ci --ignore-scripts --silent --fetch-retries=1 "${omit[@]}" >&2 || {
    echo "modules: npm ci failed (run it in web/ to see why)." >&2
    exit 1
}
echo "$lock ${1:-served}" >"$mark"
