#!/usr/bin/env bash
# Replace the demonstration data with those of a retailer of any size: three
# years of sales until now, stock and replenishments.
#
# usage: demo_scale.sh [TO]
#
# TO is a libpq URI or conninfo of a superuser, as for psql -d.  The default is
# the instance in RUN_DIR (default ./run), whose PostgreSQL is started for this
# if it does not run.  The content is replaced only if it is a demonstration,
# this one or the small one; otherwise the script stops and changes nothing.
# Other users of the database wait until the script ends.
#
# environment:
#   LINES     number of sale lines, 1000 to 50000000
#   STORES    number of stores, 1 to 1000             (default 50)
#   PRODUCTS  number of products, 10 to 100000        (default 1000)
#   SEED      the same seed gives the same data,      (default 1)
#             except the dates, which are relative to now

# bash sets LINES to the height of the terminal, unless checkwinsize is off.
shopt -u checkwinsize
lines=${LINES:-}

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "demo-scale: $*" >&2
    exit 1
}

# number NAME VALUE MINIMUM MAXIMUM: check a parameter.
number() {
    if ! [[ $2 =~ ^(0|[1-9][0-9]{0,9})$ ]] || [ "$2" -lt "$3" ] ||
        [ "$2" -gt "$4" ]
    then
        fail "$1=$2 is not a number from $3 to $4."
    fi
}

[ -n "$lines" ] || fail "say how many sale lines, as in:" \
    "make demo-scale LINES=1000000"
stores=${STORES:-50}
products=${PRODUCTS:-1000}
seed=${SEED:-1}
number LINES "$lines" 1000 50000000
number STORES "$stores" 1 1000
number PRODUCTS "$products" 10 100000
number SEED "$seed" 0 2147483647
[ $((stores * products)) -le 10000000 ] ||
    fail "STORES times PRODUCTS is more than 10000000."

work=$(umask 077 && mktemp -d)
started=

clean_up() {
    rm -rf "$work"
    [ -z "$started" ] || "$top/scripts/instance.sh" stop-db
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# psql prints "psql:FILE:LINE: ERROR: message"; print only the message.
refused() {
    local line

    line=$(grep -m 1 -E 'ERROR|FATAL|error:' "$work/stderr" ||
        tail -n 1 "$work/stderr")
    line=${line##*ERROR:  }
    line=${line##*FATAL:  }
    line=${line#psql: error: }
    fail "refused: ${line:-it was interrupted}; nothing was changed."
}

if [ $# -gt 0 ]; then
    to=$1
else
    for name in "${!PG@}"; do
        unset "$name"
    done
    running=$("$top/scripts/instance.sh" status 2>/dev/null || true)
    grep -q '^postgres  *runs' <<<"$running" || started=yes
    # On a running instance this only updates the schema.
    "$top/scripts/instance.sh" start-db
    to=$("$top/scripts/instance.sh" admin-conninfo)
fi

run() {
    PGCLIENTENCODING=UTF8 \
        psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$to" "$@" 2>"$work/stderr"
}

# Check before any data is generated.  sql/demo_scale.sql repeats the check when
# the tables are locked.
run -o /dev/null -f "$top/sql/demo_mark.sql" \
    -c 'SELECT pg_temp.demo_refuser()' || refused

"$top/scripts/demo_scale.py" "$lines" "$stores" "$products" "$seed" |
    run -v lignes="$lines" -f "$top/sql/demo_scale.sql" || refused
