# shellcheck shell=bash
# The control plane, on node 1, and how all of it comes up.

# Seconds, each: a few are enough, but not on a machine that is busy.
patience=240

control_plane() {
    local etcd=http://127.0.0.1:2379
    start 1 etcd "$bin/etcd" --data-dir "$run/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls $etcd --advertise-client-urls $etcd --listen-peer-urls http://127.0.0.1:2380
    start 1 apiserver "$bin/kube-apiserver" --etcd-servers=$etcd --advertise-address="$api" --secure-port=6443 \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --kubelet-client-certificate="$pki/apiserver-kubelet.crt" --kubelet-client-key="$pki/apiserver-kubelet.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub" \
        --service-account-signing-key-file="$pki/sa.key" --service-cluster-ip-range="$services.0/24" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true
    wait_for $patience admin get --raw /readyz
    start 1 kcm "$bin/kube-controller-manager" --kubeconfig="$pki/kcm.kubeconfig" --leader-elect=false \
        --use-service-account-credentials=true --service-account-private-key-file="$pki/sa.key" \
        --root-ca-file="$pki/ca.crt"
    start 1 scheduler "$bin/kube-scheduler" --kubeconfig="$pki/scheduler.kubeconfig" --leader-elect=false
}

is_up() { [ -n "$run" ] && [ -e "$run/up" ] && admin get --raw /readyz >/dev/null 2>&1; }

up() {
    local n
    if is_up; then
        say "the cluster is up"
        return
    fi
    down
    new_run
    trap 'say "it did not come up: see $log" >&2; down' EXIT
    for n in $nodes; do new_node "$n"; done
    make_pki
    for n in $nodes; do runtime "$n"; done
    control_plane
    for n in $nodes; do join "$n"; done
    for n in $nodes; do wait_for $patience admin get node "node$n"; done
    admin wait --for=condition=Ready node --all --timeout="${patience}s" >/dev/null
    import_all
    # What every pod needs, and comes by and by.
    wait_for $patience admin -n default get serviceaccount default
    touch "$run/up"
    trap - EXIT
    say "two nodes are Ready: eval \"\$($0 env)\""
}

# restore N: what was lost comes back, as after a boot. Not node 1, which has the control plane.
restore() {
    [ "$1" != 1 ] || fail "node 1 has the control plane: down, and up"
    new_node "$1"
    runtime "$1"
    join "$1"
    # Until it was missed for most of a minute, a node is Ready for the control plane.
    wait_for $patience in_network "$1" bash -c '</dev/tcp/127.0.0.1/10250'
    admin wait --for=condition=Ready "node/node$1" --timeout="${patience}s" >/dev/null
}

new_run() {
    rm -rf "$log"
    mkdir -p "$log"
    run=$(mktemp -d /var/tmp/sampler-e2e-XXXXXX)
    id=${run##*/} pki=$run/pki
    chmod 755 "$run"
    ln -sfn "$run" "$link"
}
