#!/usr/bin/env bash
# Update a database to the newest schema: apply the files of sql/schema that the
# database does not have yet, in the order of their numbers.
#
# usage: migrate.sh CONNINFO
#
# CONNINFO names the database and a role: a superuser, or the owner of the
# database who may create roles.  Each file is one transaction, which also inserts its row into the
# table schema_migration.  A file that has changed since it was applied is an
# error.  Its transaction begins with sql/before.sql.  Each run then applies
# sql/roles.sql, which limits the role of the web tier, and puts sequences ahead
# of rows that were inserted with their ids.

set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: ${0##*/} CONNINFO" >&2
    exit 2
fi

conninfo=$1
sql_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/sql
schema_dir=$sql_dir/schema

# Two nodes may be deployed at the same time.  They are serialized by a lock on
# the table of applied files, which the role of the web tier cannot lock.  While
# the table does not exist, they use this advisory lock.  The number is
# arbitrary.
lock_key=430115

sql() {
    PGOPTIONS='-c client_min_messages=warning -c lock_timeout=60s' \
        psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$conninfo" "$@"
}

fail() {
    echo "migrate: $*" >&2
    exit 1
}

# apply FILE: apply one migration in a transaction.  What psql says is in $said.
apply() {
    # The check is repeated under the lock, because another node may be first.
    said=$(sql --single-transaction -o /dev/null \
        -v roles="$sql_dir/roles_before.sql" -v first="$((version == 1))" \
        -v before="$sql_dir/before.sql" -v file="$1" -v version="$version" \
        -v name="$name" -v sum="$sum" -f - 2>&1 <<'SQL'
LOCK TABLE public.schema_migration IN SHARE ROW EXCLUSIVE MODE;
SELECT EXISTS (SELECT FROM public.schema_migration
               WHERE version = :version) AS done \gset
\if :done
\else
\if :first
\i :roles
\endif
\i :before
\i :file
RESET ROLE;
INSERT INTO public.schema_migration (version, name, sha256)
    VALUES (:version, :'name', :'sum');
\endif
SQL
    )
}

applied=$(sql -F ' ' -v lock_key="$lock_key" <<'SQL'
SELECT to_regclass('public.schema_migration') IS NULL AS missing \gset
\if :missing
BEGIN;
SELECT FROM pg_advisory_xact_lock(:lock_key);
CREATE TABLE IF NOT EXISTS public.schema_migration (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    sha256      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);
COMMIT;
\endif
SELECT version, sha256, name FROM public.schema_migration ORDER BY version;
SQL
) || fail "cannot read schema_migration."

declare -A applied_sum=() known=()
declare -a applied_name=()
while read -r version sum name; do
    [ -n "$version" ] || continue
    applied_sum[$version]=$sum
    applied_name[version]=$name
done <<<"$applied"

for file in "$schema_dir"/[0-9][0-9][0-9]_*.sql; do
    [ -e "$file" ] || fail "no migration in $schema_dir."

    name=${file##*/}
    version=$((10#${name%%_*}))
    sum=$(sha256sum <"$file")
    sum=${sum%% *}

    if [ -n "${known[$version]:-}" ]; then
        fail "${known[$version]} and $name have the same number."
    fi
    known[$version]=$name

    if [ -n "${applied_sum[$version]:-}" ]; then
        if [ "${applied_sum[$version]}" != "$sum" ]; then
            fail "$name has changed since it was applied as" \
                "${applied_name[version]}: restore the file, and make" \
                "the change in a new migration."
        fi
        continue
    fi

    # Autovacuum, or a node that runs, may hold what this one wants, and want what
    # it holds.  Such a file was rolled back and is begun again.
    for tries in 3 2 1 0; do
        ! apply "$file" || break
        if [ "$tries" -eq 0 ] ||
            ! grep -q -e 'deadlock detected' -e 'lock timeout' <<<"$said"
        then
            echo "$said" >&2
            fail "$name failed and was rolled back."
        fi
        sleep 1
    done
    [ -z "$said" ] || echo "$said" >&2
    echo "migrate: applied $name"
done

sql --single-transaction -o /dev/null -v file="$sql_dir/roles.sql" \
    -f - <<'SQL' || fail "roles.sql failed and was rolled back."
LOCK TABLE public.schema_migration IN SHARE ROW EXCLUSIVE MODE;
\i :file
SQL

repaired=$(sql -f "$sql_dir/checks/repair_sequences.sql") ||
    fail "the sequences cannot be checked."
while read -r line; do
    [ -z "$line" ] || echo "migrate: $line"
done <<<"$repaired"

found=$(sql -f "$sql_dir/checks/search.sql") ||
    fail "the search cannot be checked."
[ -z "$found" ] || echo "migrate: warning: $found (docs/operations.md," \
    "Search without accents)." >&2

for version in "${!applied_sum[@]}"; do
    if [ -z "${known[$version]:-}" ]; then
        echo "migrate: the database has ${applied_name[version]}," \
            "which this version of Magasin does not know." >&2
    fi
done
