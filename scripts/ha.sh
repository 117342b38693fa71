#!/usr/bin/env bash
# A system that outlives any of its machines, on this machine: each of them is a
# network namespace, and a bridge joins them (docs/HA.md, conf/ha/).
#
#   db1 db2 db3     etcd, and Patroni with PostgreSQL
#   app1 app2 app3  nginx with the module, Redis, a Sentinel
#   front           HAProxy
#
# usage: ha.sh COMMAND
#
#   start     start everything; return when ready
#   stop      stop everything, and remove the namespaces
#   status    print the state of each; exit 0 if everything is well, else 3
#   remove    stop everything and delete it
#   home      print the directory of the files
#   address MACHINE   print the address; host: that of this machine
#   password  print the password of all servers
#   primary postgres|redis, standby
#             print which machine has it, or the synchronous standby
#
# To break it, and to mend it:
#   kill MACHINE [SERVER]   all its processes at once, or those of one server:
#             etcd, patroni, postgres, redis, sentinel, nginx, haproxy
#   freeze MACHINE [SERVER], thaw MACHINE [SERVER]   the same with SIGSTOP
#   boot MACHINE            start what does not run there
#   cut MACHINE [in|out]    its link: both ways, or what comes, or what goes
#   join MACHINE            its link is there again
#   fill MACHINE, empty MACHINE   its disk is full, and not any more (DISK)
#
# It needs root.  environment:
#   RUN_DIR   directory; all is in RUN_DIR/ha           (default ./run)
#   HA_NET    N of the network 198.18.N.0/24    (default made of RUN_DIR)
#   WORKERS   worker processes of each node             (default 1)
#   DISK      size of the disk of each db, in memory, lost with the stop
#             (default: RUN_DIR/ha)
#   MODULE    the module (default build/ngx_http_magasin_module.so)

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

RUN_DIR=${RUN_DIR:-run}
WORKERS=${WORKERS:-1}
MODULE=${MODULE:-$top/build/ngx_http_magasin_module.so}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Variables for other servers.
unset NGINX
for name in "${!PG@}" "${!ETCD@}" "${!PATRONI@}"; do
    unset "$name"
done

began=$SECONDS
say() {
    echo "ha: $*"
}

fail() {
    echo "ha: $*" >&2
    exit 1
}

# shellcheck source=scripts/processes.sh
. "$top/scripts/processes.sh"
# shellcheck source=scripts/ha_servers.sh
. "$top/scripts/ha_servers.sh"

dbs=(db1 db2 db3)
apps=(app1 app2 app3)
machines=("${dbs[@]}" "${apps[@]}" front)

# PostgreSQL and the rest of what stores data run as this user, the workers of
# nginx as another one, as with make run.
server_user=postgres
worker_user=magasin


# Paths

set_paths() {
    [ -d "$RUN_DIR" ] || mkdir -p "$RUN_DIR"
    RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
    home=$RUN_DIR/ha
    [ ! -L "$home" ] || home=$(readlink "$home")
    net=${HA_NET:-$(($(cksum <<<"$home" | cut -d ' ' -f 1) % 250 + 1))}
    [ ! -e "$home/net" ] || net=$(<"$home/net")
    [[ $net =~ ^(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$ ]] ||
        fail "HA_NET=$net is not a number from 0 to 255."
    bridge=mag$net
    export PGPASSFILE=$home/pgpass
}

make_home() {
    if [ ! -e "$home" ]; then
        mkdir -p "$home"
        # Two users pass it, and a Unix socket in it has a short path.
        if [ "${#home}" -gt 80 ] || [[ ! $home =~ ^[A-Za-z0-9_./+-]+$ ]] ||
            ! setpriv --reuid "$server_user" --regid "$server_user" \
                --init-groups -- test -x "$home"
        then
            rmdir "$home"
            home=$(new_private ha) || fail "cannot make a private directory."
            chmod 0755 "$home"
            ln -s "$home" "$RUN_DIR/ha"
            say "the files are in $home"
            set_paths
        fi
    fi
    mkdir -p "$home/pid" "$home/log"
    [ -e "$home/password" ] ||
        (umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' \
            >"$home/password")
    password=$(<"$home/password")
    (umask 077 && echo "*:*:*:*:$password" >"$home/pgpass")
}

# address MACHINE
address() {
    case $1 in
    db[1-3]) echo "198.18.$net.1${1#db}" ;;
    app[1-3]) echo "198.18.$net.2${1#app}" ;;
    front) echo "198.18.$net.10" ;;
    host) echo "198.18.$net.254" ;;
    *) fail "$1 is none of ${machines[*]}." ;;
    esac
}

