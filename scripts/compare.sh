#!/usr/bin/env bash
# Run the same load on one node and on three, with a cache and without, and
# print a table of the results beside the published figures of the reference.
#
# usage: compare.sh
#
#   1  one node, no cache              two worker processes
#   2  three nodes, no cache           one each, behind conf/cluster/
#   3  three nodes, Redis              magasin_cache l2
#   4  one node, both levels           magasin_cache on
#
# Each setup runs scripts/stress_test.js (200 users with think time) and
# scripts/peak_test.js (64 without).  Then scripts/overload_test.js runs on one
# node: first without a cache, then with a cache and a PostgreSQL that takes 10
# ms for each write.  The load generator runs on the same machine, so only the
# ratios are meaningful.
#
# environment:
#   RESULTS         directory of the results          (default ./results)
#   DURATION_SCALE  of the stress test; 0.25 is two minutes each, and eleven
#                   minutes in all                    (default 0.25)
#   PEAK_SECONDS    of the peaks                      (default 10)
#   RUNNER          as of run_tests.sh
#   RUN_DIR, MODULE as of instance.sh
#
# The table is printed and written to RESULTS/compare-TIME/compare.md.  All
# figures are in compare.json beside it.  Exit 1 if a requirement was missed.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/load/lib.sh
. "$top/scripts/load/lib.sh"

[ $# -eq 0 ] || {
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

need_node
need_runner
results=${RESULTS:-results}/compare-$(date -u +%Y%m%dT%H%M%S)
run_dir=${RUN_DIR:-run}
peak_seconds=${PEAK_SECONDS:-10}
unset BASE_URL

# A missed threshold is reported in the results.  A test that cannot run ends
# the script.
run() {
    local rc=0

    run_load "$results/$1" "$2" env "${@:3}" || rc=$?
    [ "$rc" -le 1 ] || load_fail "$2 could not be run."
}

# step NAME CACHE WORKERS start_own|start_own_cluster
step() {
    echo "== $1"
    export RUN_DIR=$run_dir CACHE=$2 WORKERS=$3
    "$4"
    run "$1/stress" stress_test.js THINK="${THINK:-1}"
    run "$1/peak" peak_test.js SECONDS="$peak_seconds"
    stop_own
}

step one off 2 start_own
step three off 1 start_own_cluster
step three-redis l2 1 start_own_cluster
step one-cached on 2 start_own
trap - EXIT

# overload NAME VARIABLE=VALUE...: run the test on its own instance, on its own
# processor.
overload() {
    local rc=0

    echo "== $1"
    env "${@:2}" RUN_DIR="$run_dir" WORKERS=1 RESULTS="$results/$1" \
        "$top/scripts/run_tests.sh" overload || rc=$?
    [ "$rc" -le 1 ] || load_fail "overload_test.js could not be run."
    mv "$results/$1"/peak-* "$results/$1/peak"
    mv "$results/$1"/overload-* "$results/$1/overload"
}

unset BASE_URL WATCH
overload overload-processor CACHE=off
overload overload-writes CACHE=on SLOW_WRITES_MS=10

exec node "$top/scripts/load/table.js" "$results"
