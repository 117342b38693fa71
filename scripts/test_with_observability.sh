#!/usr/bin/env bash
# A load test that also records data of the servers: metrics, the waits of
# PostgreSQL, the commands of Redis, and the access log by route.
#
# usage: test_with_observability.sh quick|baseline|stress|both|peak|overload
#
# The environment is that of run_tests.sh, without BASE_URL: the script always
# starts a server for the test.  RESULTS/observed-TIME contains, besides the
# results of the tests:
#
#   observed.md        the access log by route, cache and status; PostgreSQL's
#                      waits; Redis's commands
#   access.log         the lines of the test
#   metrics/           /metrics every five seconds, if the server has it
#   status.json        /status at the end, if the server has it
#   waits.csv          what PostgreSQL's connections waited for, once a second

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/load/lib.sh
. "$top/scripts/load/lib.sh"
fail() {
    load_fail "$@"
}
# shellcheck source=scripts/processes.sh
. "$top/scripts/processes.sh"

test_name "${1:-}"

command -v jq >/dev/null || load_fail "jq is not installed" \
    "(scripts/packages.sh load)."
need_node
unset BASE_URL
observed=${RESULTS:-results}/observed-$(date -u +%Y%m%dT%H%M%S)
mkdir -p "$observed/metrics"

# shellcheck disable=SC2119  # what it takes are words before the start
start_own
log=$own_home/log/access.log
log_before=$(stat -c %s "$log")
admin=$("$own_instance" admin-conninfo)
redis_socket=$("$own_instance" redis-socket)
"$(redis_program cli)" -s "$redis_socket" config resetstat >/dev/null

ask() {
    curl -s -f -m 2 --noproxy '*' -o "$2" \
        "http://127.0.0.1:$((PORT + 1))$1" || rm -f "$2"
}

# The query does not count its own connection, which has another user.
waits="SELECT to_char(now(), 'HH24:MI:SS'), state,
              coalesce(wait_event_type || ' ' || wait_event, 'works'),
              count(*)
         FROM pg_stat_activity
        WHERE usename = 'magasin_web' AND state <> 'idle'
        GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC"

sample() {
    local second

    for ((second = 0; ; second++)); do
        psql -X -q --csv -t -d "$admin" -c "$waits" >>"$observed/waits.csv"
        [ $((second % 5)) -ne 0 ] ||
            ask /metrics "$(printf '%s/metrics/%05d.prom' "$observed" \
                "$second")"
        sleep 1
    done
}

echo 'time,state,wait,connections' >"$observed/waits.csv"
sample &
sampler=$!

end_sample() {
    kill "$sampler" 2>/dev/null || true
    wait "$sampler" 2>/dev/null || true
}
trap 'end_sample; stop_own' EXIT

result=0
RESULTS=$observed "$top/scripts/run_tests.sh" "$mode" || result=$?

ask /status "$observed/status.json"
end_sample
# nginx flushes its log once a second.
sleep 1.2
tail -c "+$((log_before + 1))" "$log" >"$observed/access.log"

# Percentiles by rank.  The resolution is the milliseconds of nginx.
# shellcheck disable=SC2016  # the dollar is jq's
by='def rank($part): sort | .[((length - 1) * $part | floor)];
    def row: "| " + (map(tostring) | join(" | ")) + " |";
    def ms: if . == null then "–" else . * 1000 | round end;'

{
    echo "# Observations: $mode"
    echo
    echo "## Requests by route (milliseconds)"
    echo
    echo "| route | requests | p50 | p95 | p99 | database p95 |"
    echo "|---|---|---|---|---|---|"
    jq -rs "$by"' group_by(.method + .route)[]
        | [.[0].method + " " + .[0].route, length,
           (map(.request_time) | rank(0.5) | ms),
           (map(.request_time) | rank(0.95) | ms),
           (map(.request_time) | rank(0.99) | ms),
           (map(.db_time | values) | rank(0.95) | ms)] | row' \
        "$observed/access.log"
    echo
    echo "## By status and cache state"
    echo
    echo "| status | cache | requests | p99 |"
    echo "|---|---|---|---|"
    jq -rs "$by"' group_by([.status, .cache])[]
        | [.[0].status, .[0].cache, length,
           (map(.request_time) | rank(0.99) | ms)] | row' \
        "$observed/access.log"
    echo
    echo "## What PostgreSQL's connections did, sampled once a second"
    echo
    echo "| state | times |"
    echo "|---|---|"
    awk -F, 'NR > 1 { seen[$2 ", " $3] += $4 }
        END { for (s in seen) print "| " s " | " seen[s] " |"
              if (NR < 2) print "| idle, whenever it was looked at | |" }' \
        "$observed/waits.csv" | sort -t'|' -k3,3nr
    echo
    echo "## Redis"
    echo
    echo "| command | calls | µs a call |"
    echo "|---|---|---|"
    "$(redis_program cli)" -s "$redis_socket" info commandstats | tr -d '\r' |
        sed -n 's/^cmdstat_\([^:|]*\):calls=\([0-9]*\),.*usec_per_call=\([0-9.]*\),.*/| \1 | \2 | \3 |/p'
} >"$observed/observed.md"

rmdir --ignore-fail-on-non-empty "$observed/metrics"
echo
cat "$observed/observed.md"
exit "$result"
