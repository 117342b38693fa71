#!/usr/bin/env bash
# Look whether what PostgreSQL keeps twice agrees with itself, on a database
# that may be at work.
#
# usage: check.sh ledger|rollups|rebuild-rollups
#
#   ledger           the journal tells the stock there is
#   rollups          the sums of the sales agree with the sales
#   rebuild-rollups  make those sums anew; sales are refused (503) until it is
#                    done, and if a sale is open elsewhere it gives up
#
# Prints what differs, a line each, and exits 1; 0 when all is well, 2 when it
# could not be found out.
#
# environment:
#   DATABASE  what psql -d takes, a libpq URI or conninfo; without it, it is
#             the instance in RUN_DIR (default ./run), whose PostgreSQL is
#             started for the purpose when it does not run

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

name=${1:-}
case $name in
ledger | rollups | rebuild-rollups) ;;
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
    # Asking about an instance that never was shall not make one.
    "$top/scripts/instance.sh" home >/dev/null || exit 2
    running=$("$top/scripts/instance.sh" status 2>/dev/null || true)
    if ! grep -q '^postgres  *runs' <<<"$running"; then
        started=yes
        "$top/scripts/instance.sh" start-db || exit 2
    fi
    database=$("$top/scripts/instance.sh" admin-conninfo)
fi

found=$(PGCLIENTENCODING=UTF8 psql -X -q -A -t -v ON_ERROR_STOP=1 \
    -d "$database" -f "$top/sql/checks/${name//-/_}.sql") || {
    echo "$name: the check failed (see above)." >&2
    exit 2
}

if [ -n "$found" ]; then
    echo "$found"
    echo "$name: $(wc -l <<<"$found") differences." >&2
    exit 1
fi

case $name in
ledger) echo "ledger: the journal and the stock agree." ;;
rollups) echo "rollups: the sums and the sales agree." ;;
rebuild-rollups) echo "rebuild-rollups: the sums were computed again." ;;
esac
