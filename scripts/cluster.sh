#!/usr/bin/env bash
# Several nodes behind a balancer, on this machine: one PostgreSQL, one Redis,
# nodes of nginx with the module, and an nginx in front of them
# (conf/cluster/), all under RUN_DIR/cluster and on the loopback.
#
# usage: cluster.sh COMMAND
#
#   start       start everything; return when ready
#   stop        stop everything
#   status      print what runs; exit 0 if everything runs, else 3
#   start-node N, stop-node N
#               one node; it stops after its requests are answered
#   home [N]    print the directory of the balancer's files, or of node N's
#   remove      stop everything and delete it
#
# environment, besides that of instance.sh:
#   PORT      of the balancer; the nodes have the ports after it
#             (default 8080)
#   METRICS_PORT  of the first node, for /metrics, /status and /readyz; the
#             other nodes have the ports after it  (default PORT + NODES + 1)
#   NODES     number of nodes                        (default 3)
#   WORKERS   worker processes of each node          (default 1)
#   BALANCER_WORKERS  those of the balancer          (default auto)

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

PORT=${PORT:-8080}
NODES=${NODES:-3}
cluster=${RUN_DIR:-run}/cluster
instance=$top/scripts/instance.sh

fail() {
    echo "cluster: $*" >&2
    exit 1
}

# Each node is an instance.  PostgreSQL and Redis are those of RUN_DIR/cluster.

shared() {
    RUN_DIR=$cluster "$instance" "$@"
}

node() {
    local number=$1

    shift
    NODE_OF=$cluster RUN_DIR=$cluster/node-$number \
        PORT=$((PORT + number)) METRICS_PORT=$((METRICS_PORT + number - 1)) \
        WORKERS=${WORKERS:-1} "$instance" "$@"
}

balancer() {
    NODE_OF=$cluster RUN_DIR=$cluster/balancer NODE_PORTS="${ports[*]}" \
        TEMPLATE=$top/conf/cluster/balancer.conf \
        WORKERS=${BALANCER_WORKERS:-auto} "$instance" "$@"
}

# Print the numbers of the existing nodes.  NODES may have changed since the
# start.
numbers() {
    local directory

    for directory in "$cluster"/node-*; do
        [ ! -d "$directory" ] || echo "${directory##*-}"
    done
}

start() {
    local number

    shared start-db
    shared load-demo
    for ((number = 1; number <= NODES; number++)); do
        node "$number" start-nginx
    done
    balancer start-nginx
    cat <<TEXT

Magasin serves on http://127.0.0.1:$PORT, through $NODES nodes

  nodes        http://127.0.0.1:$((PORT + 1)) and the ports after it
  operators    http://127.0.0.1:$METRICS_PORT and the ports after it
  log          $cluster/balancer/log/access.log
  PostgreSQL   psql '$(shared admin-conninfo)'

TEXT
}

stop() {
    local number

    balancer stop-nginx
    for number in $(numbers); do
        node "$number" stop-nginx
    done
    shared stop
}

status() {
    local number all=0

    echo "balancer:"
    balancer status-nginx || all=3
    for number in $(numbers); do
        echo "node $number:"
        node "$number" status-nginx || all=3
    done
    return "$all"
}

remove() {
    local number

    balancer remove
    for number in $(numbers); do
        node "$number" remove
    done
    shared remove
}

command=${1:-}
number=${2:-}
case $command in
start | stop | status | remove | home) ;;
start-node | stop-node)
    [[ $number =~ ^[0-9]+$ ]] || fail "the number of the node is missing."
    ;;
*)
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

[[ $NODES =~ ^[1-9]$ ]] || fail "NODES=$NODES is not a number from 1 to 9."
[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT=$PORT is not a number."
METRICS_PORT=${METRICS_PORT:-$((PORT + NODES + 1))}
[[ $METRICS_PORT =~ ^[0-9]+$ ]] ||
    fail "METRICS_PORT=$METRICS_PORT is not a number."

ports=()
for ((n = 1; n <= NODES; n++)); do
    ports+=("$((PORT + n))")
done

case $command in
start)
    mkdir -p "$cluster"
    trap 'stop' EXIT
    start
    trap - EXIT
    ;;
stop) stop ;;
status) status ;;
remove) remove ;;
start-node) node "$number" start-nginx ;;
stop-node) node "$number" stop-nginx ;;
home)
    if [ -n "$number" ]; then
        node "$number" home
    else
        balancer home
    fi
    ;;
esac
