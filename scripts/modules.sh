#!/usr/bin/env bash
# Install the npm packages of web/package-lock.json in web/node_modules.
#
# usage: modules.sh [all]
#
# Without an argument it installs the packages that are served.  "all" adds the
# packages that the tests need.  If they are already installed, it does nothing
# and needs no network.  Exit 1 if npm is missing or fails.
#
# Where there is no npm, or its Node.js is older than 20, the one of
# web/requirements.txt is installed in web/node (python3-venv): Debian's package
# npm needs hundreds of others.

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

has_npm() {
    command -v npm >/dev/null &&
        [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null ||
            echo 0)" -ge 20 ]
}

install_node() {
    echo "modules: installing Node.js in web/node ..." >&2
    rm -rf node
    python3 -m venv node >&2 &&
        node/bin/python3 -m pip --quiet --disable-pip-version-check \
            --retries 1 --timeout 20 install --no-deps --require-hashes \
            --only-binary :all: -r requirements.txt >&2 && return
    rm -rf node
    return 1
}

if ! has_npm; then
    PATH=$PWD/node/bin:$PATH
    has_npm || install_node || true
fi
has_npm || {
    echo "modules: there is no npm with Node.js 20 or newer, and none can be" \
        "installed (see above)." >&2
    exit 1
}
echo "modules: installing npm's packages ..." >&2

omit=(--omit=dev)
[ "${1:-}" != all ] || omit=()

# Install scripts of packages are disabled: one of them would send a report.
npm ci --ignore-scripts --silent --fetch-retries=1 "${omit[@]}" >&2 || {
    echo "modules: npm ci failed (run it in web/ to see why)." >&2
    exit 1
}
echo "$lock ${1:-served}" >"$mark"
