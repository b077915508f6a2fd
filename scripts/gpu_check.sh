#!/usr/bin/env bash
# gpu_check.sh [STAGE...]: everything that needs a GPU; the result goes to bench/results/<gpu>.md as it comes.
#
#   build     the GPU target and its tests
#   tests     the test suite on the GPU; with PyTorch also the oracle tests
#   compare   the GPU target against the CPU target, if the latter's libraries are here
#   bench     an evaluation of the network, in each precision and by each engine
#   pytorch   the same beside PyTorch, if that is here
#
# Without arguments all of them; `build` begins a new report, a later call with other stages adds to it.
# Needs the CUDA toolkit, cuDNN 9, the packages of `install-deps.sh cuda` and cmocka; no network.  cuDNN may be Python's
# (nvidia-cudnn), or in the folder that CUDNN names; packages unpacked somewhere are found by CPATH,
# LIBRARY_PATH and LD_LIBRARY_PATH.  DEVICE chooses a GPU by nvidia-smi's
# number.  Whole logs: build/gpu-check/.
# Exit status 1 if anything failed.  Run by `make gpu-check`.
# shellcheck disable=SC2317 # functions that `attempt` calls
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=${BUILD:-build}
logs=$build/gpu-check
device=${DEVICE:-${CUDA_VISIBLE_DEVICES:-0}}
device=${device%%,*}
shipped=weights/fashion-mnist-edm2.safetensors
export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=$device
failed=0

stop() { echo "gpu_check.sh: $*" >&2; exit 1; }
say() { printf '\n== %s\n' "$*" >&2; }
note() { printf '%s\n' "$@" >>"$report"; }
# attempt WHAT COMMAND...: runs it, keeps its output in a log, notes how it ended.
attempt() {
    local what=$1 start=$SECONDS log
    shift
    log=$logs/$(echo "$what" | tr -cs 'a-zA-Z0-9' '-').log
    say "$what"
    if "$@" 2>&1 | tee "$log" >&2; then
        note "- $what: ok, $((SECONDS - start)) s"
    else
        failed=1
        note "- $what: **failed**, $((SECONDS - start)) s"
        { grep '^FAILED ' "$log" || tail -n 5 "$log"; } | sed 's/^/      /' >>"$report"
    fi
}

# ---- what there is ----------------------------------------------------------------------------------

# The first Python that has PyTorch, else the first that there is.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
        "$candidate" -c 'import numpy, torch' 2>/dev/null && { echo "$candidate"; return; }
    done
    command -v "${PYTHON:-python3}" || echo /usr/bin/python3
}
has_module() { "$python" -c "import $1" 2>/dev/null; }
has_headers() {
    local header
    for header in "$@"; do
        printf '#include <stdio.h>\n#include <stdarg.h>\n#include <setjmp.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <%s>\n' "$header" |
            g++ -fsyntax-only -x c++ -I"$cuda/include" ${CUDNN:+-I"$CUDNN/include"} - 2>/dev/null || { echo "$header"; return 1; }
    done
}
has_cpu_libraries() { has_headers dnnl.h cblas.h fftw3.h boost/context/fiber.hpp >/dev/null; }

find_libraries() {
    local missing
    if ! has_headers cudnn.h >/dev/null && [ -z "${CUDNN:-}" ]; then
        CUDNN=$("$python" -c 'import nvidia.cudnn; print(list(nvidia.cudnn.__path__)[0])' 2>/dev/null) && export CUDNN
    fi
    missing=$(has_headers cublas_v2.h cufft.h cudnn.h jansson.h zip.h png.h lapacke.h stb/stb_image_write.h cmocka.h) ||
        stop "$missing is missing: scripts/install-deps.sh cuda check, or see the head of this script"
}

# ---- stages -------------------------------------------------------------------------------------------

begin_report() {
    mkdir -p bench/results
    printf '# kairos on %s\n' "$gpu" >"$report"
    note "" "$(date +%F), kairos $(git describe --always --dirty 2>/dev/null || echo unknown), $(nproc) CPU cores, \
$("$nvcc" --version | grep release)"
    note "" '```' "$(nvidia-smi --id="$device" --query-gpu=name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.memory,power.limit \
        --format=csv)" '```' "" "## Checks" ""
}

stage_build() {
    begin_report
    attempt "build for the GPU" make -k BUILD="$build" TARGET=cuda all tests-cuda
}

# -k: a test that fails hides no other.
stage_tests() {
    if has_module torch && has_module numpy; then
        attempt "tests on the GPU, with the oracle tests" make -k BUILD="$build" PYTHON="$python" check-cuda
    else
        attempt "tests on the GPU (no PyTorch, so without the oracle tests)" make -k BUILD="$build" ORACLE_TESTS= check-cuda
    fi
}

