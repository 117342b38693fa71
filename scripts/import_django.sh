#!/usr/bin/env bash
# Replace the content of a Magasin database with the content of a Django
# database of the reference.
#
# usage: import_django.sh FROM [TO]
#
# FROM and TO are libpq URIs or conninfos, as for psql -d.  The default of TO is
# the instance in RUN_DIR (default ./run), whose PostgreSQL is started for this
# if it does not run.  If the import fails, a message reports what is invalid
# and nothing is changed.  Use ~/.pgpass to keep a password out of the process
# list.

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

# psql prints "psql:FILE:LINE: ERROR: message"; print only the message.
why() {
    local line

    line=$(grep -m 1 -E 'ERROR|FATAL|error:' "$work/stderr" ||
        tail -n 1 "$work/stderr")
    line=${line##*ERROR:  }
    line=${line##*FATAL:  }
    line=${line#psql: error: }
    echo "${line%.}"
}

# run CONNINFO SCRIPT: run psql in the private directory, which contains the
# files.  Both connections use UTF-8, whatever the encoding of the database is.
run() {
    (cd "$work" && PGCLIENTENCODING=UTF8 \
        psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f "$2" 2>"$work/stderr")
}

run "$from" "$top/sql/import_django_source.sql" >"$work/stdout" ||
    fail "refused: $(why); nothing was changed."

if [ $# -eq 2 ]; then
    to=$2
else
    # PGHOST and similar variables may select the source, never the target.
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
