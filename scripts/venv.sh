#!/usr/bin/env bash
# Install packages of PyPI in a directory of build/, unless they are there, and
# print that directory's bin.
#
# usage: venv.sh NAME REQUIREMENTS

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$top/build/$1

if ! cmp -s "$2" "$venv/requirements.txt"; then
    rm -rf "$venv"
    mkdir -p "$top/build"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
        -r "$2" >&2
    cp "$2" "$venv/requirements.txt"
fi
echo "$venv/bin"
