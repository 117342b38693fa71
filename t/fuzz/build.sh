#!/usr/bin/env bash
# Build the fuzzer: build/fuzz/fuzz.so, the module and the harnesses under
# AddressSanitizer, UBSan and libFuzzer's coverage, by clang.  The installed
# nginx loads it.
#
# usage: build.sh NGINX_SRC [PLANT]
#
# With PLANT the harness PLANT has a bug of ours in it (plants.h), and the
# result is build/fuzz/PLANT.so: does the fuzzer find it?

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

nginx_src=$1
plant=${2:-}
out=build/fuzz
# An empty ngx_str_t may be NULL, and to add 0 to that is what nginx does all
# over: clang alone objects.
sanitizers=("-fsanitize=address,undefined,fuzzer-no-link"
    -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined)
flags=(-g -O1 -fno-omit-frame-pointer -fPIC "${sanitizers[@]}")

# nginx's configure makes clang's warnings errors, of which gcc has others.
[ -n "$plant" ] ||
    NGINX_CONFIGURE="--with-cc=clang" scripts/build.sh "$out" "$nginx_src" \
        "${flags[*]}" "${sanitizers[*]} -fPIC" "-Wno-error"

includes=(-I "$out/objs" -I t/fuzz -I ngx_http_magasin_module
    -I /usr/include/postgresql -I /usr/include/hiredis)
for room in ngx_http_magasin_module/*/; do
    includes+=(-I "${room%/}")
done
for directory in core event event/modules os/unix http http/modules http/v2; do
    includes+=(-I "$out/src/src/$directory")
done

# The object files of the module, but for sources that a harness includes.
mapfile -t objects < <(find "$out/objs/addon" -name '*.o' | sort)
while IFS= read -r included; do
    for i in "${!objects[@]}"; do
        [ "${objects[$i]##*/}" != "${included%.c}.o" ] || unset "objects[$i]"
    done
done < <(sed -n 's/^#include "\(ngx_.*\.c\)"$/\1/p' t/fuzz/harness/*.c)

compile() {
    local source=$1 object=$2
    shift 2
    clang "${flags[@]}" -Wall -Wextra -Wno-unused-parameter -Werror "$@" \
        "${includes[@]}" -c "$source" -o "$object"
}

mkdir -p "$out/harness"
for source in t/fuzz/fuzz.c t/fuzz/harness/*.c; do
    object=$out/harness/$(basename "$source" .c).o
    if [ ! "$object" -nt "$source" ] || [ ! "$object" -nt t/fuzz/fuzz.h ] ||
        [ -n "$(find ngx_http_magasin_module "$out/objs" -maxdepth 2 \
            -name '*.[ch]' -newer "$object" -print -quit)" ]
    then
        compile "$source" "$object"
    fi
    objects+=("$object")
done

if [ -n "$plant" ]; then
    # One source is compiled again, with the bug of its name, or the harness
    # that includes it.
    original=$(t/fuzz/plant.sh "$plant" "$out/plants/$plant")
    name=${original##*/}
    planted=$out/plants/$plant/$name
    again=$(grep -l "^#include \"$name\"" t/fuzz/harness/*.c) ||
        again=$planted
    for i in "${!objects[@]}"; do
        [ "${objects[$i]##*/}" != "$(basename "$again" .c).o" ] ||
            unset "objects[$i]"
    done
    compile "$again" "${planted%.c}.o" -I "${planted%/*}" -I "${original%/*}"
    objects+=("${planted%.c}.o")
fi

runtime=$(clang -print-runtime-dir)
read -ra libraries < <(pkg-config --libs libpq jansson hiredis libssl libcrypto)

# libFuzzer has no main of its own here; AddressSanitizer is in the process
# before nginx is (LD_PRELOAD, t/fuzz/run).
# Nor may its entry points be those of the same name in the sanitizer.
clang++ -shared -fPIC -Wl,-Bsymbolic -fsanitize=address,undefined -shared-libsan \
    -o "$out/${plant:-fuzz}.so" "${objects[@]}" \
    "$runtime/libclang_rt.fuzzer_no_main-$(uname -m).a" \
    "${libraries[@]}" -lpthread
