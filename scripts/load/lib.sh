# What the scripts of the load tests share.  Sourced, with $top set.
# shellcheck shell=bash
: "${top:?is the directory of the project}"

load_fail() {
    echo "load: $*" >&2
    exit 2
}

# A sourced file has the words of the script.
load_words=$#

# test_name WORD: sets mode, or says what the script takes, which is one word
test_name() {
    mode=$1
    [ "$load_words" -le 1 ] || mode=
    case $mode in
    quick | baseline | stress | both | peak | overload) ;;
    *)
        sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "$0" >&2
        exit 2
        ;;
    esac
}

# Node runs the tests where k6 is not installed, and makes the reports.  What it
# needs from npm is one package, and types for "make lint".
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
            --loglevel=error >&2 ||
            load_fail "npm ci has not installed what scripts/ needs."
    fi
}

# need_runner: sets runner, k6 or own, and runner_name, as the results have it
need_runner() {
    runner=${RUNNER:-}
    if [ -z "$runner" ]; then
        runner=own
        ! command -v k6 >/dev/null || runner=k6
    fi
    case $runner in
    k6) runner_name=$(k6 version | head -n 1) || load_fail "k6 does not run." ;;
    own)
        runner_name="scripts/load/runner on undici $(node -p \
            "require('$top/scripts/node_modules/undici/package.json').version")" ||
            load_fail "undici is not in scripts/node_modules."
        ;;
    *) load_fail "RUNNER=$runner is neither k6 nor own." ;;
    esac
}

# run_load DIRECTORY SCRIPT [WORD ...]: one test, and its report in DIRECTORY.
# Words are before the generator's command.  Status 1: a threshold was missed;
# 2: the test could not run.
run_load() {
    local directory=$1 script=$2 result=0
    local command=(node "$top/scripts/load/runner/main.js"
        --out "seconds=$directory/seconds.csv")

    shift 2
    [ "$runner" = own ] || command=(k6 run --quiet)
    mkdir -p "$directory"
    RESULTS_DIR=$directory node "$top/scripts/load/watch.js" \
        "$directory/run.json" "$runner_name" \
        "$@" "${command[@]}" "$top/scripts/$script" || result=$?
    # Both runners have 99 for a threshold that was missed.
    case $result in
    0) ;;
    99) result=1 ;;
    *) return 2 ;;
    esac
    node "$top/scripts/load/report.js" "$directory" || return 2
    return "$result"
}

# peak_of DIRECTORY: the requests a second that peak_test.js has seen answered
peak_of() {
    node --input-type=module -e "
        import { read } from '$top/scripts/load/result.js';
        console.log(Math.max(1, Math.round(
            read(process.argv[1]).scenarios[0].per_second)));" "$1"
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
    "$@" "$own_instance" start >/dev/null || load_fail "no server starts."
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
    "$own_instance" start >/dev/null || load_fail "no cluster starts."
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
