#!/usr/bin/env bash
# A private instance of Magasin: nginx with the module, PostgreSQL and Redis.
# All of them use one directory, and none of them is a service of the system.
#
# usage: instance.sh COMMAND
#
#   up              start everything in the foreground; Ctrl-C stops it
#   start           start everything in the background; return when ready
#   stop            stop everything
#   status          print what runs; exit 0 if everything runs, else 3
#   start-db        PostgreSQL and Redis with the schema, without nginx
#   stop-db         stop PostgreSQL and Redis
#   start-postgres, stop-postgres [fast|immediate], start-redis, stop-redis,
#   start-nginx, stop-nginx, status-nginx
#                   one server alone, for tests of its failure
#   load-demo       fill an empty database with the demonstration
#   admin-conninfo, web-conninfo, redis-socket
#                   print the conninfo or the socket
#   home            print the directory of the files, links resolved
#   remove          stop everything and delete it
#
# environment:
#   RUN_DIR   directory of the instance              (default ./run)
#   PORT      port of nginx                          (default 8080)
#   ADDRESS   its address                            (default 127.0.0.1)
#   DEMO_TOKEN  1: accept the public token of the demonstration from other
#             machines too
#   NAMES     host names besides localhost and that address, as in nginx's
#             server_name; other hosts get 421
#   PROXIES   addresses or networks of proxies: limits do not apply to them, and
#             they may request /readyz on PORT
#   METRICS_PORT, METRICS_ADDRESS  of /metrics, /status and /readyz, for
#             operators                    (default PORT + 1 and 127.0.0.1)
#   WORKERS   nginx's worker processes               (default auto)
#   CACHE     value of magasin_cache: on, off, l1, l2    (default on)
#   NODE_OF   the RUN_DIR of another instance: this one is nginx alone and uses
#             the other's PostgreSQL and Redis (scripts/cluster.sh)
#   NODE_PORTS  ports of the nodes behind this nginx
#   TEMPLATE  template of nginx.conf                 (default conf/nginx.conf)
#   MODULE    the module to load (default build/ngx_http_magasin_module.so)
#   NGINX_BINARY  the nginx to run                   (default nginx)

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

RUN_DIR=${RUN_DIR:-run}
PORT=${PORT:-8080}
ADDRESS=${ADDRESS:-127.0.0.1}
NAMES=${NAMES:-}
PROXIES=${PROXIES:-}
METRICS_PORT=${METRICS_PORT:-}
METRICS_ADDRESS=${METRICS_ADDRESS:-127.0.0.1}
DEMO_TOKEN=${DEMO_TOKEN:-}
WORKERS=${WORKERS:-auto}
CACHE=${CACHE:-on}
NODE_OF=${NODE_OF:-}
NODE_PORTS=${NODE_PORTS:-}
TEMPLATE=${TEMPLATE:-$top/conf/nginx.conf}
MODULE=${MODULE:-$top/build/ngx_http_magasin_module.so}
START_TIMEOUT=${START_TIMEOUT:-20}

# Debian installs servers in directories that may be missing in a user's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
NGINX_BINARY=${NGINX_BINARY:-nginx}
# nginx would read this variable as a list of inherited sockets.
unset NGINX

# PGHOST, PGOPTIONS and similar variables of the caller are for other servers.
for name in "${!PG@}"; do
    unset "$name"
done

say() {
    echo "magasin: $*"
}

fail() {
    echo "magasin: $*" >&2
    exit 1
}

# scripts/supervise.pl runs this (up).  The servers need not know.
supervised=${MAGASIN_SUPERVISED:-}
unset MAGASIN_SUPERVISED
# Set when the end has been asked for.
ended=

# asked SECONDS: has somebody asked for the end (up)?  Waits so long for it.
asked() {
    local status=0

    [ -n "$supervised" ] || return 1
    [ -z "$ended" ] || return 0
    # At the end of the file it does not wait.
    read -r -t "$1" -u 8 || status=$?
    [ "$status" -gt 128 ] || ended=yes
    [ -n "$ended" ]
}

# Between two steps of the start.  A step that was begun is done to its end, so
# that what it has started can be found and stopped.
go_on() {
    ! asked 0.01 || exit 0
}

# shellcheck source=scripts/processes.sh
. "$top/scripts/processes.sh"
# shellcheck source=scripts/instance_checks.sh
. "$top/scripts/instance_checks.sh"