# together SEPARATOR SUFFIX MACHINE...: their addresses in one word
together() {
    local separator=$1 suffix=$2 machine all=

    shift 2
    for machine in "$@"; do
        all+=${all:+$separator}$(address "$machine")$suffix
    done
    echo "$all"
}


# The network

exists() {
    [ -e "/run/netns/$bridge-$1" ]
}

inside() {
    local machine=$1

    shift
    ip netns exec "$bridge-$machine" "$@"
}

make_network() {
    local machine link

    [ ! -e "/sys/class/net/$bridge" ] ||
        fail "$bridge exists: run make ha-stop, or choose another HA_NET."
    # From here on there is something to remove.
    echo "$net" >"$home/net"
    ip link add "$bridge" type bridge
    ip address add "$(address host)/24" dev "$bridge"
    ip link set "$bridge" up
    for machine in "${machines[@]}"; do
        link=$bridge-$machine
        ip netns add "$link"
        ip link add "$link" type veth peer name eth0 netns "$link"
        ip link set "$link" master "$bridge" up
        inside "$machine" ip address add "$(address "$machine")/24" dev eth0
        inside "$machine" ip link set eth0 up
        inside "$machine" ip link set lo up
    done
    say "network 198.18.$net.0/24: ${#machines[@]} machines on $bridge"
}

remove_network() {
    local machine

    for machine in "${machines[@]}"; do
        ! exists "$machine" || ip netns delete "$bridge-$machine"
    done
    [ ! -e "/sys/class/net/$bridge" ] || ip link delete "$bridge"
}

# cut MACHINE [in|out]: for who is elsewhere the machine is gone.  One way: what
# is on its way is dropped in the machine.
cut_link() {
    local hook

    case ${2:-both} in
    both)
        ip link set "$bridge-$1" down
        return
        ;;
    in) hook=input ;;
    out) hook=output ;;
    *) fail "cut $1 $2: in or out." ;;
    esac
    inside "$1" nft add table inet cut
    inside "$1" nft add chain inet cut silence \
        "{ type filter hook $hook priority 0; policy drop; }"
}

join_link() {
    ip link set "$bridge-$1" up
    inside "$1" nft delete table inet cut 2>/dev/null || true
}


# Processes.  Who is in a namespace of ours was started by us.

pids_of() {
    local machine=$1 server=${2:-}

    exists "$machine" || return 0
    ip netns pids "$bridge-$machine" | while read -r pid; do
        [ -z "$server" ] || [[ $(server_of "$pid") == "$server" ]] || continue
        echo "$pid"
    done
}

# server_of PID: the name of the server that the process is of
server_of() {
    local program

    program=$(first_line "/proc/$1/comm" 2>/dev/null)
    case $program in
    redis-* | valkey-*)
        if grep -qa 'sentinel' "/proc/$1/cmdline" 2>/dev/null; then
            program=sentinel
        else
            program=redis
        fi
        ;;
    esac
    echo "$program"
}

# signal SIGNAL MACHINE [SERVER]: until no new process has come meanwhile
signal() {
    local number=$1 pid sent=' ' more=yes

    shift
    while [ -n "$more" ]; do
        more=
        for pid in $(pids_of "$@"); do
            [[ $sent != *" $pid "* ]] || continue
            sent+="$pid "
            more=yes
            kill -s "$number" "$pid" 2>/dev/null || true
        done
    done
}

