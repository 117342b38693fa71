#!/usr/bin/env bash
# Run the tests of the pages in Chromium and Firefox, against a private Magasin in
# RUN_DIR/web, which is created from the demonstration and removed.
#
# usage: test_web.sh [screenshots|scale]
#
# With "screenshots" it creates the pictures of docs/ instead; with "scale" it
# measures the pages with the data of a large retailer.
#
# environment:
#   CHROMIUM  the browser (default /usr/bin/chromium)
#   FIREFOX   the other one (default /usr/bin/firefox-esr)
#   TESTS     the files to run (default web/test/*.test.js)

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Never use the instance that a person works with.
export RUN_DIR=${RUN_DIR:-run}/web
export ADDRESS=127.0.0.1

trap 'scripts/instance.sh remove' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

scripts/instance.sh remove
# Of those that the kernel gives to nobody who connects: where a suite beside
# this one opens thousands of connections, it would have others taken before
# nginx has bound them.
port() {
    node -e 'const server = require("net").createServer();
        const look = () => server.listen(
            20000 + Math.floor(Math.random() * 12768), "127.0.0.1");
        server.on("error", look);
        server.on("listening", () => {
            console.log(server.address().port);
            server.close();
        });
        look();'
}
PORT=$(port)
METRICS_PORT=$(port)
export PORT METRICS_PORT
scripts/instance.sh start >/dev/null
export MAGASIN_URL=http://127.0.0.1:$PORT

if [ "${1:-}" = screenshots ]; then
    node web/test/screenshots.js
    exit
fi

if [ "${1:-}" = scale ]; then
    node --test --test-reporter=spec web/test/scale.js
    exit
fi

files=(web/test/*.test.js)
[ -z "${TESTS:-}" ] || read -ra files <<<"$TESTS"
# The files run one after the other, because they use the same stock.
node --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
