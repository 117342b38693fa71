#!/usr/bin/env bash
# Install only the Debian packages that are missing.
#
# usage: packages.sh PURPOSE...       (run, test, web, openapi, clients, fuzz,
#                                     fuzzing, lint, prometheus, observability,
#                                     bench, instructions, scale, load, deb,
#                                     lintian, release, systems, containers,
#                                     test-nginx, coverage, mutants, plants,
#                                     ha)
#
# If no package is missing, this changes nothing, prints nothing and needs no
# rights.  Otherwise it prints a line with the packages to install and uses sudo
# to become root, unless it runs as root.  It does not start, stop or configure
# a server of the system.  No package is named by a version of its program.

set -euo pipefail

# A/B: either of them is enough; the first that Debian has is installed.
packages_for() {
    case $1 in
    run)
        echo nginx nginx-dev gcc libc6-dev make pkgconf \
            libpq-dev libhiredis-dev libjansson-dev libssl-dev zlib1g-dev \
            valkey-server/redis-server curl jq
        # Of PostgreSQL any version serves; without one, Debian's is installed.
        [ -n "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ] ||
            echo postgresql
        # For the Node.js that scripts/modules.sh installs.
        command -v npm >/dev/null || echo python3-venv
        ;;
    # prometheus contains promtool, and python3-prometheus-client a strict parser
    # of OpenMetrics: they check the metrics; procps: pgrep.
    # libnginx-mod-http-js: of an example in conf/identity/; pgbouncer: of
    # conf/examples/pgbouncer.ini.
    test)
        echo perl libtest-base-perl python3 python3-prometheus-client \
            prometheus jq openssl procps \
            libnginx-mod-http-js pgbouncer
        ;;
    # What the real Test::Nginx needs; it is no package of Debian's.
    test-nginx) echo libtest-base-perl libtest-longstring-perl \
        liblist-moreutils-perl libipc-run-perl libhttp-message-perl \
        libwww-perl libtext-diff-perl ;;
    # bsdextrautils: column.
    coverage) echo gcovr bsdextrautils jq ;;
    mutants) echo python3 git ;;
    plants) echo python3 python3-jsonschema python3-yaml jq git ;;
    openapi) echo python3 python3-jsonschema chromium ;;
    # Go and Node are not Debian's: it has them too old.
    clients) echo python3 python3-venv maven default-jdk-headless ;;
    fuzz) echo python3 python3-venv ;;
    # libFuzzer and the sanitizers of clang are in a separate package.
    fuzzing) echo clang libclang-rt-14-dev python3 python3-hpack procps ;;
    # The font makes screenshots the same on all machines.
    web) echo chromium firefox-esr fonts-inter poppler-utils zbar-tools ;;
    lint)
        echo clang-format cppcheck shellcheck prometheus yamllint jq python3 \
            python3-venv docker-compose
        ;;
    prometheus) echo prometheus curl ;;
    # prometheus-alertmanager contains amtool; grafana/generate makes a venv.
    observability)
        echo prometheus prometheus-alertmanager curl python3 python3-venv \
            python3-yaml docker-compose
        ;;
    bench) echo wrk python3 tzdata procps ;;
    instructions) echo valgrind python3 ;;
    # The tests need a newer Node than Debian's; see scripts/run_tests.sh.
    load) echo jq curl ;;
    deb) echo debhelper fakeroot jq ;;
    lintian) echo lintian ;;
    release) echo debhelper fakeroot jq git python3 python3-venv ;;
    systems) echo mmdebstrap iproute2 ;;
    # runc: podman's first choice, crun, does not work within a container.
    containers) echo buildah podman runc netavark aardvark-dns python3-venv jq ;;
    scale) echo python3 tzdata ;;
    # Of make ha.  A Sentinel is Redis's or Valkey's server by another name;
    # python3-etcd: Patroni's way to etcd.
    ha) echo patroni python3-etcd etcd-server etcd-client haproxy iproute2 \
        nftables procps ;;
    *)
        echo "${0##*/}: \"$1\" is none of run, test, web, openapi, clients," \
            "fuzz, fuzzing, lint, prometheus, observability, bench," \
            "instructions, scale, load, deb, lintian, release, systems," \
            "containers, test-nginx, coverage, mutants, plants, ha." >&2
        return 2
        ;;
    esac
}

is_installed() {
    # shellcheck disable=SC2016  # the braces are dpkg-query's own
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
    local package name

    # One dpkg-query for the usual case: no package is missing.
    # shellcheck disable=SC2016  # the braces are dpkg-query's own
    if dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null |
        awk -v wanted=$# '$1 == "installed" { n++ } END { exit n != wanted }'
    then
        return
    fi

    for package in "$@"; do
        for name in ${package//\// }; do
            ! is_installed "$name" || continue 2
        done
        echo "$package"
    done
}

# Print the packages to install, one of each alternative.
chosen_of() {
    local package name

    for package in "$@"; do
        for name in ${package//\// }; do
            if [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
                package=$name
                break
            fi
        done
        echo "${package##*/}"
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
read -ra wanted <<<"${wanted//$'\n'/ }"
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
            "apt-get install ${missing[*]%%/*}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]} (sudo may ask for your password)." >&2
    exec sudo "$(readlink -f "$0")" --announced "$@"
fi

[ "$announced" = yes ] || echo "Installing ${missing[*]} ..." >&2
hold_servers
apt update
mapfile -t missing < <(chosen_of "${missing[@]}")
apt install --no-install-recommends "${missing[@]}"
