# shellcheck shell=bash
# The images, as OCI archives in build/cluster/images.

archives=$kept/images
pause() {
    local made=$archives/pause.tar folder
    [ "$made" -nt "$here/pause/pause.c" ] && return
    folder=$(mktemp -d)
    cp "$here/pause/Dockerfile" "$folder"
    gcc -O2 -static -s -o "$folder/pause" "$here/pause/pause.c"
    build_image localhost/pause:1 "$made" "$folder"
    rm -r "$folder"
}

# Buildah's storage is of this checkout. Its mounts are in a namespace that ends with the command.
in_storage() {
    unshare --mount --propagation private buildah --root "$kept/storage" --runroot "$kept/storage/run" \
        --storage-driver overlay "$@"
}

# build_image NAME ARCHIVE FOLDER [OPTION…]
build_image() {
    local name=$1 archive=$2 folder=$3
    shift 3
    mkdir -p "$archives"
    in_storage bud --runtime runc --isolation chroot --network host --format oci --layers -t "$name" "$@" "$folder"
    rm -f "$archive"
    in_storage push -q "$name" "oci-archive:$archive:$name"
}

images() { pause; }

import() {
    local n file
    for file; do
        for n in $nodes; do on_node "$n" ctr -n k8s.io images import "$(readlink -f "$file")" >/dev/null; done
    done
}

import_all() {
    images
    import "$archives"/*.tar
}