# until_gone SECONDS SERVER MACHINE...
until_gone() {
    local tenths=$(($1 * 10)) server=$2 machine

    shift 2
    for machine in "$@"; do
        while [ -n "$(pids_of "$machine" "$server")" ]; do
            [ "$tenths" -gt 0 ] || return 1
            tenths=$((tenths - 1))
            sleep 0.1
        done
    done
}

# end SERVER SIGNAL SECONDS MACHINE...: ask it to end, on all of these
end() {
    local server=$1 number=$2 seconds=$3 machine

    shift 3
    for machine in "$@"; do
        signal "$number" "$machine" "$server"
    done
    until_gone "$seconds" "$server" "$@" || true
}

# spawn MACHINE NAME USER COMMAND...: in the background, as the leader of a
# session of its own
spawn() {
    local machine=$1 name=$2 user=$3

    shift 3
    setsid ip netns exec "$bridge-$machine" setpriv --reuid "$user" \
        --regid "$(id -g "$user")" --init-groups -- "$@" \
        >>"$home/log/$machine-$name.log" 2>&1 </dev/null &
    disown
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
    local end=$((SECONDS + $1)) what=$2

    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] ||
            fail "not in time: $what (logs: $home/log)."
        sleep 0.2
    done
    say "$what ($((SECONDS - began)) s)"
}


# The commands

describe() {
    cat <<TEXT

Magasin serves on http://$(address front):8080, as long as one machine of each
kind is there

  nodes        http://$(address app1):8080 and the two after it
  operators    http://$(address app1):8081/status and the two after it
  PostgreSQL   PGPASSFILE=$home/pgpass psql '$(admin_conninfo)'
  Patroni      http://$(address db1):8008/cluster
  logs         $home/log

  scripts/ha.sh kill db1    and scripts/ha.sh boot db1: docs/HA.md

TEXT
}

start() {
    local machine

    check_programs
    make_home
    [ ! -e "$home/net" ] ||
        fail "it runs, or something of it does: make ha-stop."
    starting=yes
    trap 'stop' EXIT
    make_network
    for machine in "${dbs[@]}"; do
        make_disk "$machine"
        start_etcd "$machine"
    done
    wait_for 60 "etcd has a leader" etcd_well
    # The first one makes the database, the others copy it.
    start_patroni db1
    [ -e "$home/db2/postgresql" ] ||
        wait_for 120 "PostgreSQL on db1" leader_well
    start_patroni db2
    start_patroni db3
    wait_for 180 "PostgreSQL has a primary, a synchronous standby, another" \
        patroni_well
    prepare_database
    for machine in "${apps[@]}"; do
        start_redis "$machine"
        start_sentinel "$machine"
    done
    wait_for 60 "Redis has a primary that three Sentinels know" redis_well
    for machine in "${apps[@]}"; do
        start_nginx "$machine"
    done
    start_front
    wait_for 60 "three nodes are ready" nodes_well
    wait_for 20 "HAProxy serves through them" front_well
    trap - EXIT
    describe
}

stop() {
    local machine followers

    trap - EXIT
    # To be asked twice does not keep it from its end.
    trap '' INT TERM HUP
    if [ ! -e "$home/net" ]; then
        say "nothing runs in $RUN_DIR."
        return
    fi
    for machine in "${machines[@]}"; do
        signal CONT "$machine"
        ! exists "$machine" || [ ! -e "/sys/class/net/$bridge-$machine" ] ||
            join_link "$machine"
    done
    end haproxy TERM 3 front
    end nginx QUIT 5 "${apps[@]}"
    end sentinel TERM 3 "${apps[@]}"
    end redis TERM 3 "${apps[@]}"
    # Patroni stops its PostgreSQL, the standbys first: no other primary begins.
    mapfile -t followers < <(standbys)
    end patroni TERM 20 "${followers[@]}"
    end patroni TERM 30 "${dbs[@]}"
    end postgres INT 20 "${dbs[@]}"
    end etcd TERM 5 "${dbs[@]}"
    for machine in "${machines[@]}"; do
        signal KILL "$machine"
    done
    until_gone 10 '' "${machines[@]}" || say "some processes do not end."
    remove_network
    for machine in "${dbs[@]}"; do
        ! mountpoint -q "$home/$machine" || umount "$home/$machine"
    done
    rm -f "$home/net"
    say "stopped"
}

