#!/bin/sh
# Print the version of this tree.
#
# usage: version.sh [commit|long]
#
# Without an argument: the number of the file VERSION, which module, /metrics,
# OpenAPI and packages have.  commit: the commit of the tree, from git, or from
# the file COMMIT, which a source tarball has; "unknown" without both.  long:
# both.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
number=$(cat "$top/VERSION")

commit() {
    if [ -r "$top/COMMIT" ]; then
        cat "$top/COMMIT"
    elif [ -e "$top/.git" ]; then
        # The tree may be another user's, as for a root that installs.
        git -c safe.directory="*" -C "$top" rev-parse --short=12 HEAD \
            2>/dev/null || echo unknown
    else
        echo unknown
    fi
}

case ${1:-} in
'') echo "$number" ;;
commit) commit ;;
long) echo "$number ($(commit))" ;;
*) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
