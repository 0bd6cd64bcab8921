# For scripts that build for aarch64 on x86-64, and run that under qemu; they set "work", a folder.
# Wanted: gcc-aarch64-linux-gnu, qemu-user and Python 3.11 with venv.

# Unpacks packages of a Debian release and architecture, and with "install" in front what these need, without installing
# anything here. From the mirror that this machine uses.
debian() {
    local release=$1 architecture=$2 root=$3 how=$4
    shift 4
    mkdir -p "$work/$release/lists/partial" "$work/$release/archives/partial" "$root"
    touch "$work/$release/status"
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Origin: Debian' | head -1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" > "$work/$release/sources"
    local apt=(apt-get -qq -o Dir::Etc::SourceList="$work/$release/sources" -o Dir::Etc::SourceParts=- -o Debug::NoLocking=1
        -o Dir::State::Lists="$work/$release/lists" -o Dir::State::Status="$work/$release/status"
        -o Dir::Cache="$work/$release" -o APT::Architecture="$architecture" -o APT::Architectures="$architecture"
        -o APT::Sandbox::User= -o APT::Install-Recommends=0)
    "${apt[@]}" update
    if [ "$how" = install ]; then
        "${apt[@]}" --yes --download-only install "$@"
    else
        (cd "$work/$release/archives" && "${apt[@]}" download "$@")
    fi
    for package in "$work/$release"/archives/*.deb; do dpkg-deb --extract "$package" "$root"; done
    rm -r "${work:?}/$release"
}

root=$work/aarch64

# Debian's Python for aarch64, and an environment that builds here, with what sysconfig knows of the other platform.
prepare_aarch64() {
    debian bookworm arm64 "$root" install python3.11 libpython3.11-dev libgomp1 libstdc++6
    python3.11 -m venv "$work/build"
    python3.11 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
        "$work/build/bin/pip" install --quiet --requirement /dev/stdin
    mkdir "$work/sysconfig"
    cp "$root"/usr/lib/python3.11/_sysconfigdata__linux_aarch64-linux-gnu.py "$work/sysconfig"
}

# A wheel of a copy of the source, by a compiler.
cross_wheel() {
    local compiler=$1 to=$2 copy=$3
    CC="$compiler -I$root/usr/include/python3.11 -I$root/usr/include" LDSHARED="$compiler -shared" \
        _PYTHON_HOST_PLATFORM=linux-aarch64 _PYTHON_SYSCONFIGDATA_NAME=_sysconfigdata__linux_aarch64-linux-gnu \
        PYTHONPATH=$work/sysconfig \
        "$work/build/bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$to" "$copy"
}

# Makes $work/python, an interpreter that other programs, its own children among them, can run; with packages in $work/site.
run_under_qemu() {
    cat > "$work/python" <<-END
		#!/bin/sh
		export PYTHONHOME=$root/usr PYTHONPATH=$work/site
		exec qemu-aarch64 -L $root -0 "\$0" $root/usr/bin/python3.11 "\$@"
	END
    chmod +x "$work/python"
    "$work/build/bin/pip" install --quiet --target "$work/site" --only-binary=:all: --python-version 3.11 \
        --platform manylinux_2_34_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux2014_aarch64 "$@"
}
