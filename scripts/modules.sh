#!/usr/bin/env bash
# Install the npm packages of web/package-lock.json in web/node_modules.
#
# usage: modules.sh [all]
#
# Without an argument it installs the packages that are served.  "all" adds the
# packages that the tests need.  If they are already installed, it does nothing
# and needs no network.  Exit 1 if npm is missing or fails.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../web"

mark=node_modules/.magasin
lock=$(sha256sum package-lock.json | cut -d ' ' -f 1)

# "all" includes the packages that are served.
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

# Install scripts of packages are disabled: one of them would send a report.
npm ci --ignore-scripts --silent --fetch-retries=1 "${omit[@]}" >&2 || {
    echo "modules: npm ci failed (run it in web/ to see why)." >&2
    exit 1
}
echo "$lock ${1:-served}" >"$mark"
