#!/usr/bin/env bash
# Prometheus with the rules of Magasin, and Grafana with its dashboards if it is
# installed.  Both listen on the loopback address and store their data under
# RUN_DIR.
#
# usage: start_observability.sh [start|stop|status|remove]
#
#   start    start what does not run; return when ready (the default)
#   stop     stop both
#   status   print what runs; exit 0 if Prometheus runs, else 3
#   remove   stop both and delete their data
#
# environment:
#   RUN_DIR          directory of the data               (default ./run)
#   TARGETS          addresses with /metrics, for example "127.0.0.1:8081
#                    10.0.0.12:8081"       (default 127.0.0.1:METRICS_PORT)
#   METRICS_PORT     of the instance of RUN_DIR           (default PORT + 1)
#   PORT             port of that instance                    (default 8080)
#   PROMETHEUS_PORT  port of Prometheus                       (default 9090)
#   GRAFANA_PORT     port of Grafana                          (default 3000)
#   GRAFANA_HOME     directory of Grafana      (default /usr/share/grafana)
#   INTERVAL         between scrapes, for a demonstration     (default 15s)

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

RUN_DIR=${RUN_DIR:-run}
PORT=${PORT:-8080}
METRICS_PORT=${METRICS_PORT:-$((PORT + 1))}
TARGETS=${TARGETS:-127.0.0.1:$METRICS_PORT}
PROMETHEUS_PORT=${PROMETHEUS_PORT:-9090}
GRAFANA_PORT=${GRAFANA_PORT:-3000}
GRAFANA_HOME=${GRAFANA_HOME:-/usr/share/grafana}
INTERVAL=${INTERVAL:-15s}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$GRAFANA_HOME/bin

fail() {
    echo "observability: $*" >&2
    exit 1
}

# shellcheck source=scripts/processes.sh
. "$top/scripts/processes.sh"

# as USER COMMAND...: replace this process by the command.  root changes to
# USER, if that user exists.
as() {
    local user=$1

    shift
    if [ "$(id -u)" -eq 0 ] && id -u "$user" >/dev/null 2>&1; then
        exec setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
    fi
    exec "$@"
}

# home NAME: print RUN_DIR/NAME, or a private directory that RUN_DIR/NAME links
# to if the user NAME could not use RUN_DIR.  An older version had it below
# /var/tmp, where systems delete old files; it has been stopped.
home() {
    local directory=$RUN_DIR/$1 old='' new

    mkdir -p "$RUN_DIR"
    if [ -L "$directory" ]; then
        old=$(readlink "$directory")
        [[ $old == "/var/tmp/magasin-$1."* ]] || old=
    fi
    if [ ! -d "$directory" ] || [ -n "$old" ]; then
        rm -f "$directory"
        if [ -z "$old" ] && (as "$1" test -x "$(readlink -f "$RUN_DIR")"); then
            mkdir "$directory"
        else
            new=$(new_private "$1") ||
                fail "$RUN_DIR does not suit the user $1, and" \
                    "$(private_parent) cannot be made: choose another RUN_DIR."
            [ ! -d "$old/data" ] || mv "$old/data" "$new/data"
            [ -z "$old" ] || rm -rf "$old"
            ln -s "$new" "$directory"
        fi
    fi
    readlink -f "$directory"
}

# belongs NAME DIRECTORY: the server may read the directory and write to its
# data.  It must not rename files in a directory in which root opens files.
belongs() {
    mkdir -p "$2/data"
    if [ "$(id -u)" -eq 0 ] && id -u "$1" >/dev/null 2>&1; then
        chgrp -R "$1" "$2"
        chown -R "$1" "$2/data"
    fi
    chmod -R g+rX "$2"
    chmod 0750 "$2"
}

# pid_of NAME: print the pid, or nothing if the server does not run.  The
# command lines of both servers contain their data directories.
pid_of() {
    local directory pid

    directory=$(readlink -f "$RUN_DIR/$1")
    pid=$(first_line "$RUN_DIR/$1/pid")
    ! ours "$pid" "$directory/data" || echo "$pid"
}

# launch NAME DIRECTORY COMMAND...: start the command in its own session.
launch() {
    local name=$1 directory=$2

    shift 2
    (
        cd "$directory"
        as "$name" setsid "$@"
    ) >>"$directory/log" 2>&1 </dev/null &
    echo $! >"$directory/pid"
}

# wait_for NAME URL
wait_for() {
    local tenths=300

    until curl -s -f -o /dev/null -m 2 --noproxy '*' "$2"; do
        if [ "$tenths" -eq 0 ] || ! alive "$(first_line "$RUN_DIR/$1/pid")"
        then
            tail -n 10 "$RUN_DIR/$1/log" >&2
            fail "$1 does not answer at $2 (see above, and $RUN_DIR/$1/log)."
        fi
        tenths=$((tenths - 1))
        sleep 0.1
    done
}

