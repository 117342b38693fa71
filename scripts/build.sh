#!/usr/bin/env bash
# Build the module for one nginx, doing again only what has to be.
#
# usage: build.sh DIRECTORY NGINX_SRC CC_OPT LD_OPT WARNINGS
#
# The module becomes DIRECTORY/objs/ngx_http_magasin_module.so.  nginx is
# configured again when something that configure looks at has changed; the
# rest is for nginx's own Makefile to decide.  NGINX_CONFIGURE holds further
# options for a tree of one's own.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=$1
nginx_src=$2
cc_opt=$3
ld_opt=$4
warnings=$5

fail() {
    echo "build: $*" >&2
    exit 1
}

[ -r "$nginx_src/src/core/nginx.h" ] ||
    fail "$nginx_src is not an nginx source tree."
nginx_src=$(cd "$nginx_src" && pwd)

cd "$top"
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
log=$directory/configure.log

# Debian's nginx-dev says how its nginx was configured; in any other tree the
# signature of --with-compat is what makes a module and a binary fit.
options=(--with-compat)
if [ -r "$nginx_src/conf_flags" ]; then
    # shellcheck disable=SC1091  # it comes with nginx-dev
    . "$nginx_src/conf_flags"
    options=("${NGX_CONF_FLAGS[@]}" --with-compat)
fi
if [ -n "${NGINX_CONFIGURE:-}" ]; then
    read -ra further <<<"$NGINX_CONFIGURE"
    options+=("${further[@]}")
fi

inputs() {
    printf '%s\n' "$nginx_src" "$cc_opt" "$ld_opt" "$warnings" "${options[@]}"
    grep NGINX_VERSION "$nginx_src/src/core/nginx.h"
    cat config config.make
    find ngx_http_magasin_module sql/statements -type f | sort
    # Where an update of nginx or of a library would show.
    stat -c '%n %Y' "$nginx_src/src/core/nginx.h" \
        "${nginx_src}"/{configure,auto/configure} /usr/include/libpq-fe.h \
        2>/dev/null || true
}

configure() {
    local entry configure=./configure depth

    rm -rf "$directory/src" "$directory/objs"
    mkdir -p "$directory/src"
    for entry in "$nginx_src"/*; do
        # What nginx's own build left in the tree is none of ours.
        case ${entry##*/} in
        objs | Makefile) ;;
        *) ln -s "$entry" "$directory/src/" ;;
        esac
    done

    cd "$directory/src"
    [ -x "$configure" ] || configure=auto/configure
    # From build/NAME/src up to the project, whatever NAME is.
    depth=$(realpath --relative-to=. "$top")
    "$configure" "${options[@]}" --with-cc-opt="$cc_opt" \
        --with-ld-opt="$ld_opt" --builddir=../objs \
        --add-dynamic-module="$depth" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "nginx's configure has failed (see $log)."
    }
    # Only now: configure's own trial programs are not free of warnings, and
    # one that fails for a warning's sake would change nginx's structures.
    sed -i "/^CFLAGS = /s/\$/ $warnings/" ../objs/Makefile
    cd "$top"
}

inputs >"$directory/inputs.new"
if ! cmp -s "$directory/inputs.new" "$directory/inputs" ||
    [ ! -e "$directory/objs/Makefile" ]
then
    echo "Configuring nginx $(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
        "$nginx_src/src/core/nginx.h") ..."
    configure
    # Last, so that what was interrupted is done again.
    mv "$directory/inputs.new" "$directory/inputs"
fi
rm -f "$directory/inputs.new"

# A make above us has opinions (-n, -B, its job server) that are not meant for
# nginx's Makefile, and CFLAGS of the environment would be lost on it.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
cd "$directory/src"
exec make -s -j "$(nproc)" -f ../objs/Makefile modules
