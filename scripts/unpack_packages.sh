#!/usr/bin/env bash
# unpack_packages.sh DIR PACKAGE...: what `install-deps.sh --into` does.  Each PACKAGE is Debian's, or wheel:NAME.
#
# Debian's are taken with all that they depend on, except what a compiler brings along.
set -euo pipefail

stop() { echo "install-deps.sh: $*" >&2; exit 1; }

mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
debian=() wheels=()
for package in "$@"; do
    case $package in
        wheel:*) wheels+=("${package#wheel:}") ;;
        *) debian+=("$package") ;;
    esac
done
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# ---- Debian's packages --------------------------------------------------------------------------------

# A compiler must be there anyway, and its headers and libraries should be of one system.  These are among
# what it brings on Debian; elsewhere they may be absent or of another version.
compiler=(g++)
also=(libjansson4 libquadmath0 libssl3 zlib1g)

# The database of installed packages is taken as empty, so that what is found does not depend on this machine.
apt_options=(-o "Dir::State::status=$temporary/status" -o APT::Sandbox::User=root -o APT::Install-Recommends=false)
: >"$temporary/status"

# closure PACKAGE...: their names and those of all that they need.
closure() { apt-get "${apt_options[@]}" --simulate install "$@" 2>"$temporary/log" | awk '$1 == "Inst" { print $2 }' | sort; }

# The lists of packages of this machine, or, where there are none, lists of our own.
find_lists() {
    closure "${debian[@]}" >/dev/null && return
    echo "install-deps.sh: fetching the lists of packages"
    mkdir -p "$temporary/lists/partial" "$temporary/cache/archives/partial"
    apt_options+=(-o "Dir::State::lists=$temporary/lists" -o "Dir::Cache=$temporary/cache")
    apt-get "${apt_options[@]}" -q update >/dev/null || stop "the lists of packages cannot be fetched"
    closure "${debian[@]}" >/dev/null || stop "$(cat "$temporary/log")"
}

unpack_debian() {
    local names package
    for package in apt-get dpkg-deb; do
        command -v $package >/dev/null || stop "$package is missing: --into works on Debian and Ubuntu"
    done
    find_lists
    closure "${compiler[@]}" >"$temporary/compiler"
    closure "${compiler[@]}" "${debian[@]}" >"$temporary/all"
    mapfile -t names < <(comm -13 "$temporary/compiler" "$temporary/all")
    for package in "${also[@]}"; do
        if grep -qx "$package" "$temporary/all"; then names+=("$package"); fi
    done
    mkdir "$temporary/packages"
    (cd "$temporary/packages" && apt-get "${apt_options[@]}" -q download "${names[@]}" >"$temporary/log" 2>&1) ||
        stop "the download failed: $(tail -n 3 "$temporary/log")"
    echo "install-deps.sh: ${#names[@]} packages, $(size_of "$temporary/packages") to download: ${names[*]}"
    for package in "$temporary"/packages/*.deb; do dpkg-deb --extract "$package" "$dir"; done
}

# What building and running does not read; the licences stay.
prune() {
    find "$dir" -name '*.a' -delete
    rm -rf "$dir"/usr/share/{man,info,lintian,locale,bug}
    find "$dir/usr/share/doc" -type f ! -name 'copyright*' -delete
    find "$dir/usr/share/doc" -xtype l -delete
}

# Links to the system's root would lead out of the folder.
keep_links_inside() {
    local link target
    find "$dir" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        if [ -e "$dir$target" ]; then ln -sfn "$(realpath --relative-to="$(dirname "$link")" "$dir$target")" "$link"; fi
    done
}

# BLAS and LAPACK lie in folders of their own, which update-alternatives links when they are installed.
link_alternatives() {
    local folder library
    for folder in "$dir"/usr/lib/*/{openblas-pthread,blas,lapack}; do
        for library in "$folder"/*.so*; do
            [ ! -e "$library" ] || [ -e "$folder/../${library##*/}" ] ||
                ln -s "${folder##*/}/${library##*/}" "$folder/../${library##*/}"
        done
    done
}

# ---- Python's wheels: archives with NVIDIA's libraries and tools ------------------------------------------

unpack_wheels() {
    local wheel library other python=${PYTHON:-python3}
    "$python" -m pip --version >/dev/null 2>&1 || stop "$python has no pip, which ${wheels[*]} takes"
    "$python" -m pip download --quiet --no-deps --dest "$temporary/wheels" "${wheels[@]}"
    echo "install-deps.sh: ${wheels[*]}, $(size_of "$temporary/wheels") to download"
    for wheel in "$temporary"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$dir/wheels"; done
    # zipfile drops the modes.
    find "$dir"/wheels/nvidia/*/ \( -path '*/bin/*' -o -path '*/compute-sanitizer/*' \) -type f -exec chmod +x {} +
    # Some libraries are there twice.
    for library in "$dir"/wheels/nvidia/*/bin/*.so; do
        other=$(dirname "$library")/../lib/${library##*/}
        if cmp -s "$library" "$other"; then ln -sf "../lib/${library##*/}" "$library"; fi
    done
}

# ---- all ------------------------------------------------------------------------------------------------

size_of() { du -shD --apparent-size "$1" | cut -f 1; }

write_environment() {
    cat >"$dir/env.sh" <<'END'
# `. env.sh` in bash: the build and its programs use what lies in this file's folder.
_deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# _deps_first VARIABLE FOLDER...: puts those that exist before what the variable holds.
_deps_first() {
    local variable=$1 folder list=
    shift
    for folder in "$@"; do [ ! -d "$folder" ] || list=$list:$folder; done
    list=$list${!variable:+:${!variable}}
    [ -z "$list" ] || export "$variable=${list#:}"
}
_deps_first PATH "$_deps"/usr/bin "$_deps"/wheels/nvidia/*/bin "$_deps"/wheels/nvidia/*/compute-sanitizer
_deps_first CPATH "$_deps"/usr/include "$_deps"/usr/include/*-linux-gnu*
_deps_first LIBRARY_PATH "$_deps"/usr/lib/*-linux-gnu* "$_deps"/lib/*-linux-gnu*
_deps_first LD_LIBRARY_PATH "$_deps"/usr/lib/*-linux-gnu* "$_deps"/lib/*-linux-gnu*
_deps_first PKG_CONFIG_PATH "$_deps"/usr/lib/*-linux-gnu*/pkgconfig "$_deps"/usr/share/pkgconfig
[ ! -d "$_deps/wheels/nvidia/cudnn" ] || export CUDNN=$_deps/wheels/nvidia/cudnn
unset -f _deps_first
unset _deps
END
}

if [ ${#debian[@]} -gt 0 ]; then
    unpack_debian
    prune
    keep_links_inside
    link_alternatives
fi
if [ ${#wheels[@]} -gt 0 ]; then unpack_wheels; fi
write_environment
echo "install-deps.sh: $dir, $(size_of "$dir").  In bash: . $dir/env.sh"
