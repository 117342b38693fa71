# shellcheck shell=bash
# For the scripts that start servers: does a process belong to us, and does it
# end?  Where are data that RUN_DIR does not suit for?  The including script
# defines fail().

# A pid file may outlive its process, and another process may get the same
# number.  So a process belongs to us only if its command line shows it.

# ours PID WORDS: WORDS is a part of the command line of the process.
ours() {
    local line

    [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] || return 1
    line=$(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null) || return 1
    [[ $line == *"$2"* ]]
}

first_line() {
    local line=

    [ ! -r "$1" ] || read -r line <"$1" || true
    echo "$line"
}

# A process that has ended, but was not waited for, is a zombie and keeps its
# number.  A process during exec has no command line for a moment, but is alive.
alive() {
    local stat

    read -r stat <"/proc/$1/stat" && [[ ${stat##*) } != [ZX]* ]]
} 2>/dev/null

# redis_program server|cli: print the name of Redis's program, or of Valkey's,
# which is the same but for its name.
redis_program() {
    local name

    for name in "redis-$1" "valkey-$1"; do
        if command -v "$name" >/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "neither Redis nor Valkey is installed (scripts/packages.sh run)."
}

# gone PID SECONDS: wait for the end of a process.
gone() {
    local twentieths=$(($2 * 20))

    while alive "$1"; do
        [ "$twentieths" -gt 0 ] || return 1
        twentieths=$((twentieths - 1))
        sleep 0.05
    done
}

# ask_to_end PID NAME SIGNAL...: send one signal after the other until the
# process ends.
ask_to_end() {
    local pid=$1 name=$2 signal

    shift 2
    for signal in "$@"; do
        kill -s "$signal" "$pid" 2>/dev/null || true
        ! gone "$pid" 5 || return 0
    done
    fail "$name (pid $pid) does not end."
}

# Where systemd-tmpfiles deletes old files, or the next boot all of them.
swept() {
    [[ $1/ == /tmp/* || $1/ == /var/tmp/* || $1/ == /run/* ||
        $1/ == /dev/shm/* ]]
}

# The directory of private directories, which no system sweeps.
private_parent() {
    if [ "$(id -u)" -eq 0 ]; then
        echo /var/lib/magasin
    else
        echo "${XDG_STATE_HOME:-$HOME/.local/state}/magasin"
    fi
}

# new_private NAME: make a directory of mode 0700 there, and print it.
new_private() {
    local parent

    parent=$(private_parent)
    { mkdir -p "$parent" && chmod 0755 "$parent" &&
        mktemp -d "$parent/$1.XXXXXXXX"; } 2>/dev/null
}
