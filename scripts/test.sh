#!/usr/bin/env bash
# Run the suites against a PostgreSQL and a Redis of their own, which stay for
# the next time in RUN_DIR/test but do not keep running.
#
# usage: test.sh [--asan]
#
# With --asan it is the sanitized module, and a report of AddressSanitizer or
# UBSan fails the run whatever the suites say.  TESTS names the suites
# (default t/*.t).

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Never the instance that a person works with: the suites empty tables.
RUN_DIR=${RUN_DIR:-run}/test
export RUN_DIR

nginx=$(command -v "${NGINX_BINARY:-nginx}") || {
    echo "test: ${NGINX_BINARY:-nginx} is not installed." >&2
    exit 1
}

trap 'scripts/instance.sh stop' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

scripts/instance.sh start-db
home=$(scripts/instance.sh home)
socket=$(scripts/instance.sh redis-socket)
database=$(scripts/instance.sh web-conninfo)
admin_database=$(scripts/instance.sh admin-conninfo)

# The suites follow this version of the file, whatever was tried in the
# directory before.
cat conf/tokens.demo >"$home/tokens"

module=$top/build/ngx_http_magasin_module.so
reports=
if [ "${1:-}" = --asan ]; then
    module=$top/build/asan/objs/ngx_http_magasin_module.so
    reports=$home/asan
    rm -rf "$reports"
    mkdir -p "$reports"
    # nginx's workers write here too, as whoever the suite lets them be.
    chmod 1777 "$reports"

    # The sanitizer has to be in the process before nginx itself is.
    # detect_leaks=0: nginx leaves its pools to the end of the process.
    cat >"$reports/nginx" <<WRAPPER
#!/bin/sh
ASAN_OPTIONS="detect_leaks=0:handle_sigill=1:log_path='$reports/report'"
LD_PRELOAD=$(gcc -print-file-name=libasan.so)
export ASAN_OPTIONS LD_PRELOAD
exec $nginx "\$@"
WRAPPER
    chmod 755 "$reports/nginx"
    nginx=$reports/nginx
    export TEST_NGINX_ASAN=1
fi

export TEST_NGINX_BINARY=$nginx
export TEST_NGINX_LOAD_MODULES=$module
export TEST_NGINX_DATABASE=$database
export TEST_NGINX_ADMIN_DATABASE=$admin_database
export TEST_NGINX_REDIS=$socket
export TEST_NGINX_TOKENS=$home/tokens
TEST_NGINX_RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
export TEST_NGINX_RUN_DIR

suites=(t/*.t)
options=()
if ! perl -MTest::Nginx::Socket -e1 2>/dev/null; then
    options+=(-It/lib)

    # A harness of our own has to show that it finds what is wrong.
    [ -n "$reports" ] || suites+=(t/selftest/*.t)
fi

if [ -n "${TESTS:-}" ]; then
    read -ra suites <<<"$TESTS"
fi

result=0
prove "${options[@]}" "${suites[@]}" || result=$?

if [ -n "$reports" ]; then
    found=("$reports"/report.*)
    if [ -e "${found[0]}" ]; then
        echo "The sanitizers wrote ${#found[@]} reports (ILL: undefined" \
            "behaviour).  The first:" >&2
        head -n 40 "${found[0]}" >&2
        result=1
    fi
fi

exit "$result"