# PostgreSQL does not start as root.  For root, PostgreSQL and Redis run as the
# user that Debian's PostgreSQL package creates.  The workers of nginx, which
# face clients, run as another user, for whom PostgreSQL accepts only the role
# magasin_web.
if [ "$(id -u)" -eq 0 ]; then
    server_user=postgres
    worker_user=magasin
    id -u "$server_user" >/dev/null 2>&1 ||
        fail "PostgreSQL is not installed (scripts/packages.sh run)."
else
    server_user=$(id -un)
    worker_user=$server_user
fi

# as USER COMMAND...: run a command as another user.
as() {
    local user=$1

    shift
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$user" --regid "$(id -g "$user")" \
            --init-groups -- "$@"
    else
        "$@"
    fi
}

as_server() {
    as "$server_user" "$@"
}

# If two instances start at once, the other one may have created the user.
make_worker_user() {
    local tries

    [ "$(id -u)" -eq 0 ] || return 0
    for tries in {1..20}; do
        ! id -u "$worker_user" >/dev/null 2>&1 || break
        if useradd --system --user-group --no-create-home \
            --home-dir /nonexistent --shell /usr/sbin/nologin \
            "$worker_user" 2>/dev/null
        then
            say "created the user $worker_user, for nginx's workers"
            break
        fi
        sleep 0.2
    done
    [ "$(id -u "$worker_user" 2>/dev/null || echo 0)" -ne 0 ] ||
        fail "cannot create the system user $worker_user (useradd --system)."
}


# Paths.  $home is RUN_DIR, or a private directory that RUN_DIR links to if the
# servers cannot use RUN_DIR.  It contains these entries:
entries=(data sockets log pid tmp asan tokens nginx.conf web openapi)

resolve_run_dir() {
    mkdir -p "$RUN_DIR" 2>/dev/null ||
        fail "cannot make the directory $RUN_DIR: choose another RUN_DIR."
    RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
}

