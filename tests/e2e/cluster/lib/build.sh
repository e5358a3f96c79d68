# shellcheck shell=bash
# One binary for all of Kubernetes, called by seven names.

# As in kubeall/go.mod. Not newer: 1.35 wants cgroup v2 unless told otherwise, and 1.36 a containerd that Debian 12 lacks.
kubernetes=1.34.4

build() {
    local source=$here/kubeall version=k8s.io/component-base/version minor=${kubernetes#*.} name
    mkdir -p "$bin"
    if [ -n "$(find "$source" -newer "$bin/kubeall" 2>/dev/null || echo none)" ]; then
        say "building Kubernetes $kubernetes: some six minutes if Go has built none of it before"
        (cd "$source" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$bin/kubeall" -ldflags "-s -w \
            -X $version.gitVersion=v$kubernetes -X $version.gitMajor=${kubernetes%%.*} \
            -X $version.gitMinor=${minor%.*} -X $version.gitTreeState=clean" .)
        touch "$bin/kubeall"
    fi
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl; do
        ln -sf kubeall "$bin/$name"
    done
}
