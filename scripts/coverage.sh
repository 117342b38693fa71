#!/usr/bin/env bash
# Run the suites with the module of build/coverage and report which lines and
# branches of the C they have executed: by room, the ten worst files, and each
# line in build/coverage/report/index.html.  What each suite has executed is
# recorded in build/coverage/executed, for make mutants.
#
# usage: coverage.sh
#
# TESTS and PART choose the suites, as in test.sh.  KEEP=1 adds to the counters
# of the run before.  A process writes its counters when it exits; one that is
# killed does not.  The exit status is that of the suites.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

objects=build/coverage/objs
report=build/coverage/report
mkdir -p "$report"

# Workers run under other users, and some suites start nginx with a umask: each
# file of counters exists before and anybody may write it.  An empty one counts
# as none.
while IFS= read -r notes; do
    counters=${notes%.gcno}.gcda
    [ -n "${KEEP:-}" ] || : >"$counters"
    : >>"$counters"
    chmod 666 "$counters"
done < <(find "$objects/addon" -name '*.gcno')
[ -n "${KEEP:-}" ] || rm -rf build/coverage/executed{,.before}

result=0
TEST_EXEC=t/mutants/executed scripts/test.sh --coverage || result=$?

# nginx's own build of the list of modules is no file of ours.
gcovr --root . --object-directory "$objects" --filter ngx_http_magasin_module/ \
    --json-summary "$report/summary.json" --html-details "$report/index.html" \
    --html-title "Magasin, executed by the suites" "$objects/addon" \
    >"$report/gcovr.log" 2>&1 || {
    tail -n 20 "$report/gcovr.log" >&2
    exit 1
}

# A file directly in the folder belongs to the room on top.
jq -r '
    def percent(part; whole):
        if whole == 0 then "-"
        else (part * 1000 / whole | round | . / 10 | tostring) + " %" end;
    def counts: {
        lines: (map(.line_covered) | add), of: (map(.line_total) | add),
        branches: (map(.branch_covered) | add),
        ways: (map(.branch_total) | add) };
    def row($name): [$name, "\(.lines)/\(.of)", percent(.lines; .of),
        "\(.branches)/\(.ways)", percent(.branches; .ways)];

    [.files[] | .name = (.filename
        | ltrimstr("ngx_http_magasin_module/"))
        | .room = (if .name | contains("/") then .name / "/" | .[0]
            else "(top)" end)] as $files
    | ["Room", "lines", "", "branches", ""],
      ($files | group_by(.room)[] | .[0].room as $room
          | counts | row($room)),
      ($files | counts | row("All")),
      ["", "", "", "", ""],
      ["The ten worst files", "lines", "", "branches", ""],
      ($files | sort_by(.line_covered / ([.line_total, 1] | max))
          | .[:10][] | .name as $name | [.] | counts | row($name))
    | @tsv' "$report/summary.json" | column -t -s $'\t'

echo
echo "Each line: $report/index.html"
exit "$result"
