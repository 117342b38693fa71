#!/usr/bin/env bash
# Build the module for one nginx.  Only the steps whose inputs have changed run.
#
# usage: build.sh DIRECTORY NGINX_SRC CC_OPT LD_OPT WARNINGS
#
# The module is written to DIRECTORY/objs/ngx_http_magasin_module.so.  nginx is
# configured again if an input of configure has changed.  The Makefile of nginx
# decides about the rest.  NGINX_CONFIGURE contains further options for a source
# tree other than Debian's.

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

# Debian's nginx-dev records how its nginx was configured.  For any other tree
# the signature of --with-compat makes module and binary compatible.
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
    # An update of nginx or of a library changes these files.
    stat -c '%n %Y' "$nginx_src/src/core/nginx.h" \
        "${nginx_src}"/{configure,auto/configure} /usr/include/libpq-fe.h \
        2>/dev/null || true
}

configure() {
    local entry configure=./configure depth

    rm -rf "$directory/src" "$directory/objs"
    mkdir -p "$directory/src"
    for entry in "$nginx_src"/*; do
        # Ignore the build results that nginx's own build left in the tree.
        case ${entry##*/} in
        objs | Makefile) ;;
        *) ln -s "$entry" "$directory/src/" ;;
        esac
    done

    cd "$directory/src"
    [ -x "$configure" ] || configure=auto/configure
    # From build/NAME/src to the project directory, for any depth of NAME.
    depth=$(realpath --relative-to=. "$top")
    "$configure" "${options[@]}" --with-cc-opt="$cc_opt" \
        --with-ld-opt="$ld_opt" --builddir=../objs \
        --add-dynamic-module="$depth" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "nginx's configure has failed (see $log)."
    }
    # The warnings are set after configure.  The test programs of configure
    # cause warnings, and a test program that failed because of a warning would
    # change nginx's structures.
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
    # This is the last step, so that an interrupted build is repeated.
    mv "$directory/inputs.new" "$directory/inputs"
fi
rm -f "$directory/inputs.new"

# A commit after the last build is a reason to make the version again.
scripts/version.sh commit >"$directory/objs/commit.new"
cmp -s "$directory/objs/commit.new" "$directory/objs/commit" ||
    cp "$directory/objs/commit.new" "$directory/objs/commit"

# A parent make exports options (-n, -B, its job server) that must not reach the
# Makefile of nginx.  CFLAGS of the environment has no effect on that Makefile.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
cd "$directory/src"
exec make -s -j "$(nproc)" -f ../objs/Makefile modules
