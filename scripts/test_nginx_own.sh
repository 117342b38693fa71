#!/usr/bin/env bash
# Run nginx's own suites without the module and with it loaded, and compare:
# a module that nobody uses changes nothing.
#
# usage: NGINX_TESTS=<directory of nginx-tests> test_nginx_own.sh
#
# FILES has names or patterns of its files (default: a choice of about forty
# that takes a few minutes).  Exit 1: a file has other results with the module.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ -r "${NGINX_TESTS:-}/lib/Test/Nginx.pm" ] || {
    echo "test_nginx_own: NGINX_TESTS is no directory with" \
        "lib/Test/Nginx.pm." >&2
    exit 2
}
binary=$(command -v "${NGINX_BINARY:-nginx}") || {
    echo "test_nginx_own: ${NGINX_BINARY:-nginx} is not installed." >&2
    exit 2
}
module=$top/build/ngx_http_magasin_module.so

patterns=(access_log*.t auth_basic.t auth_request*.t autoindex.t body*.t
    gzip*.t http_e*.t http_he*.t http_k*.t http_location*.t http_m*.t http_u*.t
    if.t index.t limit_*.t map.t not_modified.t proxy.t proxy_keepalive.t
    range*.t request_id.t rewrite*.t ssi.t sub_filter*.t upstream_keepalive.t)
[ -z "${FILES:-}" ] || read -ra patterns <<<"$FILES"

work=$(mktemp -d "${TMPDIR:-/tmp}/magasin-own.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# The suites load each module that nginx says it has as a dynamic one; Debian has
# these in packages of their own.  So nginx does not speak of them here.
cat >"$work/nginx" <<WRAPPER
#!/bin/sh
[ "\$*" != -V ] || {
    '$binary' -V 2>&1 | sed 's/--with-[^ ]*=dynamic//g'
    exit
}
exec '$binary' "\$@"
WRAPPER
chmod 755 "$work/nginx"

# Their directories are their owner's alone.
globals=
[ "$(id -u)" -ne 0 ] || globals='user root;'

# run FILE [GLOBALS]: its lines "ok" and "not ok", and how it ended
run() {
    local result=0

    TEST_NGINX_BINARY=$work/nginx TEST_NGINX_GLOBALS="$globals ${2:-}" \
        TMPDIR=$work \
        timeout 120 perl "$1" >"$work/out" 2>"$work/err" || result=$?
    grep -aE '^(ok|not ok|1\.\.|Bail)' "$work/out" || true
    echo "exit $result"
}

cd "$NGINX_TESTS"
files=0 tests=0 differ=0 bad=0
for pattern in "${patterns[@]}"; do
    for file in $pattern; do
        [ -r "$file" ] || continue
        files=$((files + 1))
        run "$file" >"$work/without"
        run "$file" "load_module $module;" >"$work/with"
        grep -qx 'exit 0' "$work/without" || bad=$((bad + 1))
        tests=$((tests + $(grep -cE '^(ok|not ok)' "$work/without" || true)))

        # Some depend on time, and fail now and then whatever is loaded.
        if ! cmp -s "$work/without" "$work/with"; then
            run "$file" >"$work/without"
            run "$file" "load_module $module;" >"$work/with"
        fi
        if ! cmp -s "$work/without" "$work/with"; then
            differ=$((differ + 1))
            echo "$file differs:"
            diff "$work/without" "$work/with" || true
        fi
    done
done

echo "$files files, $tests tests: $differ differ with the module;" \
    "$bad fail without it"
# Suites that cannot run differ in nothing.
if [ $((bad * 4)) -ge "$files" ]; then
    echo "test_nginx_own: too few of the suites run here." >&2
    exit 2
fi
[ "$differ" -eq 0 ]