status() {
    local machine all=0

    if [ ! -e "$home/net" ]; then
        say "nothing runs in $RUN_DIR."
        return 3
    fi
    password=$(<"$home/password")
    for machine in "${dbs[@]}"; do
        printf '%-6s %-16s etcd %-10s %s\n' "$machine" \
            "$(address "$machine")" "$(etcd_state "$machine")" \
            "$(patroni_state "$machine")"
    done
    for machine in "${apps[@]}"; do
        printf '%-6s %-16s readyz %-8s Redis %s\n' "$machine" \
            "$(address "$machine")" "$(code "$(address "$machine")/readyz")" \
            "$(redis_state "$machine")"
    done
    printf '%-6s %-16s serves %s\n' front "$(address front)" \
        "$(code "$(address front)/readyz")"
    etcd_well && patroni_well && redis_well && nodes_well && front_well ||
        all=3
    return "$all"
}

# fill_disk MACHINE
fill_disk() {
    mountpoint -q "$home/$1" || fail "$1 has no disk of its own (DISK)."
    # It ends when nothing more can be written.
    head -c 1T /dev/zero >"$home/$1/full" 2>/dev/null || true
}

# boot MACHINE: what does not run there
boot() {
    password=$(<"$home/password")
    case $1 in
    db*)
        [ -n "$(pids_of "$1" etcd)" ] || start_etcd "$1"
        [ -n "$(pids_of "$1" patroni)" ] || start_patroni "$1"
        ;;
    app*)
        [ -n "$(pids_of "$1" redis)" ] || start_redis "$1"
        [ -n "$(pids_of "$1" sentinel)" ] || start_sentinel "$1"
        [ -n "$(pids_of "$1" nginx)" ] || start_nginx "$1"
        ;;
    front) [ -n "$(pids_of "$1" haproxy)" ] || start_front ;;
    esac
}

primary() {
    password=$(<"$home/password")
    if [ "$1" = postgres ]; then
        members '.[] | select(.role == "leader") | .name'
    else
        redis_first ''
    fi
}

command=${1:-}
machine=${2:-}
case $command in
start | stop | status | remove | home | password) ;;
standby) ;;
primary) [[ $machine =~ ^(postgres|redis)$ ]] || fail "postgres or redis?" ;;
address | kill | freeze | thaw | boot | cut | join | fill | empty)
    [[ " ${machines[*]} host " == *" ${machine:-?} "* ]] ||
        fail "which machine?  One of ${machines[*]}."
    ;;
*)
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
[ "$(id -u)" -eq 0 ] || fail "network namespaces need root."
set_paths
case $command in
address | home | start | stop | status | remove) ;;
*) [ -e "$home/net" ] || fail "nothing runs in $RUN_DIR (make ha)." ;;
esac
trap 'exit 130' INT
trap 'exit 143' TERM HUP

case $command in
start) start ;;
stop) stop ;;
status) status ;;
remove)
    stop
    rm -rf "${home:?}" "$RUN_DIR/ha"
    rmdir --ignore-fail-on-non-empty "$RUN_DIR"
    ;;
home) echo "$home" ;;
address) address "$machine" ;;
password) cat "$home/password" ;;
primary) primary "$machine" ;;
standby) members '.[] | select(.role == "sync_standby") | .name' ;;
fill) fill_disk "$machine" ;;
empty) rm -f "$home/$machine/full" ;;
kill) signal KILL "$machine" "${3:-}" ;;
freeze) signal STOP "$machine" "${3:-}" ;;
thaw) signal CONT "$machine" "${3:-}" ;;
boot) boot "$machine" ;;
cut) cut_link "$machine" "${3:-}" ;;
join) join_link "$machine" ;;
esac
