#!/usr/bin/env bash
# install-deps.sh [cpu|cuda|check|sass|bench|plot|convert|data ...]: installs what kairos needs, on Debian and Ubuntu.
#
#   cuda    what both targets need: a compiler, jansson, LAPACKE, libzip, libpng, stb
#   cpu     that, and what stands for CUDA's libraries on the CPU: oneDNN, OpenBLAS, FFTW, Boost.Context
#           (the default)
#   check   what `make check`, `make fuzz` and `make format` need besides
#   sass    what `make sass-report` needs besides
#   bench   what `make bench` needs besides
#   plot    what scripts/plot*.py need
#   convert what scripts/convert_weights.py needs
#   data    what scripts/make_dataset.py needs
#
# Only what is missing is installed, and the lists of packages are fetched only if they are needed.
# On other systems it says what to install.  The CUDA toolkit is never installed.
set -euo pipefail

both=(g++ make libjansson-dev liblapacke-dev libstb-dev libzip-dev libpng-dev)

groups=("${@:-cpu}")
packages=()
for group in "${groups[@]}"; do
    case $group in
        cuda) packages+=("${both[@]}") ;;
        cpu) packages+=("${both[@]}" libdnnl-dev libopenblas-dev libfftw3-dev libboost-context-dev) ;;
        check) packages+=(libcmocka-dev libzstd-dev dataset-fashion-mnist python3-numpy python3-scipy
                          python3-torch clang libclang-rt-dev clang-format) ;;
        sass) packages+=(binutils python3-pip) ;;
        bench) packages+=(python3-numpy python3-torch) ;;
        plot) packages+=(python3-matplotlib python3-numpy) ;;
        convert) packages+=(python3-numpy) ;;
        data) packages+=(python3-numpy dataset-fashion-mnist) ;;
        -h | --help) sed -n '2,15s/^# \?//p' "$0"; exit 0 ;;
        *) echo "install-deps.sh: unknown group '$group' (cpu, cuda, check, sass, bench, plot, convert, data)" >&2; exit 2 ;;
    esac
done

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
