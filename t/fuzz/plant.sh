#!/usr/bin/env bash
# Plant one of the bugs of t/fuzz/plants: write its source with the bug in it to
# a directory, and print the path of the source as it is.  Each command of sed
# has to change something.
#
# usage: plant.sh NAME DIRECTORY

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() {
    echo "fuzz: $*" >&2
    exit 1
}

name=$1
directory=$2

source=$(sed -n "s/^# $name: //p" t/fuzz/plants)
[ -n "$source" ] || fail "no plant is called $name."
mapfile -t originals < <(find ngx_http_magasin_module -name "$source")
[ ${#originals[@]} -eq 1 ] ||
    fail "${#originals[@]} files are called $source: plant $name anew."
mapfile -t commands < <(sed -n "/^# $name: /,/^\$/{/^#/d;/^\$/d;p}" \
    t/fuzz/plants)
[ ${#commands[@]} -gt 0 ] || fail "the plant $name has no command."

mkdir -p "$directory"
planted=$directory/$source
cp "${originals[0]}" "$planted"
for command in "${commands[@]}"; do
    sed "$command" "$planted" >"$planted.new"
    ! cmp -s "$planted" "$planted.new" ||
        fail "the plant $name does not match $source any more: $command"
    mv "$planted.new" "$planted"
done
echo "${originals[0]}"
