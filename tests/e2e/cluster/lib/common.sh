# shellcheck shell=bash
# Where things are, and words of every part.

root=$(readlink -f "$here/../../..")
kept=$root/build/cluster  # what stays between two clusters: the binary, the images, the last logs
bin=$kept/bin
log=$kept/log
nodes="1 2"

# The folder of the cluster that is up. A link, for it lies where paths are short (those of sockets have 107 bytes)
# and files are on a disk; and by its random name, which is the cluster's, two checkouts do not meet.
link=$kept/run
run=$(readlink "$link" || true)
id=${run##*/}
pki=$run/pki

say() { printf '[%s] %s\n' "$(date +%T)" "$*"; }

fail() {
    printf 'cluster: %s\n' "$*" >&2
    exit 1
}

# wait_for SECONDS CMD…: until it succeeds
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) || { printf 'cluster: gave up waiting for: %s\n' "$*" >&2; return 1; }
        sleep 0.1
    done
}

admin() { "$bin/kubectl" --kubeconfig "$kept/admin.kubeconfig" "$@"; }

environment() {
    printf 'export PATH=%q:$PATH KUBECONFIG=%q\n' "$bin" "$kept/admin.kubeconfig"
}
