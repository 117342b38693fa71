# shellcheck shell=bash
# shellcheck disable=SC2154  # instance.sh sets the variables
# For instance.sh: what is checked before anything is made.  Each refusal is one
# sentence that says what is wrong and what to do.

# What one worker takes of PostgreSQL's connections (conf/nginx.conf), and how
# many of these its role may have (max_connections 100, see sql/roles.sql).
connections_per_worker=4
connections_of_role=87

# is_number VALUE FIRST LAST
is_number() {
    [[ $1 =~ ^(0|[1-9][0-9]{0,8})$ ]] && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# try_port ADDRESS PORT: print why nothing can listen there, or nothing.  Perl
# is a part of every Debian.
try_port() {
    perl -MSocket=:DEFAULT,inet_pton,pack_sockaddr_in6 -e '
        my ($address, $port) = @ARGV;
        $address =~ s/^\[(.*)\]$/$1/;
        my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
        my $packed = inet_pton($family, $address);
        if (!defined $packed) { print "no address"; exit }
        socket my $socket, $family, SOCK_STREAM, 0
            or do { print $!{EAFNOSUPPORT} ? "not here" : ""; exit };
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
        exit if bind $socket, $family == AF_INET6
            ? pack_sockaddr_in6($port, $packed)
            : pack_sockaddr_in($port, $packed)
            and listen $socket, 1;
        print $!{EADDRINUSE} ? "busy" : $!{EADDRNOTAVAIL} ? "not here"
            : $!{EACCES} ? "no right" : "$!";' "$1" "$2" 2>/dev/null || true
}

# default_settings: give an IPv6 address the brackets that nginx wants.
default_settings() {
    local name value

    for name in ADDRESS METRICS_ADDRESS; do
        value=${!name}
        [ "$value" != localhost ] || value=127.0.0.1
        [[ $value != *:* || $value == \[*\] ]] || value="[$value]"
        printf -v "$name" %s "$value"
    done
    if [ -z "$METRICS_PORT" ] && is_number "$PORT" 1 65535; then
        METRICS_PORT=$((PORT + 1))
    fi
}

# check_address NAME
check_address() {
    case $(try_port "${!1}" 0) in
    'no address')
        fail "$1=${!1} is no address: use one of this machine, for example" \
            "127.0.0.1, ::1 or 0.0.0.0."
        ;;
    'not here')
        fail "$1=${!1} is not an address of this machine: use 127.0.0.1," \
            "0.0.0.0 for all of them, or one that hostname -I prints."
        ;;
    esac
}

check_settings() {
    local most word

    is_number "$PORT" 1 65535 ||
        fail "PORT=$PORT is no port: use a number from 1024 to 65534."
    is_number "$METRICS_PORT" 1 65535 ||
        fail "METRICS_PORT=$METRICS_PORT is no port: use a number from 1024" \
            "to 65535."
    if [ "$METRICS_PORT" = "$PORT" ] && has_metrics; then
        fail "PORT and METRICS_PORT are both $PORT: choose two."
    fi
    check_address ADDRESS
    check_address METRICS_ADDRESS

    most=$(((connections_of_role - 1) / connections_per_worker))
    if [ "$WORKERS" = auto ]; then
        [ "$(nproc)" -le "$most" ] || WORKERS=$most
    else
        is_number "$WORKERS" 1 "$most" ||
            fail "WORKERS=$WORKERS does not go: use auto or a number from 1" \
                "to $most, for whose connections PostgreSQL has room."
    fi
    [[ $CACHE =~ ^(on|off|l1|l2)$ ]] ||
        fail "CACHE=$CACHE does not go: use on, off, l1 or l2."
    is_number "$START_TIMEOUT" 1 86400 ||
        fail "START_TIMEOUT=$START_TIMEOUT is no number of seconds."
    set -f
    for word in $NAMES; do
        [[ $word =~ ^[A-Za-z0-9_.*:-]+$|^\[[0-9a-fA-F:.]+\]$ ]] ||
            fail "NAMES has \"$word\", which is no host name."
    done
    for word in $PROXIES; do
        [[ $word =~ ^[0-9a-fA-F:.]+(/[0-9]+)?$ ]] ||
            fail "PROXIES has \"$word\", which is no address or network."
    done
    set +f
}

