# shellcheck shell=bash
# The end of a cluster. A node's pid namespace takes all of its processes with it, and those their mounts and interfaces.

down() {
    local n folder
    [ -n "$run" ] || return 0
    for n in $nodes; do end_node "$n"; done
    for folder in $(cgroups); do
        if [ -d "$folder" ]; then wait_for 20 remove_cgroup "$folder"; fi
    done
    close_gate
    nothing_left
    rm -rf --one-file-system "$run"
    rm -f "$link" "$kept"/{admin,jane,bob}.kubeconfig
    run='' id='' pki=''
}

# What a cluster has of its own has its name.
nothing_left() {
    local found
    found=$(
        pgrep -af "$run" || true
        grep -F "$run" /proc/self/mounts || true
        cgroups | xargs ls -d 2>/dev/null || true
        ip -oneline -details link show | grep -F "alias $id" || true
    )
    [ -z "$found" ] || fail "it left: $found"
}

lose() {
    [ -n "$run" ] || fail "no cluster is up"
    end_node "$1"
}

# The pid may be another's by now: of a cluster that a reboot ended.
end_node() {
    local pid
    pid=$(cat "$run/node$1.pid" 2>/dev/null) || pid=$(pgrep -f "first-process $run $1\$" | tail -1) || return 0
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "first-process $run $1 "; then
        kill -9 "$pid"
        wait_for 30 test ! -e "/proc/$pid"
    fi
    rm -f "$run/node$1.pid"
}

remove_cgroup() {
    find "$1" -depth -type d -exec rmdir {} +
    [ ! -e "$1" ]
}

# It goes with node 1; by and by.
close_gate() {
    if [ -n "$gate" ] && ip -details link show "e2e$gate" 2>/dev/null | grep -qF "alias $id"; then
        ip link delete "e2e$gate" 2>/dev/null || true
    fi
}
