#!/usr/bin/env bash
# Run the suites against a private PostgreSQL and Redis.  The cluster with the
# schema stays in RUN_DIR/test for the next run; the servers are stopped.
#
# Where there is room, the suites use a copy of the cluster in memory, which is
# removed at the end, and have their own files there, too.  With MEMORY=0 they
# use RUN_DIR/test itself.
#
# usage: test.sh [--asan | --coverage]
#
# --asan uses the sanitized module, and a report of AddressSanitizer or UBSan
# fails the run even if the suites pass.  TESTS contains the suites (default
# t/*.t; with an option without those of SQL and of scripts).  PART=1/2 takes
# the first, third, fifth of them, PART=2/2 the others: two trees share the work.
# With SHORT=1 --asan takes those that send what is malformed or too much, that
# leave early, or where something outlives its request.
#
# --coverage uses the module with counters (scripts/coverage.sh).  TEST_EXEC is a
# program that runs a suite, in the place of perl.

set -euo pipefail

case $#${1:-} in
0 | 1--asan | 1--coverage) ;;
*)
    echo "usage: test.sh [--asan | --coverage]" >&2
    exit 2
    ;;
esac

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Never use the instance that a person works with: the suites empty tables.
RUN_DIR=${RUN_DIR:-run}/test
export RUN_DIR

nginx=$(command -v "${NGINX_BINARY:-nginx}") || {
    echo "test: ${NGINX_BINARY:-nginx} is not installed." >&2
    exit 1
}

# Where the cluster stays, and the link that says where its copy is.
disk=$RUN_DIR
link=$disk/memory

# Each block of a suite empties fifty tables: PostgreSQL makes 250 files anew,
# and waits until each index among them is on the disk.

# room_in_memory: is there room for a copy and for what the suites write, and
# may programs be run there?
room_in_memory() {
    local probe result=0

    [ "${MEMORY:-1}" != 0 ] && [ "$(stat -f -c %T /dev/shm)" = tmpfs ] &&
        [ "$(df -Pm /dev/shm | awk 'NR == 2 { print $4 }')" -ge 4000 ] &&
        awk '/^MemAvailable:/ { exit $2 < 4000000 }' /proc/meminfo &&
        probe=$(mktemp /dev/shm/magasin-probe.XXXXXX) || return
    printf '#!/bin/sh\n' >"$probe"
    chmod 755 "$probe"
    "$probe" || result=1
    rm -f "$probe"
    return "$result"
} 2>/dev/null

