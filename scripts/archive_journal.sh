#!/usr/bin/env bash
# Write the oldest partitions of the journal to files, and drop them.
#
# usage: archive_journal.sh [BEFORE]
#
# BEFORE is an instant, as 2026-01-01.  A partition is archived when all of its
# rows are older.  Without BEFORE the rows older than the setting
# magasin.journal_retention of the database are meant (an interval; off when it
# is not set).  Of each partition:
#
#   1. its rows are written as CSV to ARCHIVE/journal-NUMBER-FROM-TO.csv.gz,
#      whose digest is in the file of the same name with .sha256;
#   2. in one transaction, the file is read back and compared, rows of type
#      "ouverture" take the place of what it says of the stock, and it is
#      detached and dropped.
#
# Readers whose cursor is in it get 410 then.  At the end the journal is compared
# with the stock, as by check.sh.  Exits 0 also when there was nothing to archive.
#
# environment:
#   DATABASE  a libpq URI or conninfo, as for psql -d, of a role that may become
#             magasin_owner; default: the instance in RUN_DIR (default ./run),
#             whose PostgreSQL has to run
#   ARCHIVE   directory of the files; default RUN_DIR/archive

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    echo "archive-journal: $*" >&2
    exit 1
}

if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi

before=${1:-}
directory=${ARCHIVE:-${RUN_DIR:-run}/archive}
database=${DATABASE:-}
if [ -z "$database" ]; then
    database=$("$top/scripts/instance.sh" admin-conninfo)
fi

sql() {
    PGOPTIONS='-c client_min_messages=warning -c timezone=UTC' \
        PGCLIENTENCODING=UTF8 PGDATESTYLE=ISO psql -X -q -A -t -v ON_ERROR_STOP=1 \
        -d "$database" "$@"
}

before=$(sql -v before="$before" <<'SQL'
SELECT coalesce(nullif(:'before', '')::timestamptz,
                now() - nullif(current_setting('magasin.journal_retention',
                                               true), '')::interval);
SQL
) || fail "the instant cannot be read."
[ -n "$before" ] ||
    fail "BEFORE is missing, and magasin.journal_retention is not set."

umask 077
mkdir -p "$directory"

next() {
    sql -v before="$before" <<'SQL'
SELECT journal_archivable(:'before');
SQL
}

archived=0
while number=$(next) && [ -n "$number" ]; do
    span=$(sql -v partie="journal_$number" <<'SQL'
SELECT min(instant)::date || '-' || max(instant)::date FROM :"partie";
SQL
    )
    file=$directory/journal-$number-${span:-empty}.csv.gz

    sql -v partie="journal_$number" -f - <<'SQL' | gzip -9 >"$file.part" ||
COPY (TABLE :"partie" ORDER BY xid, id) TO STDOUT (FORMAT csv, HEADER);
SQL
        fail "$file cannot be written."
    sync "$file.part"
    mv "$file.part" "$file"
    (cd "$directory" && sha256sum "${file##*/}" >"${file##*/}.sha256") ||
        fail "$file.sha256 cannot be written."
    sync "$file.sha256" "$directory"

    # Whoever reads the journal, as pg_dump does, may be in the way for a moment.
    tries=20
    until gzip -dc "$file" | sql --single-transaction -v numero="$number" \
        -f "$top/sql/archive_journal.sql"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "journal_$number is kept as it is."
        sleep 1
    done

    echo "archive-journal: journal_$number is in $file"
    archived=$((archived + 1))
done

if [ "$archived" -eq 0 ]; then
    echo "archive-journal: no partition has only rows from before $before."
    exit 0
fi

DATABASE=$database "$top/scripts/check.sh" ledger ||
    fail "the journal and the stock differ now (see above)."
echo "archive-journal: the journal and the stock agree."
