#!/usr/bin/env bash
# Create build/openapi, which /openapi.json and /swagger/ serve, with a .gz file
# for each text.
#
# usage: openapi.sh
#
# The document consists of the parts in web/openapi, one part per resource;
# scripts/openapi_join.sh joins them.  Swagger UI is the unchanged npm package.
# Without npm, /swagger/ shows a message instead.

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
    # The reference to the source map is removed, because the map is not served.
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

# Unchanged files keep their times, from which nginx computes the ETag.
! diff -rq "$work" build/openapi >/dev/null 2>&1 || exit 0
rm -rf build/openapi
mv "$work" build/openapi
trap - EXIT