# leave DIRECTORY: stop the servers; of a copy keep their logs alone.
leave() {
    RUN_DIR=$1 scripts/instance.sh stop
    [ "$1" != "$disk" ] || return 0
    cp "$1"/log/*.log "$disk/log/" 2>/dev/null || true
    rm -rf "$1" "$link"
}

trap 'leave "$RUN_DIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A run that was killed has left its copy.
if left=$(readlink "$link"); then
    leave "$left"
fi

scripts/instance.sh start-db
home=$(scripts/instance.sh home)

# Debian's psql is a program in Perl that looks for the real one, for ten times
# as long as that takes to start.
programs=/usr/lib/postgresql/$(<"$home/data/PG_VERSION")/bin
[ ! -x "$programs/psql" ] || PATH=$programs:$PATH

if room_in_memory; then
    scripts/instance.sh stop
    RUN_DIR=$(mktemp -d /dev/shm/magasin-test.XXXXXX)
    ln -s "$RUN_DIR" "$link"
    # The servers enter it as a user of their own.
    chmod 755 "$RUN_DIR"
    cp -a "$home/data" "$disk/.lock" "$RUN_DIR/"
    mkdir -m 1777 "$RUN_DIR/files"
    export TMPDIR=$RUN_DIR/files
    scripts/instance.sh start-db
fi

socket=$(scripts/instance.sh redis-socket)
database=$(scripts/instance.sh web-conninfo)
admin_database=$(scripts/instance.sh admin-conninfo)
tokens=$(scripts/instance.sh home)/tokens

# Suites with clusters of their own copy it, too, unless somebody used it.
if [ "$RUN_DIR" != "$disk" ] && [ "$(psql -X -A -t -d "$admin_database" \
    -c 'SELECT EXISTS (SELECT FROM magasin)')" = f ]
then
    export TEST_NGINX_CLUSTER=$home/data
fi

# The suites need this version of the file.  An earlier run may have changed it.
cat conf/tokens.demo >"$tokens"

module=$top/build/ngx_http_magasin_module.so
reports=
if [ "${1:-}" = --coverage ]; then
    module=$top/build/coverage/objs/ngx_http_magasin_module.so
fi
if [ "${1:-}" = --asan ]; then
    module=$top/build/asan/objs/ngx_http_magasin_module.so
    reports=$home/asan
    rm -rf "$reports"
    mkdir -p "$reports"
    # The workers of nginx write here too, under any user that a suite selects.
    chmod 1777 "$reports"

    # The sanitizer must be loaded before nginx.  detect_leaks=0: nginx does not
    # free its pools before the process exits.
    cat >"$reports/nginx" <<WRAPPER
#!/bin/sh
ASAN_OPTIONS="detect_leaks=0:handle_sigill=1:log_path='$reports/report'"
LD_PRELOAD=$(gcc -print-file-name=libasan.so)
export ASAN_OPTIONS LD_PRELOAD
exec $nginx "\$@"
WRAPPER
    chmod 755 "$reports/nginx"
    nginx=$reports/nginx
    export TEST_NGINX_ASAN=1
fi

export TEST_NGINX_BINARY=$nginx
export TEST_NGINX_LOAD_MODULES=$module
export TEST_NGINX_DATABASE=$database
export TEST_NGINX_ADMIN_DATABASE=$admin_database
export TEST_NGINX_REDIS=$socket
export TEST_NGINX_TOKENS=$tokens
TEST_NGINX_RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
export TEST_NGINX_RUN_DIR

suites=(t/*.t)
options=()
if [ -n "${TEST_NGINX_LIB:-}" ]; then
    options+=(-I"$TEST_NGINX_LIB")
elif ! perl -MTest::Nginx::Socket -e1 2>/dev/null; then
    options+=(-It/lib)

    # The tests of the test harness itself.
    [ -n "${1:-}" ] || suites+=(t/selftest/*.t)
fi

# Suites of SQL and of scripts have nothing for the sanitizers and counters.
if [ -n "${1:-}" ]; then
    rest=()
    for suite in "${suites[@]}"; do
        case ${suite#t/} in
        archive.t | batch_sql.t | batch_ways.t | counters.t | demo_scale.t) ;;
        doctor.t | import_django.t | journal_lives.t | journal_marks.t) ;;
        ledger.t | maintenance.t | migrations_busy.t | private.t) ;;
        restore.t | role.t | rollups.t) ;;
        rooms.t | users.t) ;;
        *) rest+=("$suite") ;;
        esac
    done
    suites=("${rest[@]}")
fi

if [ "${1:-}" = --asan ] && [ -n "${SHORT:-}" ]; then
    suites=()
    for suite in batch bodies cache_flight cache_leave cache_redis clients \
        connections corners csv dashboard errors gzip holds \
        hostile_postgresql idempotency limit_rate locks lots metrics pieces \
        protocol redis_hostile reports_rows returns stream tokens_reload \
        transfers; do
        suites+=("t/$suite.t")
    done
fi

[ -z "${TEST_EXEC:-}" ] || options+=(--exec "$TEST_EXEC")

if [ -n "${TESTS:-}" ]; then
    read -ra suites <<<"$TESTS"
fi

if [ -n "${PART:-}" ]; then
    [[ $PART =~ ^([1-9])/([1-9])$ ]] || {
        echo "test: PART=$PART is not like 1/2." >&2
        exit 1
    }
    part=()
    for ((n = BASH_REMATCH[1] - 1; n < ${#suites[@]}; n += BASH_REMATCH[2])); do
        part+=("${suites[n]}")
    done
    suites=("${part[@]}")
fi

result=0
prove --timer "${options[@]}" "${suites[@]}" || result=$?

if [ -n "$reports" ]; then
    found=("$reports"/report.*)
    if [ -e "${found[0]}" ]; then
        echo "The sanitizers wrote ${#found[@]} reports (ILL: undefined" \
            "behaviour).  The first:" >&2
        head -n 40 "${found[0]}" >&2
        result=1
    fi
fi

exit "$result"
