#!/usr/bin/env bash
# gpu_check.sh: everything that needs a GPU, in one go; the result goes to bench/results/<gpu>.md.
#
# Needs the CUDA toolkit with cuDNN, the packages of `install-deps.sh cuda` and cmocka; no network.  What
# else is there is used: with the libraries of the CPU target, both targets are compared; with PyTorch, the oracle tests run
# and PyTorch is timed beside kairos.  Exit status 1 if anything failed.  Run by `make gpu-check`.
# shellcheck disable=SC2317 # functions that `attempt` calls
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

python=${PYTHON:-/usr/bin/python3}
build=${BUILD:-build}
shipped=weights/fashion-mnist-edm2.safetensors
gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader --id=0) || { echo "gpu_check.sh: no GPU" >&2; exit 1; }
report=bench/results/$(echo "$gpu" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9-').md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

say() { printf '\n== %s\n' "$*" >&2; }
note() { printf '%s\n' "$@" >>"$work/report.md"; }
# attempt WHAT COMMAND...: runs it, keeps its output in a log, notes how it ended.
attempt() {
    local what=$1 start=$SECONDS
    shift
    say "$what"
    if "$@" 2>&1 | tee "$work/log" >&2; then
        note "- $what: ok, $((SECONDS - start)) s"
    else
        failed=1
        note "- $what: **failed**, $((SECONDS - start)) s"
        tail -n 5 "$work/log" | sed 's/^/      /' >>"$work/report.md"
    fi
}
has_module() { "$python" -c "import $1" 2>/dev/null; }
has_cpu_libraries() {
    for header in dnnl.h cblas.h fftw3.h boost/context/fiber.hpp; do
        echo "#include <$header>" | g++ -fsyntax-only -x c++ - 2>/dev/null || return 1
    done
}

# compare_targets ENGINE PRECISION BOUND: denoise and generate with both programs.
compare_targets() {
    local engine=$1 precision=$2 bound=$3 target
    "$python" scripts/gpu_compare.py input "$work/x.safetensors" || return 1
    for target in fast cuda; do
        "$build/kairos.$target" denoise --net "$shipped" --in "$work/x.safetensors" \
            --out "$work/d.$target" --engine "$engine" --precision "$precision" || return 1
    done
    "$python" scripts/gpu_compare.py compare "$work/d.fast" "$work/d.cuda" --bound "$bound"
}
compare_samples() {
    local target
    for target in fast cuda; do
        "$build/kairos.$target" generate --net "$shipped" --outdir "$work/out.$target" --seeds 0-63 --steps 16 \
            --eta 1 --precision fp32 --save-tensors "$work/s.$target" || return 1
    done
    "$python" scripts/gpu_compare.py compare "$work/s.fast" "$work/s.cuda" --bound 1e-3
}

# milliseconds ENGINE NET BATCH PRECISION: the median of an evaluation, or "-".
milliseconds() {
    "$build/kairos.cuda" bench --net "$2" --batch "$3" --precision "$4" --engine "$1" --repeat 20 --json 2>"$work/log" |
        awk -F '[:,]' '/"median"/ { printf "%.3f", 1000 * $2; found = 1 } END { exit !found }' ||
        { cat "$work/log" >&2; echo "-"; }
}
benchmark() {
    local net batch precision native library
    note "" "| network | batch | precision | native ms | library ms | library / native | images/s of the faster |"
    note "|---|---|---|---|---|---|---|"
    while read -r net batch; do
        for precision in fp32 fp16 bf16; do
            say "bench $net, batch $batch, $precision"
            native=$(milliseconds native "$net" "$batch" "$precision")
            library=$(milliseconds library "$net" "$batch" "$precision")
            [ "$native" != "-" ] && [ "$library" != "-" ] || failed=1
            note "$(awk -v n="$native" -v l="$library" -v b="$batch" -v name="$net" -v p="$precision" 'BEGIN {
                best = l == "-" || (n != "-" && n + 0 < l + 0) ? n : l
                printf "| `%s` | %d | %s | %s | %s | %s | %s |", name, b, p, n, l,
                    n == "-" || l == "-" ? "-" : sprintf("%.2f", l / n),
                    best == "-" ? "-" : sprintf("%.0f", 1000 * b / best) }')"
        done
    done <<EOF
$shipped 1
$shipped 1024
random:edm2-img512-xs 1
random:edm2-img512-xs 64
random:edm2-img512-xl 32
EOF
}

note "# kairos on $gpu"
note "" "$(date +%F), kairos $(git describe --always --dirty 2>/dev/null || echo unknown), $(nproc) CPU cores, \
$("${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}" --version | grep release)"
note "" '```' "$(nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.memory,power.limit \
    --format=csv)" '```' "" "## Checks" ""

attempt "build for the GPU" make BUILD="$build" cuda
if has_module torch && has_module numpy; then
    attempt "tests on the GPU, with the oracle tests" make BUILD="$build" PYTHON="$python" check-cuda
else
    attempt "tests on the GPU (no PyTorch, so without the oracle tests)" make BUILD="$build" ORACLE_TESTS= check-cuda
fi
if has_cpu_libraries; then
    attempt "build for the CPU" make BUILD="$build" "$build/kairos.fast"
    for engine in native library; do
        attempt "CPU and GPU agree, $engine engine, fp32" compare_targets $engine fp32 2e-5
        attempt "CPU and GPU agree, $engine engine, fp16" compare_targets $engine fp16 4e-3
        attempt "CPU and GPU agree, $engine engine, bf16" compare_targets $engine bf16 3e-2
    done
    attempt "CPU and GPU make the same images" compare_samples
else
    note "- the libraries of the CPU target are not installed: the two targets were not compared"
fi

note "" "## One evaluation of the network"
benchmark
if has_module torch && "$python" -c "import sys, torch; sys.exit(not torch.cuda.is_available())"; then
    for precision in fp32 fp16; do
        attempt "PyTorch side by side, $precision" "$python" bench/bench_pytorch.py --kairos "$build/kairos.cuda" \
            --device cuda --precision $precision --turns 5 --out "$work/pytorch.md"
        [ -f "$work/pytorch.md" ] && { note ""; sed 's/^#/##/' "$work/pytorch.md" >>"$work/report.md"; }
    done
else
    note "" "No PyTorch for CUDA on this machine, so it was not timed beside kairos."
fi

mkdir -p bench/results
cp "$work/report.md" "$report"
say "written: $report"
exit $failed
