#!/usr/bin/env bash
# Lay out build/openapi: what /openapi.json and /swagger/ serve, with a .gz
# beside every text.
#
# usage: openapi.sh
#
# The document is the parts of web/openapi, a part for a resource, as
# scripts/openapi_join.sh puts them together.
# Swagger UI comes from npm as it is; without npm /swagger/ says so.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

ui=web/node_modules/swagger-ui-dist

mkdir -p build
work=$(mktemp -d build/openapi.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

scripts/openapi_join.sh >"$work/openapi.json"

mkdir "$work/swagger"
if scripts/modules.sh; then
    cp web/swagger/* "$work/swagger"
    # Without the name of its map, which nobody is given.
    for file in swagger-ui-bundle.js swagger-ui.css; do
        sed '/^\/[/*]# sourceMappingURL=/d' "$ui/$file" \
            >"$work/swagger/$file"
    done
    cp "$ui/swagger-ui-bundle.js.LICENSE.txt" "$ui/LICENSE" "$ui/NOTICE" \
        "$work/swagger"
    rm "$work/swagger/absent.html"
else
    echo "openapi: without npm's packages /swagger/ shows only what is" \
        "missing; the API and /openapi.json do not need them." >&2
    cp web/swagger/absent.html "$work/swagger/index.html"
fi

# -n: the same content gives the same bytes.
find "$work" -type f -regex '.*\.\(html\|css\|js\|json\)' \
    -exec gzip -9 -k -n {} +

# What has not changed keeps its times, of which nginx makes the ETag.
! diff -rq "$work" build/openapi >/dev/null 2>&1 || exit 0
rm -rf build/openapi
mv "$work" build/openapi
trap - EXIT
