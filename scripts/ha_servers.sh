# shellcheck shell=bash
# For scripts/ha.sh: how each server is configured and started, and how one sees
# that it is well.  The templates are in conf/ha/.

# home, password, net, server_user, worker_user, dbs and apps are of ha.sh.
# shellcheck disable=SC2154

check_programs() {
    local program

    for program in ip nft etcd etcdctl patroni haproxy nginx psql curl jq \
        setpriv
    do
        command -v "$program" >/dev/null ||
            fail "$program is not installed (scripts/packages.sh run ha)."
    done
    redis_program server >/dev/null
    [ -r "$MODULE" ] || fail "$MODULE is missing: run make build first."
    [ -x "$(postgres_bin)/initdb" ] ||
        fail "PostgreSQL is not installed (scripts/packages.sh run)."
    id -u "$worker_user" >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home \
            --home-dir /nonexistent --shell /usr/sbin/nologin "$worker_user"
}

postgres_bin() {
    compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1
}

# fill MACHINE TEMPLATE FILE DIRECTORY: write the file from the template
fill() {
    local machine=$1 file=$3 text word

    local -A words=(
        [NAME]=$machine
        [ADDRESS]=$(address "$machine")
        [HOME]=$4
        [PASSWORD]=$password
        [NETWORK]=198.18.$net.0/24
        [OPERATOR]=$(address host)
        [PEERS]=$(peers)
        [ETCD]=$(together , :2379 "${dbs[@]}")
        [API]=${etcd_api:-}
        [BIN]=$(postgres_bin)
        [PRIMARY]=$(address app1)
        [FRONT]=$(address front)
    )
    for word in "${dbs[@]}" "${apps[@]}"; do
        words[${word^^}]=$(address "$word")
    done
    text=$(<"$top/conf/ha/$2")
    for word in "${!words[@]}"; do
        text=${text//@$word@/"${words[$word]}"}
    done
    (umask 077 && echo "$text" >"$file")
}

peers() {
    local machine all=

    for machine in "${dbs[@]}"; do
        all+=${all:+,}$machine=http://$(address "$machine"):2380
    done
    echo "$all"
}

# Choose the section of patroni.yml, which tells why.
find_etcd_api() {
    local version

    [ -z "${etcd_api:-}" ] || return 0
    version=$(patroni --version | awk '{ print $2 }')
    if [ "$(printf '%s\n' 3.0.3 "$version" | sort -V | head -n 1)" = 3.0.3 ]
    then
        etcd_api=etcd3
    else
        etcd_api=etcd
    fi
}

# own_directory PATH: for the servers alone
own_directory() {
    mkdir -p "$1"
    chown "$server_user:$(id -g "$server_user")" "$1"
    chmod 0700 "$1"
}

# A disk of a size that can be filled.
make_disk() {
    mkdir -p "$home/$1"
    [ -z "${DISK:-}" ] || mountpoint -q "$home/$1" ||
        mount -t tmpfs -o "size=$DISK" "$bridge-$1" "$home/$1"
    own_directory "$home/$1"
}

# code URL: the status of the answer
code() {
    curl -s -o /dev/null -m 2 --noproxy '*' -w '%{http_code}' \
        "http://${1/\//:8080/}" || true
}


# etcd

start_etcd() {
    local conf=$home/$1/etcd.yml

    fill "$1" etcd.yml "$conf" "$home/$1"
    chown "$server_user" "$conf"
    spawn "$1" etcd "$server_user" etcd --config-file "$conf"
}

etcd_state() {
    if curl -s -m 2 --noproxy '*' "http://$(address "$1"):2379/health" |
        grep -q '"health":"true"'
    then
        echo well
    else
        echo unwell
    fi
}

etcd_well() {
    local machine

    for machine in "${dbs[@]}"; do
        [ "$(etcd_state "$machine")" = well ] || return 1
    done
}


# Patroni with PostgreSQL

start_patroni() {
    local conf=$home/$1/patroni.yml

    find_etcd_api
    fill "$1" patroni.yml "$conf" "$home/$1"
    chown "$server_user" "$conf"
    spawn "$1" patroni "$server_user" patroni "$conf"
}

# members FILTER [MACHINE]: what jq makes of the members that a Patroni tells of
members() {
    local machine answer

    for machine in "${@:2}" "${dbs[@]}"; do
        answer=$(curl -s -m 2 --noproxy '*' \
            "http://$(address "$machine"):8008/cluster") || continue
        jq -r ".members | $1" <<<"$answer" 2>/dev/null && return
    done
    return 1
}

leader_well() {
    members 'map(select(.role == "leader" and .state == "running")) | length' |
        grep -qx 1
}

# All three run, and follow one life of the database.
patroni_well() {
    members 'map(select(.state == "running" or .state == "streaming"))
        | [(map(select(.role == "leader")) | length),
           (map(select(.role == "sync_standby")) | length), length,
           (map(.timeline) | unique | length)] | join(" ")' |
        grep -qx '1 1 3 1'
}

standbys() {
    members '.[] | select(.role != "leader") | .name' || true
}

patroni_state() {
    members ".[] | select(.name == \"$1\")
        | \"\(.role), \(.state), timeline \(.timeline), lag \(.lag // 0)\"" ||
        echo "nothing is known"
}

admin_conninfo() {
    echo "host=$(together , '' "${dbs[@]}") dbname=${1:-magasin}" \
        "user=postgres target_session_attrs=read-write connect_timeout=2"
}

# The database, its schema and the demonstration.
prepare_database() {
    local postgres filled

    postgres=$(admin_conninfo postgres)
    psql -X -q -v ON_ERROR_STOP=1 -d "$postgres" \
        -f "$top/sql/database.sql" ||
        fail "cannot create the database."
    say "schema: $(sql_files) files"
    "$top/scripts/migrate.sh" "$(admin_conninfo)" >>"$home/log/migrate.log" \
        2>&1 || fail "cannot apply the schema (see $home/log/migrate.log)."
    # From standard input, so that the password is in no list of processes.
    psql -X -q -v ON_ERROR_STOP=1 -d "$(admin_conninfo)" <<SQL ||
ALTER ROLE magasin_web PASSWORD '$password';
GRANT CONNECT ON DATABASE postgres TO rewind;
SQL
        fail "cannot set the password of magasin_web."
    filled=$(psql -X -q -A -t -d "$(admin_conninfo)" \
        -c 'SELECT EXISTS (SELECT FROM magasin)')
    [ "$filled" = f ] || return 0
    psql -X -q -v ON_ERROR_STOP=1 -o /dev/null --single-transaction \
        -d "$(admin_conninfo)" -f "$top/sql/demo.sql" ||
        fail "cannot load sql/demo.sql."
    say "the demonstration is loaded"
}

sql_files() {
    find "$top/sql/schema" -name '*.sql' | wc -l
}


# Redis and its Sentinels.  Each rewrites its own file, which counts from then
# on.

start_redis() {
    local directory=$home/$1/redis conf=$home/$1/redis/redis.conf

    own_directory "$directory"
    # A server that comes back is a replica until a Sentinel says otherwise.
    fill "$1" redis.conf "$conf" "$directory"
    [ "$1" = "$(redis_first "$1")" ] ||
        echo "replicaof $(address "$(redis_first "$1")") 6379" >>"$conf"
    chown "$server_user" "$conf"
    spawn "$1" redis "$server_user" "$(redis_program server)" \
        "$conf"
}

# redis_first MACHINE: which Redis the others say is the primary, or app1
redis_first() {
    local machine said

    for machine in "${apps[@]}"; do
        [ "$machine" != "$1" ] || continue
        said=$(redis_ask "$machine" 26379 SENTINEL GET-MASTER-ADDR-BY-NAME \
            magasin | head -n 1)
        case $said in
        *.21) echo app1; return ;;
        *.22) echo app2; return ;;
        *.23) echo app3; return ;;
        esac
    done
    echo app1
}

