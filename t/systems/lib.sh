# shellcheck shell=bash
# For tests in other systems: minimal Debian roots, made by mmdebstrap, and
# commands in them.  Needs root.  The including script defines fail().
#
# A root is a directory.  What is made once for each suite of Debian stays in
# $systems for the next run: the minimal system as a tar file, and the packages
# that apt has fetched.

# shellcheck disable=SC2154  # the including script sets it
systems=$(mkdir -p "${RUN_DIR:-$top/run}/systems" &&
    cd "${RUN_DIR:-$top/run}/systems" && pwd -P)

# The mirror is the one that apt uses on this machine.
mirror_of_apt() {
    # shellcheck disable=SC2016  # the parentheses are apt's
    apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Component: main' |
        grep -v -- '-security' | head -n 1
}

# base_of SUITE: print the tar file of a minimal system with git and make.
base_of() {
    local suite=$1 tar=$systems/$1.tar mirror

    if [ ! -e "$tar" ]; then
        mirror=$(mirror_of_apt)
        [ -n "$mirror" ] || fail "apt has no mirror of Debian here."
        mmdebstrap --quiet --variant=minbase \
            --include=git,make,sudo,ca-certificates,iproute2 \
            "$suite" "$tar.new.tar" "$mirror" >&2 ||
            fail "mmdebstrap cannot make $suite."
        mv "$tar.new.tar" "$tar"
    fi
    echo "$tar"
}

# make_root SUITE DIRECTORY: a system in which a user "newcomer" may use sudo,
# with the tree at /home/newcomer/magasin, as git has it, and at /root/magasin.
make_root() {
    local suite=$1 root=$2 tree tar

    tar=$(base_of "$suite")
    remove_root "$root"
    mkdir -p "$root"
    tar -C "$root" --numeric-owner -xf "$tar"
    mkdir -p "$systems/apt-$suite/partial"
    printf '127.0.0.1 localhost magasin-test\n::1 localhost\n' \
        >"$root/etc/hosts"
    echo magasin-test >"$root/etc/hostname"
    in_root "$root" root '
        useradd --create-home --shell /bin/bash newcomer
        echo "newcomer ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/newcomer' ||
        fail "cannot make a user in $root."
    for tree in "$root/home/newcomer/magasin" "$root/root/magasin"; do
        mkdir -p "$tree"
        (cd "$top" && git ls-files -z -co --exclude-standard |
            while IFS= read -r -d '' file; do
                [ ! -e "$file" ] || printf '%s\0' "$file"
            done | tar -c --null -T -) | tar -C "$tree" -x --no-same-owner
    done
    in_root "$root" root 'chown -R newcomer: /home/newcomer/magasin'
}

remove_root() {
    [ ! -d "$1" ] || rm -rf --one-file-system "$1"
}

# The settings by which programs find the network, and whom they trust.
root_environment() {
    local name

    for name in SSL_CERT_FILE NODE_EXTRA_CA_CERTS PIP_CERT \
        {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY
    do
        [ -z "${!name:-}" ] || printf '%s\n' "$name=${!name}"
    done
}

# in_root [--alone] DIRECTORY USER COMMANDS: run commands of bash in a root, in
# namespaces of processes and mounts of their own: whatever it started ends
# with it.  --alone: with a network of its own, which has only a loopback.
in_root() {
    local namespaces=(--mount --uts --ipc --pid --fork --kill-child)
    local root variables=()

    if [ "$1" = --alone ]; then
        namespaces+=(--net)
        shift
    fi
    root=$1
    mapfile -t variables < <(root_environment)
    # shellcheck disable=SC2016  # the other bash expands them
    unshare "${namespaces[@]}" -- bash -euc '
        root=$1 apt=$2 golden=$3 user=$4 commands=$5
        shift 5
        mount --make-rprivate /
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=755 dev "$root/dev"
        for device in null zero full random urandom tty; do
            : >"$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        mkdir "$root/dev/shm" "$root/dev/pts"
        mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=666,mode=620 pts \
            "$root/dev/pts"
        ln -s pts/ptmx "$root/dev/ptmx"
        ln -s /proc/self/fd "$root/dev/fd"
        for device in stdin:0 stdout:1 stderr:2; do
            ln -s "/proc/self/fd/${device#*:}" "$root/dev/${device%:*}"
        done
        mount --bind "$apt" "$root/var/cache/apt/archives"
        cp /etc/resolv.conf "$root/etc/resolv.conf"
        certificates=/etc/ssl/certs/ca-certificates.crt
        [ ! -e "$certificates" ] || [ ! -e "$root$certificates" ] ||
            mount --bind "$certificates" "$root$certificates"
        if [ -n "$golden" ]; then
            mkdir -p "$root/golden"
            mount --bind -o ro "$golden" "$root/golden"
        fi
        hostname magasin-test
        ip link set lo up 2>/dev/null || true
        home=/root
        [ "$user" = root ] || home=/home/$user
        # Not by exec: the first process of a namespace has to wait for those
        # that lose their parents, and bash does.
        status=0
        chroot --userspec="$user" "$root" env -i HOME="$home" USER="$user" \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            LANG=C.UTF-8 "$@" bash -euc "cd; $commands" </dev/null || status=$?
        exit "$status"
    ' in_root "$root" "$(apt_cache_of "$root")" "${MAGASIN_GOLDEN:-}" \
        "$2" "$3" "${variables[@]}" \
        ${MAGASIN_GOLDEN:+MAGASIN_GOLDEN=/golden}
}

# The packages that apt has fetched for a suite serve all roots of it.
apt_cache_of() {
    local suite

    suite=$(sed -n 's/^VERSION_CODENAME=//p' "$1/etc/os-release")
    mkdir -p "$systems/apt-$suite/partial"
    echo "$systems/apt-$suite"
}
