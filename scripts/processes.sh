# shellcheck shell=bash
# For the scripts that start servers: is one ours, and does it end?  They say
# what fail() does.

# A pid file can outlive its process and the number can be given to
# another one, so a process counts as ours only if its command line says so.

# ours PID WORDS: WORDS is a part of the command line of that process
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

# A process that has ended and that nobody has waited for yet still has its
# number, and is a zombie.  One that is becoming another program has no command
# line for a moment, and lives.
alive() {
    local stat

    read -r stat <"/proc/$1/stat" && [[ ${stat##*) } != [ZX]* ]]
} 2>/dev/null

# gone PID SECONDS: wait for the end of a process
gone() {
    local twentieths=$(($2 * 20))

    while alive "$1"; do
        [ "$twentieths" -gt 0 ] || return 1
        twentieths=$((twentieths - 1))
        sleep 0.05
    done
}

# ask_to_end PID NAME SIGNAL...: signal by signal, until it is gone
ask_to_end() {
    local pid=$1 name=$2 signal

    shift 2
    for signal in "$@"; do
        kill -s "$signal" "$pid" 2>/dev/null || true
        ! gone "$pid" 5 || return 0
    done
    fail "$name (pid $pid) does not end."
}
