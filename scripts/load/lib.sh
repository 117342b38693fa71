# What the scripts of the load tests share.  Sourced, with $top set.
# shellcheck shell=bash
: "${top:?is the directory of the project}"

load_fail() {
    echo "load: $*" >&2
    exit 2
}

# test_name WORD: sets mode, or says what the script takes
test_name() {
    mode=$1
    case $mode in
    quick | baseline | stress | both | peak | overload) ;;
    *)
        sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "$0" >&2
        exit 2
        ;;
    esac
}

# Node runs the tests; what they need from npm is one package.
need_node() {
    local version

    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        load_fail "Node.js 20.18.1 or newer and npm are needed. Debian 12 has" \
            "an older one; the project's own site and your distribution's" \
            "backports have packages: https://nodejs.org/en/download"
    fi
    version=$(node -p 'process.versions.node.split(".").slice(0, 2)
        .map(Number).reduce((a, b) => a * 1000 + b)')
    [ "$version" -ge 20018 ] ||
        load_fail "Node.js $(node --version) is too old: 20.18.1 at least."
    if [ ! -e "$top/scripts/node_modules/.package-lock.json" ] ||
        [ "$top/scripts/package-lock.json" -nt \
            "$top/scripts/node_modules/.package-lock.json" ]
    then
        npm ci --prefix "$top/scripts" --no-audit --no-fund \
            --loglevel=error >&2
    fi
}

# free_ports COUNT: the first of so many in a row that nobody listens on
free_ports() {
    local first port

    for ((first = 18000 + $$ % 400 * 20; first < 32000; first += 20)); do
        for ((port = first; port < first + $1; port++)); do
            ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue 2
        done
        echo "$first"
        return
    done
    load_fail "found no free port."
}

first_pid() {
    head -n 1 "$1" 2>/dev/null || true
}

# One node and what it needs, for as long as the script runs.  Sets BASE_URL
# and WATCH for the tests; words before it start it, as in taskset -c 0.
start_own() {
    own_instance=$top/scripts/instance.sh
    RUN_DIR=${RUN_DIR:-run}/load
    PORT=$(free_ports 2)
    export RUN_DIR PORT
    prepare_own
    "$@" "$own_instance" start >/dev/null
    own_home=$("$own_instance" home)
    BASE_URL=http://127.0.0.1:$PORT
    WATCH=nginx=$(first_pid "$own_home/pid/nginx.pid"),$(stores "$own_home")
    export BASE_URL WATCH
}

# Several behind a balancer.
start_own_cluster() {
    local number nodes='' balancer

    own_instance=$top/scripts/cluster.sh
    RUN_DIR=${RUN_DIR:-run}/load
    PORT=$(free_ports 7)
    NODES=3
    export RUN_DIR PORT NODES
    prepare_own
    "$own_instance" start >/dev/null
    own_home=$RUN_DIR/cluster
    for ((number = 1; number <= NODES; number++)); do
        nodes+=+$(first_pid "$("$own_instance" home "$number")/pid/nginx.pid")
    done
    balancer=$(first_pid "$("$own_instance" home)/pid/nginx.pid")
    BASE_URL=http://127.0.0.1:$PORT
    WATCH=nginx=${nodes#+},balancer=$balancer,$(stores "$own_home")
    export BASE_URL WATCH
}

prepare_own() {
    [ -r "${MODULE:-$top/build/ngx_http_magasin_module.so}" ] ||
        load_fail "nothing is built: run make build first."
    # A run that was killed may have left it.
    stop_own
    trap stop_own EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

stop_own() {
    "$own_instance" stop
}

# stores HOME: PostgreSQL and Redis, as the tests take them in WATCH
stores() {
    echo "postgresql=$(first_pid "$1/data/postmaster.pid"),redis=$(
        first_pid "$1/pid/redis.pid")"
}
