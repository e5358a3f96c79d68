# shellcheck shell=bash
# The images that the tests need, as archives in build/cluster/images. Steps that are done already are not done again.

archives=$kept/images
authorities=/etc/ssl/certs/ca-certificates.crt

# Buildah's storage is of this checkout. Its mounts are in a namespace that ends with the command.
in_storage() {
    unshare --mount --propagation private buildah --root "$kept/storage" --runroot "$kept/storage/run" \
        --storage-driver overlay "$@"
}

# build_image NAME ARCHIVE FOLDER [OPTION…]: chroot and the machine's own network, for there is no other here.
build_image() {
    local name=$1 archive=$archives/$2.tar folder=$3
    shift 3
    mkdir -p "$archives" "$log"
    say "$name"
    in_storage bud --runtime runc --isolation chroot --network host --format oci --layers --iidfile "$archives/new" \
        -t "$name" "$@" "$folder" >"$log/image-${archive##*/}.log" 2>&1 || {
        tail -n 30 "$log/image-${archive##*/}.log" >&2
        fail "no $name: see $log/image-${archive##*/}.log"
    }
    if ! cmp -s "$archives/new" "$archive.id"; then
        rm -f "$archive" "$archive.id"
        # Docker's format, for OCI's is compressed: that takes longer than to write and read three times as much.
        in_storage push -q "$name" "docker-archive:$archive:$name"
        mv "$archives/new" "$archive.id"
    fi
}

images() {
    base
    image_of_pause
    images_of_targets
    image_of_sampler
}

image_of_pause() {
    local folder
    folder=$(mktemp -d)
    cp "$here/pause/Dockerfile" "$folder"
    gcc -O2 -static -s -o "$folder/pause" "$here/pause/pause.c"
    build_image localhost/pause:1 pause "$folder" --timestamp 0
    rm -r "$folder"
}

images_of_targets() {
    local folder
    folder=$(mktemp -d)
    cp -p "$here/targets/Dockerfile" "$root"/build/{tracee,c_ring} "$folder" || fail "make build/tracee build/c_ring"
    build_image localhost/targets:dev targets "$folder"
    build_image localhost/targets:bare targets-bare "$folder" --target bare
    rm -r "$folder"
}

# A machine may trust authorities of its own, for the way out. Debian adds what lies in that folder to those that it trusts;
# a folder, for nothing but its name stays in the image.
image_of_sampler() {
    local version trusted=$kept/authorities
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$root/sampler/__init__.py")
    mkdir -p "$trusted"
    if [ -e $authorities ]; then cp $authorities "$trusted/of-this-machine.crt"; fi
    build_image localhost/sampler:dev sampler "$root" --file "$root/deploy/Dockerfile" --build-arg "VERSION=$version" \
        --volume "$trusted:/usr/local/share/ca-certificates:ro"
}

# import FILE…: to both nodes at once
import() {
    local n file started=
    for n in $nodes; do
        for file; do
            on_node "$n" ctr -n k8s.io images import "$(readlink -f "$file")" >/dev/null || exit 1
        done &
        started="$started $!"
    done
    for n in $started; do wait "$n"; done
}

import_all() { import "$archives"/*.tar; }

# What was changed since the cluster came up.
refresh() {
    images
    import_all
}