# compare_targets ENGINE PRECISION BOUND: denoise with both programs.
compare_targets() {
    local engine=$1 precision=$2 bound=$3 target
    "$python" scripts/gpu_compare.py input "$logs/x.safetensors" || return 1
    for target in fast cuda; do
        "$build/kairos.$target" denoise --net "$shipped" --in "$logs/x.safetensors" \
            --out "$logs/d.$target" --engine "$engine" --precision "$precision" || return 1
    done
    "$python" scripts/gpu_compare.py compare "$logs/d.fast" "$logs/d.cuda" --bound "$bound"
}
compare_samples() {
    local target
    for target in fast cuda; do
        "$build/kairos.$target" generate --net "$shipped" --outdir "$logs/out.$target" --seeds 0-63 --steps 16 \
            --eta 1 --precision fp32 --save-tensors "$logs/s.$target" || return 1
    done
    "$python" scripts/gpu_compare.py compare "$logs/s.fast" "$logs/s.cuda" --bound 1e-3
}
stage_compare() {
    if ! has_cpu_libraries || ! has_module numpy; then
        note "- the libraries of the CPU target, or NumPy, are not installed: the two targets were not compared"
        return
    fi
    rm -rf "$logs"/out.*
    attempt "build for the CPU" make BUILD="$build" "$build/kairos.fast"
    for engine in native library; do
        attempt "CPU and GPU agree, $engine engine, fp32" compare_targets "$engine" fp32 2e-5
        attempt "CPU and GPU agree, $engine engine, fp16" compare_targets "$engine" fp16 4e-3
        attempt "CPU and GPU agree, $engine engine, bf16" compare_targets "$engine" bf16 3e-2
    done
    attempt "CPU and GPU make the same images" compare_samples
}

# milliseconds ENGINE NET BATCH PRECISION: the median of an evaluation, or "-".
milliseconds() {
    "$build/kairos.cuda" bench --net "$2" --batch "$3" --precision "$4" --engine "$1" --repeat 20 --json 2>"$logs/bench.log" |
        awk -F '[:,]' '/"median"/ { printf "%.3f", 1000 * $2; found = 1 } END { exit !found }' ||
        { cat "$logs/bench.log" >&2; echo "-"; }
}
benchmark() {
    local net=$1 batch=$2 precision=$3 native library
    say "bench $net, batch $batch, $precision"
    native=$(milliseconds native "$net" "$batch" "$precision")
    library=$(milliseconds library "$net" "$batch" "$precision")
    [ "$native" != "-" ] && [ "$library" != "-" ] || failed=1
    note "$(awk -v n="$native" -v l="$library" -v b="$batch" -v name="$net" -v p="$precision" 'BEGIN {
        best = l == "-" || (n != "-" && n + 0 < l + 0) ? n : l
        printf "| `%s` | %d | %s | %s | %s | %s | %s |", name, b, p, n, l,
            n == "-" || l == "-" ? "-" : sprintf("%.2f", l / n),
            best == "-" ? "-" : sprintf("%.0f", 1000 * b / best) }')"
}
# The large network in one precision: making up its weights takes longer than timing it.
stage_bench() {
    local precision
    note "" "## One evaluation of the network" "" \
        "| network | batch | precision | native ms | library ms | library / native | images/s of the faster |" \
        "|---|---|---|---|---|---|---|"
    for precision in fp32 fp16 bf16; do
        benchmark "$shipped" 1 "$precision"
        benchmark "$shipped" 1024 "$precision"
        benchmark random:edm2-img512-xs 1 "$precision"
        benchmark random:edm2-img512-xs 64 "$precision"
    done
    benchmark random:edm2-img512-xl 32 fp16
    note ""
}

stage_pytorch() {
    local precision
    if ! has_module torch || ! "$python" -c "import sys, torch; sys.exit(not torch.cuda.is_available())"; then
        note "" "No PyTorch for CUDA on this machine, so it was not timed beside kairos."
        return
    fi
    for precision in fp16 fp32; do
        rm -f "$logs/pytorch.md"
        attempt "PyTorch side by side, $precision" "$python" bench/bench_pytorch.py --kairos "$build/kairos.cuda" \
            --device cuda --precision "$precision" --turns 3 --out "$logs/pytorch.md"
        [ -f "$logs/pytorch.md" ] && { note ""; sed 's/^#/##/' "$logs/pytorch.md" >>"$report"; }
    done
}

# ---- all of them ----------------------------------------------------------------------------------------

stages=("$@")
[ $# -gt 0 ] || stages=(build tests compare bench pytorch)
for stage in "${stages[@]}"; do
    [ "$(type -t "stage_$stage")" = function ] || stop "unknown stage '$stage' (build, tests, compare, bench, pytorch)"
done
gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader --id="$device") || stop "no GPU of number $device"
nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
[ -x "$nvcc" ] || stop "no nvcc: install the CUDA toolkit, or set NVCC"
cuda=${CUDA:-$(dirname "$(dirname "$nvcc")")}
python=$(find_python)
mkdir -p "$logs"
find_libraries
report=bench/results/$(echo "$gpu" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9-').md
[ -f "$report" ] || begin_report
for stage in "${stages[@]}"; do "stage_$stage"; done
say "report: $report, logs: $logs"
exit $failed