# The path of a Unix socket has at most 107 bytes.  Paths are not quoted in
# conninfo strings and nginx.conf.
run_dir_suits() {
    local LC_ALL=C

    [[ $RUN_DIR =~ ^[A-Za-z0-9_./+-]+$ ]] &&
        [ $((${#RUN_DIR} + 23)) -le 100 ] &&
        as_server test -x "$RUN_DIR" &&
        as "$worker_user" test -x "$RUN_DIR"
}

set_paths() {
    if [ -L "$RUN_DIR/private" ]; then
        home=$(readlink "$RUN_DIR/private")
    else
        home=$RUN_DIR
    fi
    data=$home/data
    sockets=$home/sockets
    [ -z "$NODE_OF" ] || sockets=$(readlink -m "$NODE_OF/sockets")
    logs=$home/log
    pids=$home/pid
    postgres_log=$logs/postgresql.log
    redis_log=$logs/redis.log
    error_log=$logs/error.log
    redis_socket=$sockets/redis.sock
    socket_mode=0700
    [ "$(id -u)" -ne 0 ] || socket_mode=0770
    admin_conninfo="host=$sockets dbname=magasin user=postgres"
    web_conninfo="host=$sockets dbname=magasin user=magasin_web"
}

# Make the private directory, in a place that no system sweeps.
make_private() {
    local parent

    parent=$(private_parent)
    if ! home=$(new_private run); then
        fail "$RUN_DIR does not suit (its path is too long, has other" \
            "characters than letters, digits and ._+-/, or its servers have" \
            "no access), and $parent cannot be made: choose another RUN_DIR."
    fi
    # Two users pass it; mktemp lets one in.
    [ "$(id -u)" -ne 0 ] || chmod 0751 "$home"
    if ! RUN_DIR=$home run_dir_suits; then
        rmdir "$home"
        fail "$RUN_DIR and $parent do not suit: choose a RUN_DIR with a" \
            "shorter path of letters, digits and ._+-/."
    fi
    ln -sfn "$home" "$RUN_DIR/private"
}

# An older version had private directories below /var/tmp.
leave_swept() {
    local old=$home entry

    [ -L "$RUN_DIR/private" ] && swept "$home" || return 0
    [ -z "$(nginx_pid)$(postgres_pid)$(redis_pid)" ] || return 0
    make_private
    for entry in "$old"/* "$old"/.[!.]*; do
        [ ! -e "$entry" ] || mv "$entry" "$home/"
    done
    rmdir "$old"
    say "the data have moved from $old, which the system sweeps, to $home."
}

make_home() {
    local entry log

    make_worker_user
    if [ -L "$RUN_DIR/private" ] && [ ! -d "$RUN_DIR/private/" ]; then
        say "$(readlink "$RUN_DIR/private") does not exist any more;" \
            "starting with a new one."
        for entry in private "${entries[@]}"; do
            [ ! -L "$RUN_DIR/$entry" ] || rm "$RUN_DIR/$entry"
        done
    fi

    leave_swept
    if [ ! -L "$RUN_DIR/private" ] && ! run_dir_suits; then
        make_private
        say "$server_user and $worker_user have no access to $RUN_DIR, or" \
            "its path does not suit: data and sockets are in $home."
    fi
    ! swept "$home" || [ -e "$data/PG_VERSION" ] ||
        say "the system deletes old files in $home: choose another RUN_DIR for" \
            "data that are to last."
    check_space "$home"
    # Two users need to pass this directory.  Its entries have their own modes.
    [ "$home" = "$RUN_DIR" ] || [ "$(id -u)" -ne 0 ] || chmod 0751 "$home"
    set_paths

    mkdir -p "$logs" "$pids" "$home/tmp"
    [ -d "$sockets" ] || [ -z "$NODE_OF" ] || fail "$NODE_OF has no instance."
    if [ ! -d "$sockets" ]; then
        mkdir -m 0700 "$sockets"
        own "$sockets"
    fi
    # A socket gets the group of its directory, and the mode lets the group in.
    if [ -z "$NODE_OF" ] && [ "$(id -u)" -eq 0 ]; then
        chown "$server_user:$worker_user" "$sockets"
        chmod 2710 "$sockets"
    fi
    # The servers may write their logs, but must not rename files in a directory
    # in which the nginx of root opens files.
    for log in "$postgres_log" "$redis_log"; do
        if [ ! -e "$log" ]; then
            : >"$log"
            own "$log"
        fi
    done
    # Logs contain addresses of clients, so other users have no access.
    for log in access error; do
        [ -e "$logs/$log.log" ] || : >"$logs/$log.log"
    done
    chmod 0640 "$logs"/*.log
    if [ ! -e "$home/tokens" ]; then
        # The file is renamed into place, so that no reader sees a part of it.
        cp "$top/conf/tokens.demo" "$home/tokens.new"
        chmod 0640 "$home/tokens.new"
        [ "$(id -u)" -ne 0 ] || chgrp "$worker_user" "$home/tokens.new"
        mv "$home/tokens.new" "$home/tokens"
    fi

    if [ "$home" != "$RUN_DIR" ]; then
        for entry in "${entries[@]}"; do
            ln -sfn "$home/$entry" "$RUN_DIR/$entry"
        done
    fi
}

own() {
    [ "$(id -u)" -ne 0 ] || chown "$server_user:$server_user" "$@"
}

# One command at a time per RUN_DIR.  Servers must not inherit the lock, nor the
# pipe of scripts/supervise.pl.
lock() {
    local tries

    { exec 9>"$RUN_DIR/.lock"; } 2>/dev/null ||
        fail "$(id -un) cannot write to $RUN_DIR, which belongs to" \
            "$(user_of "$RUN_DIR"): run this as $(user_of "$RUN_DIR"), or" \
            "choose another RUN_DIR."
    for tries in {1..60}; do
        ! flock -w 1 9 || return 0
        go_on
    done
    fail "another command is busy in $RUN_DIR."
}

unlock() {
    exec 9>&-
}


# Processes

# Each function prints the pid, or nothing if the server does not run.

postgres_pid() {
    local pid

    # The directory has mode 0700 and belongs to the server; root can read it.
    pid=$(first_line "$data/postmaster.pid")
    ! ours "$pid" "-D $data " || echo "$pid"
}

redis_pid() {
    local pid

    pid=$(first_line "$pids/redis.pid")
    ! ours "$pid" "$redis_socket" || echo "$pid"
}

nginx_pid() {
    local pid

    pid=$(first_line "$pids/nginx.pid")
    ! ours "$pid" "-p $home/ " || echo "$pid"
}


# PostgreSQL

# A cluster needs its own version.  A new one gets the newest that is there.
find_postgres() {
    local version='*' directory

    if [ -r "$data/PG_VERSION" ]; then
        version=$(<"$data/PG_VERSION")
    fi
    while read -r directory; do
        if [ -x "$directory/initdb" ] &&
            { [ "$version" = '*' ] ||
                [[ $("$directory/initdb" --version) == *" $version"[!0-9]* ]]; }
        then
            postgres_bin=$directory
            return
        fi
    done < <(compgen -G "/usr/lib/postgresql/$version/bin" | sort -rV
        dirname "$(command -v initdb || echo /nowhere/initdb)")

    [ "$version" != '*' ] ||
        fail "PostgreSQL is not installed (scripts/packages.sh run)."
    fail "the data in $data are those of PostgreSQL $version, which is not" \
        "installed: install postgresql-$version, or begin anew with another" \
        "RUN_DIR."
}

init_postgres() {
    [ ! -e "$data/PG_VERSION" ] || return 0

    say "creating a PostgreSQL cluster in $data"
    # The directory is renamed last, so that an interrupted attempt is not
    # mistaken for a cluster.
    rm -rf "$home/data.new"
    mkdir -m 0700 "$home/data.new"
    own "$home/data.new"

    # trust is sufficient for a user's own instance, because the socket is in a
    # directory of mode 0700.  guard_postgres protects an instance of root.
    (cd / && as_server "$postgres_bin/initdb" -D "$home/data.new" \
        --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 --locale-provider=icu --icu-locale=fr \
        --no-instructions >>"$postgres_log" 2>&1) ||
        fail "initdb failed: $(tail -n 3 "$postgres_log")"

    as_server tee -a "$home/data.new/postgresql.conf" >/dev/null <<'CONF'

# Magasin: everything but the socket's directory, which is told at each start
# so that the cluster can be moved.
listen_addresses = ''
unix_socket_permissions = 0700
cluster_name = 'magasin'
max_connections = 100
shared_buffers = 128MB
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
# Statements here take microseconds; compiling them would take milliseconds.
jit = off
CONF
    mv -T "$home/data.new" "$data"
}

# For an instance of root, PostgreSQL gets the user of a client from the kernel.
# The workers of nginx can only be magasin_web.  Other users are rejected.
guard_postgres() {
    [ "$(id -u)" -eq 0 ] || return 0

    as_server tee "$data/pg_hba.conf" >/dev/null <<'CONF'
# Made by scripts/instance.sh at each start.
local  all  postgres     peer map=magasin
local  all  magasin_web  peer map=magasin
CONF
    as_server tee "$data/pg_ident.conf" >/dev/null <<CONF
# Made by scripts/instance.sh at each start.
magasin  root          postgres
magasin  $server_user  postgres
magasin  $worker_user  magasin_web
# For psql, and tests.
magasin  root          magasin_web
CONF
}

# share SOCKET: give the workers access, also to a socket that was created
# before their user.
share() {
    [ "$(id -u)" -eq 0 ] && [ -S "$1" ] || return 0
    chgrp -h "$worker_user" "$1"
    as_server chmod 0770 "$1"
}

# The working directory of each process of a PostgreSQL is its data directory.
data_in_use() {
    [ -n "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$data" -print -quit \
        2>/dev/null)" ]
}

start_postgres() {
    local pid tries

    guard_postgres
    pid=$(postgres_pid)
    if [ -n "$pid" ]; then
        kill -s HUP "$pid"
        share "$sockets/.s.PGSQL.5432"
        return
    fi

    # The pid file may contain the number of a process that PostgreSQL mistakes
    # for itself: an unrelated process after a crash of the machine, or its own
    # process, which has exited and was not waited for.  The decisive check is
    # that no process uses the data directory.
    pid=$(first_line "$data/postmaster.pid")
    if [ -n "$pid" ] && [ -d "/proc/$pid" ]; then
        for tries in {1..50}; do
            data_in_use || break
            sleep 0.1
        done
        data_in_use ||
            rm -f "$data/postmaster.pid" "$sockets/.s.PGSQL.5432.lock"
    fi

    # Children of a killed postmaster exit a moment later.
    for tries in 1 2 3 4 5 6 7 8 9 0; do
        # pg_ctl opens the log as the server's user, to whom the log belongs.
        # A suite that sets the server's clock preloads a library.
        if (cd / && as_server env \
            ${POSTGRES_PRELOAD:+"LD_PRELOAD=$POSTGRES_PRELOAD"} \
            "$postgres_bin/pg_ctl" start -s -w -t 60 \
            -D "$data" -l "$postgres_log" \
            -o "-c unix_socket_directories=$sockets \
                -c unix_socket_permissions=$socket_mode" \
            8<&- 9>&- </dev/null >/dev/null 2>&1)
        then
            return
        fi
        [ "$tries" -ne 0 ] || break
        sleep 0.5
    done
    tail -n 10 "$postgres_log" >&2
    fail "PostgreSQL does not start (see $postgres_log)."
}

# stop_postgres [fast|immediate]
stop_postgres() {
    local pid signal=INT

    pid=$(postgres_pid)
    [ -n "$pid" ] || return 0
    [ "${1:-fast}" != immediate ] || signal=QUIT
    kill -s "$signal" "$pid" 2>/dev/null || true
    # A checkpoint on a slow disk may take long, and killing would not help.
    gone "$pid" 60 || fail "PostgreSQL (pid $pid) does not end."
}

query() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$admin_conninfo" "$@"
}

prepare_database() {
    psql -X -q -v ON_ERROR_STOP=1 \
        -d "host=$sockets dbname=postgres user=postgres" \
        -f "$top/sql/database.sql" ||
        fail "cannot create the database (see $postgres_log)."
    "$top/scripts/migrate.sh" "$admin_conninfo" ||
        fail "cannot apply the schema (see above)."
}

load_demo() {
    local filled

    filled=$(query -c 'SELECT EXISTS (SELECT FROM magasin)
                           OR EXISTS (SELECT FROM produit)')
    [ "$filled" = f ] || return 0

    say "loading the demonstration data"
    query -o /dev/null --single-transaction -f "$top/sql/demo.sql" ||
        fail "cannot load sql/demo.sql (see above)."
    query -c 'VACUUM ANALYZE'
}


# Redis is only a cache, so it stores nothing on disk.

start_redis() {
    local tenths=100 server client

    if [ -n "$(redis_pid)" ]; then
        share "$redis_socket"
        return
    fi
    server=$(redis_program server)
    client=$(redis_program cli)

    rm -f "$redis_socket"
    : >"$pids/redis.pid"
    own "$pids/redis.pid"
    (cd / && as_server "$server" --port 0 --unixsocket "$redis_socket" \
        --unixsocketperm "$socket_mode" --save '' --appendonly no --dir "$sockets" \
        --maxmemory 64mb --maxmemory-policy allkeys-lru \
        --daemonize yes --pidfile "$pids/redis.pid" \
        --logfile "$redis_log" \
        8<&- 9>&- </dev/null >/dev/null 2>&1) ||
        fail "Redis does not start: $(tail -n 3 "$redis_log")"

    until [ "$("$client" -s "$redis_socket" ping 2>/dev/null)" = PONG ]; do
        [ "$tenths" -gt 0 ] ||
            fail "Redis does not answer: $(tail -n 3 "$redis_log")"
        tenths=$((tenths - 1))
        sleep 0.1
    done
}

stop_redis() {
    local pid

    pid=$(redis_pid)
    [ -z "$pid" ] || ask_to_end "$pid" Redis TERM KILL
}


# nginx

# Does this nginx have /metrics?  A balancer does not.
has_metrics() {
    grep -q '@METRICS@' "$TEMPLATE"
}

# Print the host names under which clients may call this server, in one line.
server_names() {
    local address names=(localhost 127.0.0.1 '[::1]')

    case $ADDRESS in
    0.0.0.0 | '[::]')
        names+=("$(hostname)")
        for address in $(hostname -I 2>/dev/null); do
            [[ $address != *:* ]] || address="[$address]"
            names+=("$address")
        done
        ;;
    *) names+=("$ADDRESS") ;;
    esac
    # shellcheck disable=SC2086  # these are words
    printf '%s\n' "${names[@]}" $NAMES | awk '!seen[$0]++' | paste -s -d ' '
}

configure_nginx() {
    local text user='' port nodes='' default=default_server
    local demonstration=''

    [ "$(id -u)" -ne 0 ] || user="user $worker_user $worker_user;"
    [ "$DEMO_TOKEN" != 1 ] || demonstration="magasin_demonstration on;"
    for port in $NODE_PORTS; do
        nodes+="${nodes:+        }server  127.0.0.1:$port  max_fails=1  fail_timeout=1s;"$'\n'
    done
    # Behind a balancer a node accepts every host that the balancer accepts.
    [ -z "$NODE_OF" ] || default=
    text=$(<"$TEMPLATE")
    text=${text//@USER@/"$user"}
    text=${text//@DEMONSTRATION@/"$demonstration"}
    text=${text//@MODULE@/"$MODULE"}
    text=${text//@WORKERS@/"$WORKERS"}
    text=${text//@CACHE@/"$CACHE"}
    text=${text//@SOCKETS@/"$sockets"}
    text=${text//@LISTEN@/"$ADDRESS:$PORT"}
    text=${text//@DEFAULT@/"$default"}
    text=${text//@METRICS@/"$METRICS_ADDRESS:$METRICS_PORT"}
    text=${text//@NAMES@/"$(server_names)"}
    text=${text//@PROXIES@/"$PROXIES"}
    text=${text//@CLUSTER@/"${NODE_OF:+include \"@CONF@/cluster/node.conf\";}"}
    text=${text//@NODES@/"$nodes"}
    text=${text//@CONF@/"$top/conf"}
    {
        echo "# Made from ${TEMPLATE#"$top/"} at each start: change it there."
        echo
        echo "$text"
    } >"$home/nginx.conf"
}

# publish NAME: copy build/NAME to a place that the workers can read.  Without
# build/NAME, remove the copy.
publish() {
    rm -rf "$home/$1.new" "$home/$1.old"
    if [ -d "$top/build/$1" ]; then
        cp -pR "$top/build/$1" "$home/$1.new"
    else
        mkdir "$home/$1.new"
    fi
    [ ! -d "$home/$1" ] || mv "$home/$1" "$home/$1.old"
    mv "$home/$1.new" "$home/$1"
    rm -rf "$home/$1.old"
}

# The token of conf/tokens.demo is public.  /swagger/ fills it in while the
# token file contains it and clients can use it.
publish_openapi() {
    local settings=$home/openapi/swagger/settings.json

    publish openapi
    if [ -r "$settings" ] && demonstrates; then
        rm "$settings.gz"
        echo '{"token":"token-430"}' >"$settings"
    fi
}

demo_token() {
    printf %s token-430 | sha256sum | cut -d ' ' -f 1
}

demonstrates() {
    grep -qiF "$(demo_token)" "$home/tokens" &&
        { [ "$DEMO_TOKEN" = 1 ] || [[ $ADDRESS =~ ^(127\.|\[?::1) ]]; }
}

# Give the workers access to the tokens, and report whether other machines may
# use the public token of the demonstration.
check_tokens() {
    if [ "$(id -u)" -eq 0 ] && ! as "$worker_user" test -r "$home/tokens"; then
        chgrp "$worker_user" "$home/tokens"
        chmod g+r "$home/tokens"
        say "$home/tokens belongs to the group $worker_user now."
    fi
    [[ ! $ADDRESS =~ ^(127\.|\[?::1) ]] || return 0
    grep -qiF "$(demo_token)" "$home/tokens" || return 0
    if [ "$DEMO_TOKEN" = 1 ]; then
        say "whoever reaches $ADDRESS may write: everybody knows the token" \
            "of the demonstration in $home/tokens."
    else
        say "the token of the demonstration counts on this machine alone:" \
            "make others for $home/tokens with make token ID=... SCOPES=..."
    fi
}

start_nginx() {
    local deadline

    check_start "$home"
    check_tokens
    configure_nginx
    publish web
    publish_openapi
    # Print only the error of nginx itself, if there is one.
    "$NGINX_BINARY" -t -q -p "$home/" -c "$home/nginx.conf" 8<&- 9>&- ||
        fail "nginx does not accept $home/nginx.conf (see above)."
    log_before=$(stat -c %s "$error_log" 2>/dev/null || echo 0)
    "$NGINX_BINARY" -p "$home/" -c "$home/nginx.conf" 8<&- 9>&- </dev/null ||
        fail "nginx does not start (see above)."
    # What has been started has ended, and its child has yet to write its pid,
    # without which nobody could stop it.
    deadline=$((SECONDS + START_TIMEOUT))
    while [ -z "$(nginx_pid)" ] && [ "$SECONDS" -lt "$deadline" ]; do
        sleep 0.05
    done
    echo "$PORT" >"$pids/port"
    echo "$METRICS_PORT" >"$pids/metrics_port"
}

# Print what nginx has logged since this script started it.
log_before=0
new_errors() {
    tail -c "+$((log_before + 1))" "$error_log" | tail -n 15 >&2
}

url() {
    local host=$ADDRESS

    [ "$ADDRESS" != 0.0.0.0 ] || host=127.0.0.1
    [ "$ADDRESS" != '[::]' ] || host='[::1]'
    echo "http://$host:$PORT"
}

metrics_host() {
    case $METRICS_ADDRESS in
    0.0.0.0) echo 127.0.0.1 ;;
    '[::]') echo '[::1]' ;;
    *) echo "$METRICS_ADDRESS" ;;
    esac
}

# The address for operators.
metrics_url() {
    if has_metrics; then
        echo "http://$(metrics_host):$METRICS_PORT"
    else
        url
    fi
}

ready() {
    [ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' \
        --noproxy '*' "$(metrics_url)/readyz")" = 200 ]
}

wait_until_ready() {
    local deadline=$((SECONDS + START_TIMEOUT))

    until ready; do
        go_on
        if [ -z "$(nginx_pid)" ]; then
            new_errors
            fail "nginx exited (see above, and $error_log)."
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            new_errors
            fail "$(metrics_url)/readyz is not 200 after $START_TIMEOUT s" \
                "(see above, and $error_log)."
        fi
        sleep 0.1
    done
}

stop_nginx() {
    local pid

    pid=$(nginx_pid)
    [ -z "$pid" ] || ask_to_end "$pid" nginx QUIT TERM KILL
}


# The commands

start_db() {
    make_home
    find_postgres
    init_postgres
    go_on
    start_postgres
    go_on
    start_redis
    go_on
    prepare_database
}

stop_db() {
    stop_redis
    stop_postgres
}

stop_all() {
    stop_nginx
    stop_db
}

start_all() {
    start_db
    go_on
    load_demo
    go_on
    start_nginx
    wait_until_ready
}

start_nginx_alone() {
    make_home
    [ -n "$(nginx_pid)" ] || start_nginx
    wait_until_ready
}

# Remove only what this script created: RUN_DIR may contain other files and
# other instances.
remove() {
    local entry

    stop_all
    for entry in "${entries[@]}"; do
        rm -rf "${home:?}/$entry" "${RUN_DIR:?}/$entry"
    done
    if [ "$home" != "$RUN_DIR" ]; then
        rm -rf "$home"
        rm -f "$RUN_DIR/private"
    fi
    rm -f "$RUN_DIR/.lock"
    rmdir --ignore-fail-on-non-empty "$RUN_DIR"
}

running_port() {
    first_line "$pids/port"
}

token_words() {
    if demonstrates; then
        echo "the token of the demonstration"
        printf 'is token-430'
    else
        printf 'it asks for a token'
    fi
}

describe() {
    local base
    base=$(url)

    cat <<TEXT

Magasin serves on $base

  nginx        pid $(nginx_pid), $home/nginx.conf
  operators    $(metrics_url): /status, /metrics and /readyz
  PostgreSQL   pid $(postgres_pid), psql '$admin_conninfo'
  Redis        pid $(redis_pid), $(redis_program cli) -s $redis_socket
  tokens       $home/tokens
  logs         $logs

Open $base/ in a browser; $(token_words). Or try:

  $base/swagger/ in a browser
  curl $base/api/v1/dashboard/
  curl '$base/api/v1/stores/1/stock/list/?ordering=-quantite'
  curl -X PUT -H 'Authorization: Token token-430' -d prix=79.99 $base/api/v1/products/1/

TEXT
}

command_start() {
    lock
    set_paths
    if [ -n "$(nginx_pid)" ]; then
        if [ "$(running_port)" != "$PORT" ]; then
            fail "already runs here, on port $(running_port):" \
                "stop it first (make stop RUN_DIR=$RUN_DIR)."
        fi
        # Start again what was stopped meanwhile.
        start_db
        publish web
        publish_openapi
        wait_until_ready
    else
        trap 'stop_all' EXIT
        start_all
        trap - EXIT
    fi
    unlock
    describe
}

# scripts/supervise.pl gets the signals, and this script runs in its hands.  The
# servers are daemons in their own sessions, so they do not get those of the
# terminal, and this script stops them one after the other.
command_up() {
    local server terminal=

    [ -n "$supervised" ] ||
        exec "$top/scripts/supervise.pl" "${BASH_SOURCE[0]}" up

    # Asked before the start: the terminal may be closed while it lasts.
    [ ! -t 1 ] || terminal=yes
    lock
    set_paths
    if [ -n "$(nginx_pid)" ]; then
        fail "already runs here, on port $(running_port)" \
            "(make status, make stop)."
    fi

    trap 'end_up' EXIT
    start_all
    unlock
    describe || true
    say "Ctrl-C stops it." || true

    until asked 0.5; do
        # If make leads the session of the terminal, only make gets SIGHUP.
        [ -z "$terminal" ] || [ -t 1 ] || break
        for server in nginx postgres redis; do
            if [ -z "$("${server}_pid")" ]; then
                [ "$server" != nginx ] || new_errors
                fail "$server exited unexpectedly; stopping the rest" \
                    "(logs: $logs)."
            fi
        done
    done
    # To be stopped is how this ends well.
    exit 0
}

end_up() {
    local status=$?

    # The terminal may be gone.  Neither an error about this nor a signal may
    # prevent the stop.
    trap '' INT TERM HUP PIPE
    trap - EXIT
    say "stopping" 2>/dev/null || true
    stop_all
    say "stopped" 2>/dev/null || true
    ! asked 0.01 || exit 0
    exit "$status"
}

# command_status SERVER...
command_status() {
    local server pid all=0

    set_paths
    for server in "$@"; do
        pid=$("${server}_pid")
        if [ -n "$pid" ]; then
            printf '%-10s runs, pid %s\n' "$server" "$pid"
        else
            printf '%-10s does not run\n' "$server"
            all=3
        fi
    done
    if [ -n "$(nginx_pid)" ]; then
        PORT=$(running_port)
        METRICS_PORT=$(first_line "$pids/metrics_port")
        if ready; then
            echo "$(metrics_url)/readyz is 200"
        else
            echo "$(metrics_url)/readyz is not 200 (see $error_log)"
            all=3
        fi
    fi
    return $all
}

command=${1:-}
case $command in
up | start | stop | status | start-db | stop-db) ;;
start-postgres | stop-postgres | start-redis | stop-redis) ;;
start-nginx | stop-nginx | status-nginx | load-demo) ;;
admin-conninfo | web-conninfo | redis-socket | home | remove) ;;
*)
    sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

default_settings
[[ ! $command =~ ^(up|start) ]] || check_settings

if [[ ! $command =~ ^(up|start|start-db|start-nginx)$ ]] &&
    [ ! -d "$RUN_DIR" ]
then
    # A status or stop of an instance that does not exist creates no files.
    case $command in
    stop* | remove) exit 0 ;;
    status*) say "nothing runs in $RUN_DIR."; exit 3 ;;
    *) fail "there is no instance in $RUN_DIR (make start)." ;;
    esac
fi

# What can be refused is refused before anything is made.
[[ $command =~ ^(status|stop) ]] || check_run_dir
[ -d "$RUN_DIR" ] || check_start "$(existing_parent "$RUN_DIR")"
resolve_run_dir
set_paths
[[ ! $command =~ ^(up|start|load) ]] || check_owner
[ -n "$(nginx_pid)" ] || check_start "$home"

case $command in
up) command_up ;;
start) command_start ;;
status) command_status nginx postgres redis ;;
status-nginx) command_status nginx ;;
admin-conninfo) echo "$admin_conninfo" ;;
web-conninfo) echo "$web_conninfo" ;;
redis-socket) echo "$redis_socket" ;;
home) echo "$home" ;;
*)
    lock
    case $command in
    stop) stop_all ;;
    start-db) start_db ;;
    stop-db) stop_db ;;
    start-postgres) find_postgres; start_postgres ;;
    stop-postgres) stop_postgres "${2:-fast}" ;;
    start-redis) start_redis ;;
    stop-redis) stop_redis ;;
    start-nginx) start_nginx_alone ;;
    stop-nginx) stop_nginx ;;
    load-demo) load_demo ;;
    remove) remove ;;
    esac
    ;;
esac