# The files are copied, because the server may not have access to the project.
configure_prometheus() {
    local target

    rm -rf "$1/rules" "$1/targets"
    sed -E "s/^( *(scrape|evaluation)_interval:).*/\1 $INTERVAL/;
        s/^( *scrape_timeout:).*/\1 ${2}/" \
        "$top/prometheus/prometheus.yml" >"$1/prometheus.yml"
    cp -R "$top/prometheus/rules" "$1/rules"
    mkdir "$1/targets"
    {
        echo '- targets:'
        for target in $TARGETS; do
            echo "    - \"$target\""
        done
    } >"$1/targets/magasin.yml"
}

start_prometheus() {
    local directory timeout=5s

    if [ -n "$(pid_of prometheus)" ]; then
        return
    fi
    command -v prometheus >/dev/null ||
        fail "Prometheus is not installed (Debian: apt-get install prometheus)."
    ! curl -s -o /dev/null -m 2 --noproxy '*' \
        "http://127.0.0.1:$PROMETHEUS_PORT/" ||
        fail "port $PROMETHEUS_PORT is in use: choose another" \
            "PROMETHEUS_PORT."

    # The timeout must not exceed the interval.
    [[ ! $INTERVAL =~ ^[1-5]s$ ]] || timeout=$INTERVAL
    directory=$(home prometheus)
    configure_prometheus "$directory" "$timeout"
    belongs prometheus "$directory"
    launch prometheus "$directory" prometheus \
        --config.file="$directory/prometheus.yml" \
        --storage.tsdb.path="$directory/data" \
        --storage.tsdb.retention.time=15d \
        --storage.tsdb.retention.size=1GB \
        --web.listen-address="127.0.0.1:$PROMETHEUS_PORT"
    wait_for prometheus "http://127.0.0.1:$PROMETHEUS_PORT/-/ready"
}

# Grafana's packages install /usr/share/grafana and one of these commands.
grafana_command() {
    if command -v grafana >/dev/null; then
        echo grafana server
    elif command -v grafana-server >/dev/null; then
        echo grafana-server
    fi
}

start_grafana() {
    local directory command

    if [ -n "$(pid_of grafana)" ]; then
        return
    fi
    read -ra command <<<"$(grafana_command)"
    if [ ${#command[@]} -eq 0 ]; then
        cat <<TEXT
Grafana is not installed, and Debian has no package of it. See "Install Grafana"
in its documentation (grafana.com/docs), or use the container of
grafana/compose.yaml. Then run this command again.
TEXT
        return
    fi

    directory=$(home grafana)
    rm -rf "$directory/provisioning" "$directory/dashboards"
    cp -R "$top/grafana/provisioning" "$top/grafana/dashboards" "$directory"
    belongs grafana "$directory"
    # All users of this machine have read access, without a login.
    launch grafana "$directory" env \
        GF_PATHS_DATA="$directory/data" \
        GF_PATHS_LOGS="$directory/data/log" \
        GF_PATHS_PLUGINS="$directory/data/plugins" \
        GF_PATHS_PROVISIONING="$directory/provisioning" \
        GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$GRAFANA_PORT" \
        GF_AUTH_ANONYMOUS_ENABLED=true \
        GF_AUTH_DISABLE_LOGIN_FORM=true \
        GF_ANALYTICS_REPORTING_ENABLED=false \
        GF_ANALYTICS_CHECK_FOR_UPDATES=false \
        GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false \
        MAGASIN_PROMETHEUS="http://127.0.0.1:$PROMETHEUS_PORT" \
        MAGASIN_DASHBOARDS="$directory/dashboards" \
        "${command[@]}" --homepath "$GRAFANA_HOME" \
        "cfg:default.paths.data=$directory/data"
    wait_for grafana "http://127.0.0.1:$GRAFANA_PORT/api/health"
}

start() {
    start_prometheus
    start_grafana
    echo "Prometheus: http://127.0.0.1:$PROMETHEUS_PORT" \
        "(pid $(pid_of prometheus)), of $TARGETS"
    [ -z "$(pid_of grafana)" ] ||
        echo "Grafana:    http://127.0.0.1:$GRAFANA_PORT/dashboards" \
            "(pid $(pid_of grafana))"
}

stop() {
    local name pid

    for name in grafana prometheus; do
        pid=$(pid_of "$name")
        [ -z "$pid" ] || ask_to_end "$pid" "$name" TERM KILL
    done
}

status() {
    local name pid

    for name in prometheus grafana; do
        pid=$(pid_of "$name")
        printf '%-10s %s\n' "$name" "${pid:+runs, pid }${pid:-does not run}"
    done
    [ -n "$(pid_of prometheus)" ] || exit 3
}

remove() {
    local name directory

    stop
    for name in grafana prometheus; do
        directory=$(readlink -f "$RUN_DIR/$name")
        [ ! -d "$directory" ] || rm -rf "$directory"
        rm -rf "${RUN_DIR:?}/$name"
    done
}

case ${1:-start} in
start | stop | status | remove) "${1:-start}" ;;
*)
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
