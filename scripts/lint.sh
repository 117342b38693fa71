#!/usr/bin/env bash
# Style and static analysis: clang-format and 80 columns for the C sources,
# cppcheck for their errors, shellcheck for the scripts, biome for the pages and
# for the code that Node runs, tsc and k6's types for the load tests,
# dependency-cruiser for the imports of the pages, yamllint and promtool for the
# files of Prometheus and Grafana, hadolint and docker-compose for those of
# containers.  Requires "make build", for the headers that nginx's configure
# writes, and "scripts/web.sh all", for biome, tsc and dependency-cruiser.
#
# usage: lint.sh

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

result=0
complain() {
    echo "lint: $*" >&2
    result=1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t sources < <(find ngx_http_magasin_module -name '*.[ch]' | sort)

# nginx's style aligns names in columns and breaks statements where it is best
# for the reader.  clang-format supports neither.  So the file and the output of
# clang-format are compared with each statement on one line and without regard
# to the width of gaps.  This checks indentation, braces and the breaks between
# statements.
cat >"$work/statements.awk" <<'AWK'
BEGIN { fresh = 1 }
{
    line = $0
    sub(/^[ \t]+/, "", line)
    lead = fresh ? substr($0, 1, length($0) - length(line)) : " "
    gsub(/[ \t]+/, " ", line)
    gsub(/ ?\| ?/, "|", line)
    gsub(/\( /, "(", line)
    gsub(/ \)/, ")", line)
    gsub(/ ;/, ";", line)
    gsub(/\) \{/, "){", line)
    if (line == "") {
        if (fresh) print ""
        next
    }
    if (line ~ /^\|/) lead = ""
    printf "%s%s%s", ((fresh && NR > 1) ? "\n" : ""), lead, line
    fresh = line ~ /([;{}:\\]|\*\/)$/ || line ~ /^#/
}
END { print "" }
AWK

for file in "${sources[@]}"; do
    awk -f "$work/statements.awk" "$file" >"$work/is"
    clang-format "$file" | awk -f "$work/statements.awk" >"$work/should"
    diff -u --label "$file" --label "$file, as clang-format writes it" \
        "$work/is" "$work/should" >&2 ||
        complain "$file is not in the style of .clang-format (see above)."
    # The width is in characters, because messages are in French.
    ! LC_ALL=C.UTF-8 grep -nE '^.{81}' "$file" >&2 ||
        complain "$file has lines over 80 columns."
done

scripts/rooms.py || complain "a file includes what is not on a floor below it."

nginx=build/nginx
[ -r "$nginx/objs/ngx_auto_config.h" ] || {
    echo "lint: nothing is built: run make build first." >&2
    exit 1
}

mapfile -t rooms < <(find ngx_http_magasin_module -mindepth 1 -type d)

# nginx's headers are read but not checked.  Their types come from headers of
# the platform, which cppcheck does not search.
cppcheck --quiet --std=c99 --platform=unix64 --inline-suppr \
    --enable=warning,portability,performance --error-exitcode=1 \
    --suppress='*:*/build/nginx/*' --suppress='*:build/nginx/*' \
    --suppress=missingInclude --suppress=missingIncludeSystem \
    --suppress=normalCheckLevelMaxBranches --suppress=unmatchedSuppression \
    --template='{file}:{line}: {severity}: {message} [{id}]' \
    -j "$(nproc)" -D__linux__ -D__x86_64__ -D__GNUC__=12 \
    -I "$nginx/src/src/core" -I "$nginx/src/src/event" \
    -I "$nginx/src/src/os/unix" -I "$nginx/src/src/http" \
    -I "$nginx/src/src/http/modules" -I "$nginx/objs" \
    "${rooms[@]/#/-I}" ngx_http_magasin_module >&2 ||
    complain "cppcheck reports errors (see above)."

mapfile -t scripts < <(git ls-files -co --exclude-standard |
    while read -r file; do
        if [[ $file == *.sh ]] ||
            { [ -f "$file" ] && head -n 1 "$file" |
                grep -qE '^#!.*\b(ba)?sh\b'; }
        then
            echo "$file"
        fi
    done)
shellcheck -x "${scripts[@]}" >&2 ||
    complain "shellcheck reports errors (see above)."

# Style and errors of the pages and the load tests, by the rules of
# web/biome.json.
if [ -x web/node_modules/.bin/biome ]; then
    for directory in web scripts; do
        (cd "$directory" && ../web/node_modules/.bin/biome check \
            --error-on-warnings . >&2) ||
            complain "biome reports errors in $directory (see above)."
    done
else
    complain "biome is not installed (scripts/web.sh all; needs npm)."
fi

# The load tests are scripts of k6: its own types say whether it takes them.
installed=scripts/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ scripts/package-lock.json -nt "$installed" ]; then
    npm ci --prefix scripts --no-audit --no-fund --loglevel=error >&2 ||
        complain "npm ci has not installed the types of k6."
fi
if [ -x web/node_modules/.bin/tsc ]; then
    web/node_modules/.bin/tsc -p scripts >&2 ||
        complain "tsc reports errors in the load tests (see above)."
else
    complain "typescript is not installed (scripts/web.sh all; needs npm)."
fi

# Imports must not be circular and must not refer to a higher floor.
# web/floors.js defines the floors.
if [ -x web/node_modules/.bin/depcruise ]; then
    (cd web && node_modules/.bin/depcruise --config floors.js assets/js) \
        >"$work/floors" 2>&1 || {
        cat "$work/floors" >&2
        complain "an import of the pages is wrong (docs/web.md, Modules)."
    }
else
    complain "depcruise is not there (scripts/web.sh all; it needs npm)."
fi

mapfile -t pages < <(git ls-files -co --exclude-standard web scripts |
    grep -E '\.(html|css|js)$')
for file in "${pages[@]}"; do
    [ "$(wc -l <"$file")" -lt 900 ] || complain "$file has 900 lines or more."
done

# Syntax of the files of Prometheus and Grafana.  "make test-observability"
# tests their function.
mapfile -t settings < <(find prometheus grafana conf t/containers \
    -name '*.y*ml' | sort)
yamllint --strict -d '{extends: default, rules: {document-start: disable,
    line-length: disable, braces: {max-spaces-inside: 0}}}' \
    "${settings[@]}" >&2 || complain "yamllint reports errors (see above)."
promtool check config prometheus/prometheus.yml >"$work/promtool" 2>&1 || {
    cat "$work/promtool" >&2
    complain "promtool reports errors (see above)."
}
# The files for containers.  What compose.yaml refers to need not be there.
tools=$(t/containers/tools.sh) || complain "hadolint cannot be installed."
"$tools/hadolint" --failure-threshold warning conf/containers/Containerfile \
    grafana/Dockerfile >&2 || complain "hadolint reports errors (see above)."
for file in conf/containers/compose.yaml grafana/compose.yaml; do
    docker-compose -f "$file" config -q >&2 ||
        complain "$file is no file of docker compose (see above)."
done
jq empty grafana/dashboards/*.json || complain "a dashboard is not valid JSON."
grafana/generate --check ||
    complain "the dashboards are out of date: run grafana/generate."

[ "$result" -ne 0 ] || echo "lint: ${#sources[@]} C files," \
    "${#scripts[@]} scripts, ${#pages[@]} files for browsers and Node:" \
    "no errors."
exit "$result"