# check_port NAME ADDRESS PORT
check_port() {
    case $(try_port "$2" "$3") in
    '') ;;
    busy)
        [ "$1" != PORT ] ||
            fail "port $3 is in use: choose another one, for example:" \
                "make run PORT=$(($3 + 2))"
        fail "port $3 ($1) is in use: choose another $1."
        ;;
    'no right')
        fail "only root may listen on port $3: choose a $1 from 1024 on, for" \
            "example: make run $1=8080"
        ;;
    *) fail "nothing can listen on $2, port $3 ($1): $(try_port "$2" "$3")." ;;
    esac
}

check_ports() {
    check_port PORT "$ADDRESS" "$PORT"
    ! has_metrics || check_port METRICS_PORT "$METRICS_ADDRESS" "$METRICS_PORT"
}

user_of() {
    stat -L -c %U "$1" 2>/dev/null || true
}

# The directory is new, or empty of what an instance has, or an instance.  The
# names of the entries are usual ones (/var has log and tmp), and remove deletes
# them.
check_run_dir() {
    local entry owner parent

    if [ -e "$RUN_DIR" ] && [ ! -d "$RUN_DIR" ]; then
        fail "$RUN_DIR is not a directory: choose another RUN_DIR."
    fi
    parent=$(existing_parent "$RUN_DIR")
    if [ ! -d "$parent" ]; then
        fail "$parent is not a directory: choose another RUN_DIR."
    fi
    if [ ! -w "$parent" ] || [ ! -x "$parent" ]; then
        owner=$(user_of "$parent")
        fail "$parent belongs to $owner, and $(id -un) may not write there:" \
            "run this as $owner, or choose another RUN_DIR, for example:" \
            "make run RUN_DIR=~/magasin-run"
    fi
    [ -d "$RUN_DIR" ] && [ ! -e "$RUN_DIR/.lock" ] || return 0
    for entry in data sockets log pid tmp nginx.conf; do
        if [ -e "$RUN_DIR/$entry" ]; then
            fail "$RUN_DIR has \"$entry\" and is no instance of Magasin:" \
                "choose another RUN_DIR, a new directory."
        fi
    done
}

# root would give a user's files to other users, and nginx of root would read
# what the user writes.
check_owner() {
    local owner file

    for file in "$RUN_DIR/.lock" "$data"; do
        [ -e "$file" ] || continue
        owner=$(user_of "$file")
        if [ "$(id -u)" -eq 0 ]; then
            [ "$owner" = root ] || [ "$owner" = "$server_user" ] ||
                fail "the instance in $RUN_DIR is that of the user $owner:" \
                    "start it as $owner, or choose another RUN_DIR."
        elif [ "$owner" != "$(id -un)" ]; then
            fail "the instance in $RUN_DIR is that of the user $owner: start" \
                "it as $owner, or choose another RUN_DIR, for example:" \
                "make run RUN_DIR=~/magasin-run"
        fi
    done
}

# A new cluster takes 70 MB, and each segment of its log another 16.
check_space() {
    local need=300 free

    [ ! -e "${data:-$1/data}/PG_VERSION" ] || need=48
    free=$(df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -n "$free" ] && [ "$free" -lt "$need" ] || return 0
    fail "the disk of $1 has $free MB left, and this needs $need: make room" \
        "there, or choose a RUN_DIR on another disk."
}

# existing_parent PATH: print the path, or the first directory above it that
# exists.
existing_parent() {
    local path=$1

    while [ ! -e "$path" ]; do
        path=$(dirname "$path")
    done
    echo "$path"
}

# check_start DIRECTORY: what nginx needs; the data are, or will be, there.
check_start() {
    [[ $command =~ ^(up|start|start-nginx)$ ]] || return 0
    check_ports
    [ -r "$MODULE" ] || fail "$MODULE does not exist (make build)."
    check_space "$1"
}
