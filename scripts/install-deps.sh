#!/usr/bin/env bash
# install-deps.sh [--into DIR] [cpu|cuda|check|sass|bench|plot|convert|data|gpu-check|cudnn|sanitizer ...]:
# installs what kairos needs, on Debian and Ubuntu.
#
#   cuda    what both targets need: a compiler, jansson, LAPACKE, libzip, libpng, stb
#   cpu     that, and what stands for CUDA's libraries on the CPU: oneDNN, OpenBLAS, FFTW
#           (the default)
#   check   what `make check`, `make fuzz` and `make format` need besides
#   sass    what `make sass-report` needs besides
#   bench   what `make bench` needs besides
#   plot    what scripts/plot*.py need
#   convert what scripts/convert_weights.py needs
#   data    what scripts/make_dataset.py needs
#   gpu-check  what scripts/gpu_check.sh needs: cuda, and cmocka
#
# With --into DIR nothing is installed, and root is not needed: the packages, and the libraries on which they
# depend, are downloaded and unpacked into DIR (gpu-check: 25 packages, a download of 14 MB, 25 MB unpacked).
# `. DIR/env.sh` in bash makes the build and its programs use them.  DIR may be moved or copied to a machine
# without network, if its C library is not older than this machine's.  A compiler is not among them.
# Only with --into, by Python's pip, for a CUDA toolkit that lacks them (CUDA_VERSION, by default 13.0, is its own):
#
#   cudnn      cuDNN 9 (a download of 520 MB, 900 MB unpacked)
#   sanitizer  compute-sanitizer (a download of 14 MB, 28 MB unpacked)
#
# Only what is missing is installed, and the lists of packages are fetched only if they are needed.
# On other systems it says what to install.  The CUDA toolkit is never installed.
set -euo pipefail

into=
if [ "${1:-}" = --into ]; then
    [ $# -gt 2 ] || { echo "install-deps.sh: --into wants a folder, then groups" >&2; exit 2; }
    into=$2
    shift 2
fi
cuda_version=${CUDA_VERSION:-13.0}
both=(g++ make libjansson-dev liblapacke-dev libstb-dev libzip-dev libpng-dev)

groups=("${@:-cpu}")
packages=()
for group in "${groups[@]}"; do
    case $group in
        cuda) packages+=("${both[@]}") ;;
        cpu) packages+=("${both[@]}" libdnnl-dev libopenblas-dev libfftw3-dev) ;;
        check) packages+=(libcmocka-dev libzstd-dev dataset-fashion-mnist python3-numpy python3-scipy
                          python3-torch clang libclang-rt-dev clang-format) ;;
        sass) packages+=(binutils python3-pip) ;;
        bench) packages+=(python3-numpy python3-torch) ;;
        plot) packages+=(python3-matplotlib python3-numpy) ;;
        convert) packages+=(python3-numpy) ;;
        data) packages+=(python3-numpy dataset-fashion-mnist) ;;
        gpu-check) packages+=("${both[@]}" libcmocka-dev) ;;
        cudnn) packages+=("wheel:nvidia-cudnn-cu${cuda_version%%.*}") ;;
        sanitizer) packages+=("wheel:nvidia-cuda-sanitizer-api==$cuda_version.*") ;;
        -h | --help) sed -n '2,/^set /s/^# \?//p' "$0"; exit 0 ;;
        *) echo "install-deps.sh: unknown group '$group'; see --help" >&2; exit 2 ;;
    esac
done
if [ -n "$into" ]; then exec "$(dirname "$0")/unpack_packages.sh" "$into" "${packages[@]}"; fi
case ${packages[*]} in
    *wheel:*) echo "install-deps.sh: cudnn and sanitizer are for --into only" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "install-deps.sh: not a Debian or Ubuntu system; please see that the counterparts of these" \
         "Debian packages are installed: ${packages[*]}" >&2
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' ||
        missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "install-deps.sh: everything is installed"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps.sh: as root, run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends)
echo "install-deps.sh: installing ${missing[*]}"
if ! apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    ! "${install[@]}" "${missing[@]}"; then
    "${as_root[@]}" apt-get update -q # the lists of packages are absent or out of date
    "${install[@]}" "${missing[@]}"
fi