start_sentinel() {
    local directory=$home/$1/sentinel conf=$home/$1/sentinel/sentinel.conf

    own_directory "$directory"
    # At a new start nobody remembers anything.
    if [ ! -e "$conf" ] || [ -n "${starting:-}" ]; then
        fill "$1" sentinel.conf "$conf" "$directory"
        chown "$server_user" "$conf"
    fi
    spawn "$1" sentinel "$server_user" \
        "$(redis_program server)" "$conf" --sentinel
}

# redis_ask MACHINE PORT WORD...
redis_ask() {
    local machine=$1 port=$2

    shift 2
    REDISCLI_AUTH=$password timeout 2 "$(redis_program cli)" \
        -h "$(address "$machine")" -p "$port" "$@" 2>/dev/null || true
}

redis_state() {
    local said

    said=$(redis_ask "$1" 6379 INFO replication | tr -d '\r')
    sed -n 's/^role://p' <<<"$said" | paste -s -d ' ' | grep . ||
        echo "does not answer"
}

redis_well() {
    local machine said primary=

    for machine in "${apps[@]}"; do
        said=$(redis_ask "$machine" 26379 SENTINEL MASTER magasin |
            awk 'key { value[key] = $0; key = ""; next } { key = $0 }
                END { print value["ip"], value["num-slaves"],
                    value["num-other-sentinels"], value["flags"] }')
        [[ $said == *" 2 2 master" ]] || return 1
        [ -z "$primary" ] || [ "$said" = "$primary" ] || return 1
        primary=$said
    done
}


# The nodes, and HAProxy

# conf/nginx.conf with other directives for the database and Redis.
node_conf() {
    local text=

    text=$(awk '
        /^ *magasin_database  / { print "    include node_http.conf;"; n++
                                  skip = 1 }
        /^ *magasin_redis / { n++; skip = 1 }
        !skip
        /;$/ { skip = 0 }
        END { exit n != 2 }' "$top/conf/nginx.conf") ||
        fail "conf/nginx.conf has other directives than it had."
    text=${text//@USER@/user $worker_user $worker_user;}
    # Nobody but this machine reaches it, so the public token may count.
    text=${text//@DEMONSTRATION@/magasin_demonstration on;}
    text=${text//@MODULE@/"$MODULE"}
    text=${text//@WORKERS@/"$WORKERS"}
    text=${text//@CACHE@/on}
    text=${text//@LISTEN@/$(address "$1"):8080}
    text=${text//@METRICS@/$(address "$1"):8081}
    # A node takes every host that HAProxy takes.
    text=${text//@DEFAULT@/}
    text=${text//@NAMES@/localhost}
    text=${text//@PROXIES@/198.18.$net.0/24}
    text=${text//@CLUSTER@/include node_server.conf;}
    echo "$text"
}

start_nginx() {
    local directory=$home/$1/nginx part

    mkdir -p "$directory"/{log,pid,tmp}
    node_conf "$1" >"$directory/nginx.conf"
    fill "$1" node_http.conf "$directory/node_http.conf" "$directory"
    fill "$1" node_server.conf "$directory/node_server.conf" "$directory"
    for part in web openapi; do
        rm -rf "${directory:?}/$part"
        if [ -d "$top/build/$part" ]; then
            cp -pR "$top/build/$part" "$directory/$part"
        else
            mkdir "$directory/$part"
        fi
    done
    [ -e "$directory/tokens" ] ||
        install -m 0640 -g "$worker_user" "$top/conf/tokens.demo" \
            "$directory/tokens"
    spawn "$1" nginx root nginx -p "$directory/" -c "$directory/nginx.conf" \
        -g 'daemon off;'
}

nodes_well() {
    local machine

    for machine in "${apps[@]}"; do
        [ "$(code "$(address "$machine")/readyz")" = 200 ] || return 1
    done
}

start_front() {
    local directory=$home/front

    mkdir -p "$directory"
    fill front haproxy.cfg "$directory/haproxy.cfg" "$directory"
    spawn front haproxy root haproxy -W -f "$directory/haproxy.cfg"
}

front_well() {
    [ "$(code "$(address front)/readyz")" = 200 ]
}
