# shellcheck shell=bash
# A node: namespaces of its own (network, mounts, pids), a container runtime, a kubelet and a kube-proxy.

network=10.250.0     # node N has .N; its pods have 10.251.N.x. Nobody outside of the nodes sees either.
api=$network.1
services=10.252.0    # .1 is the API server's
api_service=$services.1
# The one way in, from the machine to node 1: a pair of addresses of the range that is for tests of networks (RFC 2544).
gate=$(cat "$run/gate" 2>/dev/null || true)
gate_network=198.18.$gate
api_outside=$gate_network.1

# on_node N CMD…
on_node() {
    local pid
    pid=$(cat "$run/node$1.pid" 2>/dev/null) || fail "node $1 is not up"
    shift
    nsenter -t "$pid" -n -m -p -- "$@"
}

# in_network N CMD…: in its network alone
in_network() {
    local pid
    pid=$(cat "$run/node$1.pid")
    shift
    nsenter -t "$pid" -n -- "$@"
}

# start N NAME CMD…: in the background, until the node is ended
start() {
    local n=$1 name=$2
    shift 2
    setsid nsenter -t "$(cat "$run/node$n.pid")" -n -m -p -- "$@" >"$log/$name.log" 2>&1 </dev/null &
    disown  # its end is nobody's news
}

new_node() {
    local n=$1 outer
    mkdir -p "$run/node$n"
    rm -f "$run/node$n/ready"
    setsid unshare --net --mount --propagation private --pid --fork --mount-proc "$here/lib/first-process" \
        "$run" "$n" >"$log/node$n.log" 2>&1 </dev/null &
    outer=$!
    disown
    wait_for 60 test -e "$run/node$n/ready" || { cat "$log/node$n.log" >&2; return 1; }
    tr -d ' ' <"/proc/$outer/task/$outer/children" >"$run/node$n.pid"
    connect "$n"
}

# The nodes' network is a bridge in node 1.
connect() {
    local n=$1 pid
    pid=$(cat "$run/node$n.pid")
    in_network "$n" ip link set lo up
    if [ "$n" = 1 ]; then
        in_network 1 ip link add node0 type bridge
        open_gate "$pid"
    else
        in_network 1 ip link add "to-node$n" type veth peer name node0 netns "$pid"
        in_network 1 ip link set "to-node$n" master node0 up
        in_network 1 ip route replace "10.251.$n.0/24" via "$network.$n"
    fi
    in_network "$n" ip address add "$network.$n/24" dev node0
    in_network "$n" ip link set node0 up
    # Kubelet wants a default route. Nothing is there: node 1 passes on, and has no way out.
    in_network "$n" ip route add default via "$network.$([ "$n" = 1 ] && echo 254 || echo 1)"
    in_network "$n" sysctl -qw net.ipv4.ip_forward=1
}

# open_gate PID: the first name of an interface that is free is that of this cluster; the kernel gives it once.
open_gate() {
    for ((gate = 0; gate < 256; gate++)); do
        if ip link add "e2e$gate" type veth peer name gate netns "$1" 2>/dev/null; then break; fi
    done
    echo "$gate" >"$run/gate"
    gate_network=198.18.$gate api_outside=198.18.$gate.1
    ip link set "e2e$gate" alias "$id"  # so that down takes away no other's
    ip address add "$gate_network.0/31" dev "e2e$gate"
    ip link set "e2e$gate" up
    in_network 1 ip address add "$api_outside/31" dev gate
    in_network 1 ip link set gate up
}

# Kubelet's pods are below a cgroup of their node, or two kubelets would each end the other's.
cgroups() {
    local folder file
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then set -- /sys/fs/cgroup/; else set -- /sys/fs/cgroup/*/; fi
    for folder; do printf '%s\n' "$folder$id-node"*; done
}

new_cgroups() {
    local n=$1 folder file
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then set -- /sys/fs/cgroup/; else set -- /sys/fs/cgroup/*/; fi
    for folder; do
        mkdir -p "$folder$id-node$n"
        for file in cpuset.cpus cpuset.mems; do  # v1 does not hand these down
            if [ -f "$folder$file" ]; then cat "$folder$file" >"$folder$id-node$n/$file"; fi
        done
    done
}

runtime() {
    local n=$1 at=$run/node$1
    mkdir -p "$at/cni"
    cat >"$at/cni/10-pods.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.251.$n.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
    cat >"$at/containerd.toml" <<TOML
version = 2
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # A machine may lack CAP_SYS_RESOURCE: then the pause container's -998 would be refused, and no pod would start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$at/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
TOML
    start "$n" "containerd$n" containerd --config "$at/containerd.toml"
}

join() {
    local n=$1 at=$run/node$1
    new_cgroups "$n"
    cat >"$at/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {x509: {clientCAFile: $pki/ca.crt}, webhook: {enabled: true}, anonymous: {enabled: false}}
authorization: {mode: Webhook}
tlsCertFile: $pki/node$n.crt
tlsPrivateKeyFile: $pki/node$n.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$id-node$n
failCgroupV1: false
failSwapOn: false
resolvConf: ""
# A disk that is nearly full is no concern of the tests.
evictionHard: {memory.available: "100Mi", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
YAML
    # It ends where the runtime does not answer yet; elsewhere, systemd starts it again.
    start "$n" "kubelet$n" bash -c 'until "$@"; do sleep 1; done' kubelet "$bin/kubelet" --config="$at/kubelet.yaml" \
        --kubeconfig="$pki/node$n.kubeconfig" --hostname-override="node$n" --node-ip="$network.$n"
    # What is 0 here cannot be set in a network namespace, and it would end for that.
    start "$n" "proxy$n" "$bin/kube-proxy" --kubeconfig="$pki/proxy.kubeconfig" --proxy-mode=iptables \
        --hostname-override="node$n" --cluster-cidr=10.251.0.0/16 --conntrack-max-per-core=0 --conntrack-min=0 \
        --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}
