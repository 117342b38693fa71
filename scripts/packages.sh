#!/usr/bin/env bash
# Install only the Debian packages that are missing.
#
# usage: packages.sh PURPOSE...       (run, test, web, openapi, clients, fuzz,
#                                     fuzzing, lint, prometheus, observability,
#                                     bench, instructions, scale, load)
#
# If no package is missing, this changes nothing, prints nothing and needs no
# rights.  Otherwise it prints a line with the packages to install and uses sudo
# to become root, unless it runs as root.  It does not start, stop or configure
# a server of the system.

set -euo pipefail

packages_for() {
    case $1 in
    run)
        echo nginx nginx-dev gcc libc6-dev make pkgconf \
            libpq-dev libhiredis-dev libjansson-dev libssl-dev zlib1g-dev \
            postgresql-15 redis-server curl jq
        ;;
    # prometheus contains promtool, which checks the metrics; procps: pgrep.
    # libnginx-mod-http-js: of an example in conf/identity/.
    test)
        echo perl libtest-base-perl python3 prometheus jq openssl procps \
            libnginx-mod-http-js
        ;;
    openapi) echo python3 python3-jsonschema chromium ;;
    # Go and Node are not Debian's: it has them too old.
    clients) echo python3 python3-venv maven openjdk-17-jdk-headless ;;
    fuzz) echo python3 python3-venv ;;
    # libFuzzer and the sanitizers of clang are in a separate package.
    fuzzing) echo clang libclang-rt-14-dev python3 python3-hpack procps ;;
    # The font makes screenshots the same on all machines.
    web) echo chromium fonts-inter ;;
    lint) echo clang-format cppcheck shellcheck prometheus yamllint jq python3 ;;
    prometheus) echo prometheus curl ;;
    observability) echo prometheus curl python3 python3-yaml docker-compose ;;
    bench) echo wrk python3 tzdata procps ;;
    instructions) echo valgrind python3 ;;
    # The tests need a newer Node than Debian's; see scripts/run_tests.sh.
    load) echo jq curl ;;
    scale) echo python3 tzdata ;;
    *)
        echo "${0##*/}: \"$1\" is none of run, test, web, openapi, clients," \
            "fuzz, fuzzing, lint, prometheus, observability, bench," \
            "instructions, scale, load." >&2
        return 2
        ;;
    esac
}

missing_of() {
    local package

    # One dpkg-query for the usual case: no package is missing.
    # shellcheck disable=SC2016  # the braces are dpkg-query's own
    if dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null |
        awk -v wanted=$# '$1 == "installed" { n++ } END { exit n != wanted }'
    then
        return
    fi

    for package in "$@"; do
        # shellcheck disable=SC2016
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" \
            2>/dev/null)" != installed ]
        then
            echo "$package"
        fi
    done
}

# Debian starts a server when its package is installed, and creates a first
# PostgreSQL cluster.  The servers of Magasin run under RUN_DIR, so both actions
# are disabled while apt runs.  An existing policy of the operator is not
# changed.
policy=/usr/sbin/policy-rc.d
cluster_conf=/etc/postgresql-common/createcluster.d/magasin.conf
held=()

hold_servers() {
    # Remove everything that an interrupted apt could leave behind.
    trap release_servers EXIT
    trap 'exit 130' INT TERM HUP

    if [ ! -e "$policy" ]; then
        held+=("$policy")
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    if [ ! -e "$cluster_conf" ]; then
        held+=("$cluster_conf")
        mkdir -p "${cluster_conf%/*}"
        echo 'create_main_cluster = false' >"$cluster_conf"
    fi
}

release_servers() {
    [ ${#held[@]} -eq 0 ] || rm -f "${held[@]}"
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
        -o Dpkg::Use-Pty=0 "$@" >&2
}

# The option is from this script, which has printed the line as another user.
announced=no
if [ "${1:-}" = --announced ]; then
    announced=yes
    shift
fi
[ $# -gt 0 ] || { echo "usage: ${0##*/} PURPOSE..." >&2; exit 2; }

wanted=
for purpose in "$@"; do
    wanted+=" $(packages_for "$purpose")"
done
read -ra wanted <<<"$wanted"
# Several purposes may need the same package.
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)

if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian; install the equivalents of these packages:" \
        "${wanted[*]}" >&2
    exit 0
fi

mapfile -t missing < <(missing_of "${wanted[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Packages are missing and there is no sudo here; as root, run:" \
            "apt-get install ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]} (sudo may ask for your password)." >&2
    exec sudo "$(readlink -f "$0")" --announced "$@"
fi

[ "$announced" = yes ] || echo "Installing ${missing[*]} ..." >&2
hold_servers
apt update
apt install --no-install-recommends "${missing[@]}"
