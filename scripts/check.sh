#!/usr/bin/env bash
# Check what PostgreSQL does not check by itself, on a database that may be in
# use.
#
# usage: check.sh ledger|rollups|rebuild-rollups|counters|rebuild-counters|
#                 doctor
#
#   ledger           the journal adds up to the stock
#   rollups          the sums of the reports are those of the sales
#   rebuild-rollups  compute these sums again; sales are rejected (503) until it
#                    is done; it fails when another session has an open sale
#   counters         the counts of lists and metrics are those of the rows
#   rebuild-counters compute these counts again
#   doctor           puts sequences ahead of rows that were inserted with their
#                    ids, and prints ids of the journal that are there twice,
#                    sales that name rows that are not there, what has to be
#                    done about collations that the system of the database has
#                    in another version, and whether names are found without
#                    their accents
#
# Prints one line per difference and exits 1; exits 0 without a difference, 2
# when the check failed.
#
# environment:
#   DATABASE  a libpq URI or conninfo, as for psql -d; default: the instance in
#             RUN_DIR (default ./run), whose PostgreSQL is started for this when
#             it does not run

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

name=${1:-}
case $name in
ledger | rollups | rebuild-rollups | counters | rebuild-counters | doctor) ;;
*)
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

started=
clean_up() {
    [ -z "$started" ] || "$top/scripts/instance.sh" stop-db
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

database=${DATABASE:-}
if [ -z "$database" ]; then
    for variable in "${!PG@}"; do
        unset "$variable"
    done
    # A query about an instance that does not exist must not create it.
    "$top/scripts/instance.sh" home >/dev/null || exit 2
    running=$("$top/scripts/instance.sh" status 2>/dev/null || true)
    if ! grep -q '^postgres  *runs' <<<"$running"; then
        started=yes
        "$top/scripts/instance.sh" start-db || exit 2
    fi
    database=$("$top/scripts/instance.sh" admin-conninfo)
fi

run() {
    PGCLIENTENCODING=UTF8 psql -X -q -A -t -v ON_ERROR_STOP=1 \
        -d "$database" -f "$top/sql/checks/$1.sql" || {
        echo "$name: the check failed (see above)." >&2
        exit 2
    }
}

# look CHECK WHAT...: print what it finds, and what that is
look() {
    local found

    found=$(run "$1")
    shift
    [ -n "$found" ] || return 0
    echo "$found"
    echo "doctor: $* (docs/operations.md)." >&2
    result=1
}

if [ "$name" = doctor ]; then
    repaired=$(run repair_sequences)
    [ -z "$repaired" ] || echo "$repaired"
    result=0
    look journal_ids "the journal has ids more than once"
    look references "sales name rows that are not there"
    look collations "the system of the database has other versions of" \
        "collations; the lines above put the indexes right"
    look search "the database needs LC_CTYPE C.UTF-8"
    [ "$result" -ne 0 ] ||
        echo "doctor: sequences and collations are as they should be."
    exit "$result"
fi

found=$(run "${name//-/_}")

if [ -n "$found" ]; then
    echo "$found"
    echo "$name: $(wc -l <<<"$found") differences." >&2
    exit 1
fi

case $name in
ledger) echo "ledger: the journal and the stock agree." ;;
rollups) echo "rollups: the sums and the sales agree." ;;
rebuild-rollups) echo "rebuild-rollups: the sums were computed again." ;;
counters) echo "counters: the counts and the rows agree." ;;
rebuild-counters) echo "rebuild-counters: the counts were computed again." ;;
esac
