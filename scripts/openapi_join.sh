#!/usr/bin/env bash
# Print the OpenAPI document: the merged parts of a directory.
#
# usage: openapi_join.sh [DIRECTORY]             (default web/openapi)
#
# Each .json file is a part.  info.version comes from VERSION.  No two parts may
# have the same path, component, operationId, member of info, or other member of
# the document, and no object may have the same name twice.  Each error is a
# line "FILE:LINE: message", where LINE is the line of the first value under the
# name.  Exit 1 if there is an error.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:-web/openapi}

shopt -s extglob
LC_ALL=C
parts=("$directory"/{api,common}.json "$directory"/!(api|common).json)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

result=0
complain() {
    echo "$*" >&2
    result=1
}

# Each part is read separately, because jq numbers the lines of several files
# continuously.
for part in "${parts[@]}"; do
    if is=$(jq -r -n '[inputs] | if length == 1 then .[0] | type
        else "not one value but \(length)" end' "$part" 2>"$work/error")
    then
        [ "$is" = object ] ||
            complain "$part:1: a part is an object, and this is $is"
    else
        # jq: error (at PART:LINE): WHAT at line 19, column 16
        error=$(head -n 1 "$work/error")
        line=$(sed -nE 's/.* line ([0-9]+), column [0-9]+$/\1/p' <<<"$error")
        error=${error#"jq: error"?(" (at $part:"+([0-9])")")": "}
        complain "$part:${line:-1}: ${error%%?( at EOF) at line *}"
    fi
done
[ "$result" -eq 0 ] || exit 1

# What each part has, with the line of its first value.
#
# jq gives the values one after the other with their paths, and after the last
# value of an object or array its path once more, alone.  What a path has in
# common with the one before it, up to there, is the same object.
#
#   .at      where the next path has to differ from .before at the latest
#   .names   the names so far of each object that the path goes through
for part in "${parts[@]}"; do
    # shellcheck disable=SC2016  # the $ is jq's
    jq -c -n --stream --arg file "$part" '
        # What one part alone may have begins with so many names.
        def depth:
            {paths: 2, info: 2, components: 3}[.[0] | tostring] // 1;

        foreach inputs as $event ({at: 0, before: [], names: []};
            $event[0] as $path |
            .found = null |
            if $event | length == 1 then
                .at = ($path | length) - 2
            else
                .before as $before |
                (first(range(.at) | select($path[.] != $before[.])) // .at)
                    as $at |
                (.names[$at] // {}) as $names |
                ($path[$at] | tostring) as $name |
                .found = {
                    twice: ($names[$name] // false),
                    owned: ($at < ($path | depth)),
                    name: $path[:$at + 1],
                    path: $path,
                    value: $event[1]
                } |
                .names = .names[:$at]
                    + [$names + {($name): true}]
                    + [$path[$at + 1:][] | {(tostring): true}] |
                .at = ($path | length) - 1
            end |
            .before = $path;

            .found // empty |
            {file: $file, line: input_line_number} +
            if .twice then
                {twice: .name}
            elif .owned and (.path | .[:depth] |
                length < depth or any(type == "number"))
            then
                # An empty object has nothing that another could have.
                select(.value != {}) |
                {none: (.path | .[:depth] | map(strings))}
            else
                (select(.owned) | {has: (.path | .[:depth])}),
                (select(.path | length == 4 and .[0] == "paths" and
                    .[3] == "operationId") | {has: ["operationId", .value]})
            end)' "$part"
done >"$work/has"

# shellcheck disable=SC2016
jq -r -n '
    def name: map(tostring) | join(".");
    # The names of its parameters do not make another path of one.
    def key: map(tostring | gsub("\\{[^}]*\\}"; "{}"));

    [{file: "VERSION", line: 1, has: ["info", "version"]}, inputs] |
    (.[] | select(.twice) |
        "\(.file):\(.line): \(.twice | name) is there twice"),
    (.[] | select(.none) | "\(.file):\(.line): \(.none | name) is no object"),
    ([.[] | select(.has)] | group_by(.has | key)[] | select(length > 1) |
        "\(.[1].file):\(.[1].line): \(.[1].has | name) is in " +
        (.[:1] + .[2:] | map("\(.file):\(.line)") | join(" and ")) + " too")
    ' "$work/has" >"$work/errors"
while read -r error; do
    complain "$error"
done <"$work/errors"
[ "$result" -eq 0 ] || exit 1

# The document is one line, for programs.  People read the parts.
# shellcheck disable=SC2016
jq -c -n --arg version "$(cat "$top/VERSION")" \
    '{info: {version: $version}} | reduce inputs as $part (.; . * $part)' \
    "${parts[@]}"
