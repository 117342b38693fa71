#!/usr/bin/env bash
# Replace the content of a Magasin database by that of a Django database of
# the reference.
#
# usage: import_django.sh FROM [TO]
#
# FROM and TO are libpq URIs or conninfos, as for psql -d.  Default of TO: the
# instance in RUN_DIR (default ./run), whose PostgreSQL is started for this when
# it does not run.  Either everything is imported, or a message says what is
# invalid and nothing is changed.  To keep a password out of the process list
# use ~/.pgpass.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "import-django: $*" >&2
    exit 1
}

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ -z "$1" ]; then
    fail "the source database is missing, for example:" \
        "make import-django FROM=postgresql://user@host/database"
fi

from=$1
work=$(umask 077 && mktemp -d)
started=

clean_up() {
    rm -rf "$work"
    [ -z "$started" ] || "$top/scripts/instance.sh" stop-db
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# psql says "psql:FILE:LINE: ERROR:  what"; the operator wants the what.
why() {
    local line

    line=$(grep -m 1 -E 'ERROR|FATAL|error:' "$work/stderr" ||
        tail -n 1 "$work/stderr")
    line=${line##*ERROR:  }
    line=${line##*FATAL:  }
    line=${line#psql: error: }
    echo "${line%.}"
}

# run CONNINFO SCRIPT: in the private directory, where the files are.  Both
# sides speak UTF-8, whatever the databases are stored in.
run() {
    (cd "$work" && PGCLIENTENCODING=UTF8 \
        psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f "$2" 2>"$work/stderr")
}

run "$from" "$top/sql/import_django_source.sql" >"$work/stdout" ||
    fail "refused: $(why); nothing was changed."

if [ $# -eq 2 ]; then
    to=$2
else
    # The source may be told by PGHOST and the like; the target never is.
    for name in "${!PG@}"; do
        unset "$name"
    done
    running=$("$top/scripts/instance.sh" status 2>/dev/null || true)
    if ! grep -q '^postgres  *runs' <<<"$running"; then
        started=yes
        "$top/scripts/instance.sh" start-db
    fi
    to=$("$top/scripts/instance.sh" admin-conninfo)
fi

run "$to" "$top/sql/import_django.sql" ||
    fail "refused: $(why); nothing was changed."
