#!/usr/bin/env bash
# Run the suites in the language of Test::Nginx under the real library.
#
# usage: TEST_NGINX_LIB=<directory with Test/Nginx/Socket.pm> test_nginx.sh
#
# TESTS has the suites (default: all that use Test::Nginx::Socket).  The library
# starts nginx anew for each block, which takes many times as long.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

[ -r "${TEST_NGINX_LIB:-}/Test/Nginx/Socket.pm" ] || {
    echo "test_nginx: TEST_NGINX_LIB is no directory with" \
        "Test/Nginx/Socket.pm." >&2
    exit 2
}
TEST_NGINX_LIB=$(cd "$TEST_NGINX_LIB" && pwd)
export TEST_NGINX_LIB

if [ -z "${TESTS:-}" ]; then
    mapfile -t suites < <(grep -l '^use Test::Nginx::Socket' t/*.t)
    export TESTS="${suites[*]}"
fi

# As with t/lib: some answers take longer than the library's three seconds.
export TEST_NGINX_TIMEOUT=${TEST_NGINX_TIMEOUT:-20}
# A graceful end of each nginx would take seconds.
export TEST_NGINX_FAST_SHUTDOWN=${TEST_NGINX_FAST_SHUTDOWN:-1}
exec scripts/test.sh
