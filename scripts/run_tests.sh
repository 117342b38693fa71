#!/usr/bin/env bash
# Load tests: response times and error rates.
#
# usage: run_tests.sh quick|baseline|stress|both|peak|overload
#
#   quick      twenty seconds of the stress test, to see that it works
#   baseline   up to 50 users            scripts/load_test_baseline.js
#   stress     up to 200 users           scripts/stress_test.js
#   both       one after the other
#   peak       how many requests a second   scripts/peak_test.js
#   overload   the peak, then three times as many   scripts/overload_test.js
#
# The tests are scripts of k6.  Where k6 is installed it runs them, elsewhere
# the runner of scripts/load/runner does.  Results say which.
#
# environment:
#   BASE_URL     the server to test; its prices are changed!  Default: a server
#                started for the test under RUN_DIR/load
#   TOKEN        a token with scope "produits"        (default token-430)
#   CACHE, WORKERS, RUN_DIR, MODULE     of the started server
#   RESULTS      directory of the results             (default ./results)
#   RUNNER       k6 or own                  (default k6, if it is installed)
#   SLOW_WRITES_MS  milliseconds that the started PostgreSQL adds to each
#                change of a product, as a slow disk would    (default 0)
#   DURATION_SCALE, USERS, THINK, CHECK, MAX_ERROR_RATE, MAX_P95_MS, ...
#                of the tests: docs/performance.md
#
# Exit 1: a threshold was missed; exit 2: a test could not run.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/load/lib.sh
. "$top/scripts/load/lib.sh"

test_name "${1:-}"

need_node
need_runner
results=${RESULTS:-results}
stamp=$(date -u +%Y%m%dT%H%M%S)

# A load generator that shares the processors of the server distorts the
# results.  If there are enough processors, the overload test separates the two.
server=() generator=()
if [ "$mode" = overload ] && [ -z "${BASE_URL:-}" ] &&
    command -v taskset >/dev/null && [ "$(nproc)" -ge 2 ]
then
    server=(taskset -c 0)
    generator=(taskset -c 1)
    export WORKERS=${WORKERS:-1}
fi

# Used only with a database that this script has started.
slow_writes() {
    psql -X -q -v ON_ERROR_STOP=1 -v seconds="$1" \
        -d "$("$own_instance" admin-conninfo)" <<'SQL'
SET client_min_messages = warning;
DROP TRIGGER IF EXISTS essai_lent ON produit;
CREATE OR REPLACE FUNCTION essai_lent() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(TG_ARGV[0]::float8); RETURN new; END';
SELECT :seconds > 0 AS slow \gset
\if :slow
CREATE TRIGGER essai_lent BEFORE UPDATE ON produit
    FOR EACH ROW EXECUTE FUNCTION essai_lent(:seconds);
\endif
SQL
}

if [ -z "${BASE_URL:-}" ]; then
    start_own "${server[@]}"
    slow_writes "$(awk -v ms="${SLOW_WRITES_MS:-0}" \
        'BEGIN { print ms / 1000 }')"
fi

result=0

# test NAME SCRIPT [VARIABLE=VALUE ...]
test() {
    local name=$1 script=$2 rc=0

    shift 2
    echo "== $name: $BASE_URL, $runner_name"
    run_load "$results/$name-$stamp" "$script" env "$@" "${generator[@]}" ||
        rc=$?
    [ "$rc" -le "$result" ] || result=$rc
}

# The scale at which the stress test, 480 seconds long, takes 20 seconds.
quick=$(awk 'BEGIN { print 20 / 480 }')

case $mode in
quick) test quick stress_test.js DURATION_SCALE="${DURATION_SCALE:-$quick}" ;;
baseline) test baseline load_test_baseline.js ;;
stress) test stress stress_test.js ;;
both)
    test baseline load_test_baseline.js
    test stress stress_test.js
    ;;
peak) test peak peak_test.js ;;
overload)
    test peak peak_test.js SECONDS="${PEAK_SECONDS:-8}"
    [ "$result" -le 1 ] || exit "$result"
    peak=$(peak_of "$results/peak-$stamp")
    test overload overload_test.js PEAK="$peak"
    ;;
esac

exit "$result"
