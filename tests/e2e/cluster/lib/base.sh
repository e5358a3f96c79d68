# shellcheck shell=bash
# The image that deploy/Dockerfile begins from, under its name, made of Debian's packages: so the tests need no registry
# of images, and test the file that is built from the published one elsewhere.

base_name=docker.io/library/debian:bookworm-slim

base() {
    local folder=$kept/base container
    in_storage inspect --type image "$base_name" >/dev/null 2>&1 && return
    say "making $base_name: some 40 s"
    rm -rf --one-file-system "$folder"
    mkdir -p "$folder"
    # What it mounts meanwhile ends with the namespace. Without a mirror it takes one of its own choice.
    # shellcheck disable=SC2046 # none, or one word
    unshare --mount --propagation private debootstrap --variant=minbase bookworm "$folder" \
        $(mirrors | awk '$2 == "bookworm" { print $1; exit }') \
        >"$kept/base.log" || fail "debootstrap failed: see $kept/base.log"
    slim "$folder"
    container=$(in_storage from scratch)
    in_storage add -q "$container" "$folder" / >/dev/null
    in_storage config --cmd bash "$container"
    in_storage commit -q --rm "$container" "$base_name" >/dev/null
    rm -rf --one-file-system "$folder"
}

# The machine's own mirrors of Debian's suites, a URI and a suite a line, as its apt knows them: apt-get(8), indextargets.
mirrors() {
    # shellcheck disable=SC2016 # apt-get's own
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u |
        grep -E '/debian(-security)?/? bookworm(-updates|-security)?$' || true
}

# As the published one is: all suites, no documents, no lists or packages kept.
slim() {
    local uri suite sources=$1/etc/apt/sources.list
    mirrors | while read -r uri suite; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    done >"$sources.mirrors"
    if [ -s "$sources.mirrors" ]; then mv "$sources.mirrors" "$sources"; else rm "$sources.mirrors"; fi
    cat >"$1/etc/dpkg/dpkg.cfg.d/docker" <<'EXCLUDED'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
EXCLUDED
    echo 'Acquire::Languages "none";' >"$1/etc/apt/apt.conf.d/docker-no-languages"
    find "$1/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$1"/usr/share/{info,locale,man}/* "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*
    rm -f "$1/etc/resolv.conf" "$1/etc/hostname"
}
