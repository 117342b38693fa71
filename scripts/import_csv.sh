#!/usr/bin/env bash
# Posts a file of rows as a batch, and prints what is wrong with it, by line.
#
# usage: import_csv.sh products|stock FILE [all|valid]
#
# FILE is CSV, or NDJSON if its name ends in .ndjson or .jsonl.
#
# environment:
#   BASE_URL  the server                   (default http://127.0.0.1:8080)
#   TOKEN     a token with the scope of the batch
#   KEY       the Idempotency-Key (default: a digest of the file, so that the
#             same file is written once a day)
#
# Exit 1: some rows are wrong; exit 2: the batch was not decided.

set -euo pipefail

usage() {
    echo "usage: import_csv.sh products|stock FILE [all|valid]" >&2
    exit 2
}

kind=${1:-} file=${2:-} mode=${3:-all}

case $kind in products | stock) ;; *) usage ;; esac
case $mode in all | valid) ;; *) usage ;; esac
[ -r "$file" ] || { echo "import-csv: cannot read \"$file\"" >&2; exit 2; }
[ -n "${TOKEN:-}" ] || { echo "import-csv: TOKEN is not set" >&2; exit 2; }

type=text/csv
case $file in *.ndjson | *.jsonl) type=application/x-ndjson ;; esac

key=${KEY:-$(sha256sum <"$file" | cut -c 1-64)}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The token goes by a file descriptor: arguments are seen by others.
status=$(curl -sS -o "$answer" -w '%{http_code}' \
    -H @<(printf 'Authorization: Token %s\n' "$TOKEN") \
    -H "Content-Type: $type" -H "Idempotency-Key: $key" \
    --data-binary @"$file" \
    "${BASE_URL:-http://127.0.0.1:8080}/api/v1/$kind/batch/?mode=$mode") || {
    echo "import-csv: no whole answer; run it again" >&2
    exit 2
}

if [ "$status" != 200 ]; then
    echo "import-csv: status $status: $(cat "$answer")" >&2
    exit 2
fi

jq -r 'select(.ligne) | .ligne as $n | .erreurs | to_entries[]
       | "ligne \($n): \(.key): \(.value | join(" "))"' "$answer"

summary=$(tail -n 1 "$answer")

if ! jq -e 'has("refusees")' >/dev/null <<<"$summary"; then
    echo "import-csv: not decided: $summary" >&2
    exit 2
fi

jq -r '"\(.lignes) lignes, \(.ecrites) écrites (\(.creees) créées), "
       + "\(.refusees) refusées"' <<<"$summary"

[ "$(jq .refusees <<<"$summary")" = 0 ] || exit 1
