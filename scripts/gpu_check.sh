#!/usr/bin/env bash
# gpu_check.sh [STAGE...]: everything that needs a GPU, within BUDGET seconds (480).
#
#   prepare   on a machine with network, no GPU needed: fills KIT (build/gpu-kit), which then travels along with the
#             checkout: Debian's packages, compute-sanitizer, and the CPU target's outputs (KIT_GROUPS chooses
#             groups of install-deps.sh: add cudnn if the CUDA toolkit there lacks it)
#
# and on the machine with the GPU, by default all of them, in this order:
#
#   build     the GPU target and the tests of kernels, for this GPU's architecture only
#   kernels   the tests of kernels
#   compare   the GPU target against the CPU target's outputs
#   sanitize  the tests of kernels under compute-sanitizer, where that is
#   profile   the kernels of one evaluation under ncu, where that is
#   bench     evaluations of the network, in each precision and by each engine; what cuDNN chose
#   pytorch   the same by PyTorch, where that is
#   suite     all of `make check`; the oracle tests with PyTorch
#
# The result goes to RESULTS/<gpu>.md (bench/results) as it comes, so that a run which is killed leaves what it
# found; logs go to LOGS (build/gpu-check).  `build` begins a new report.  Each stage has a limit of time, and starts
# only if that is left of the budget; the report says what was not done.  Needs the CUDA toolkit, cuDNN 9 (perhaps Python's, or in the folder that CUDNN
# names), g++, and what KIT brings; no network, no root.  DEVICE chooses a GPU by nvidia-smi's number.
# Exit status 1 if anything failed.  Run by `make gpu-check`.
# shellcheck disable=SC2317 # functions that `attempt` calls
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

budget=${BUDGET:-480}
kit=${KIT:-build/gpu-kit}
results=${RESULTS:-bench/results}
export logs=${LOGS:-build/gpu-check}
device=${DEVICE:-${CUDA_VISIBLE_DEVICES:-0}}
device=${device%%,*}
shipped=weights/fashion-mnist-edm2.safetensors
xs=random:edm2-img512-xs
xxl=random:edm2-img512-xxl
all_stages=(build kernels compare sanitize profile bench pytorch suite)
# Seconds of the default budget, which a build on 16 cores (it takes a fraction of its limit) leaves to all but
# the last; a larger budget has larger limits.
declare -A limits=([build]=180 [kernels]=60 [compare]=70 [sanitize]=80 [profile]=20 [bench]=100 [pytorch]=60 [suite]=150)
for stage in "${!limits[@]}"; do limits[$stage]=$((limits[$stage] * budget / 480)); done
failed=0 child='' stage_end=0

stop() { echo "gpu_check.sh: $*" >&2; exit 1; }
say() { printf '\n== %4d s  %s\n' "$SECONDS" "$*" >&2; }
note() { printf '%s\n' "$@" >>"$report"; }

# limited COMMAND...: a program, with what is left of its stage's time.  In the background, so that this script
# still hears signals.
limited() {
    local left=$((stage_end - SECONDS))
    [ "$left" -gt 0 ] || return 124
    timeout -k 5 "$left" "$@" &
    child=$!
    wait "$child"
}
interrupted() {
    [ -z "$child" ] || kill "$child" 2>/dev/null
    [ ! -f "${report:-}" ] || note "" "Interrupted after $SECONDS s."
    exit 130
}
trap interrupted INT TERM HUP

# outcome STATUS SECONDS LOG: how something ended, for the report.
outcome() {
    case $1 in
        0) echo "ok, $2 s" ;;
        124 | 137) if [ "$2" -gt 0 ]; then echo "**not finished** in $2 s"; else echo "not done: no time left"; fi ;;
        *) echo "**failed**, $2 s"; { grep '^FAILED ' "$3" || tail -n 5 "$3"; } | sed 's/^/      /' ;;
    esac
}
# attempt WHAT COMMAND...: runs it, keeps its output in a log, notes how it ended.
attempt() {
    local what=$1 start=$SECONDS log status
    shift
    log=$logs/$(echo "$what" | tr -cs 'a-zA-Z0-9' '-').log
    say "$what"
    "$@" >"$log" 2>&1
    status=$?
    [ "$status" -eq 0 ] || { failed=1; tail -n 20 "$log" >&2; }
    note "- $what: $(outcome "$status" $((SECONDS - start)) "$log")"
    return "$status"
}

# ---- what there is ----------------------------------------------------------------------------------

# The first Python that has PyTorch, else the first that there is.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
        "$candidate" -c 'import torch' 2>/dev/null && { echo "$candidate"; return; }
    done
    command -v "${PYTHON:-python3}" || echo /usr/bin/python3
}
has_module() { "$python" -c "import $1" 2>/dev/null; }
has_headers() {
    local header
    for header in "$@"; do
        printf '#include <%s>\n' stdio.h stdarg.h setjmp.h stddef.h stdint.h "$header" |
            g++ -fsyntax-only -x c++ -I"$cuda/include" ${CUDNN:+-I"$CUDNN/include"} - 2>/dev/null || { echo "$header"; return 1; }
    done
}
# find_tool NAME: on the path, or in the CUDA toolkit.
find_tool() { command -v "$1" || { [ -x "$cuda/bin/$1" ] && echo "$cuda/bin/$1"; }; }

find_kit() {
    # shellcheck source=/dev/null
    if [ -f "$kit/packages/env.sh" ]; then . "$kit/packages/env.sh"; fi
}

find_libraries() {
    local missing tool
    for tool in g++ make awk timeout; do
        command -v $tool >/dev/null || stop "$tool is missing: see the head of this script"
    done
    if ! has_headers cudnn.h >/dev/null && [ -z "${CUDNN:-}" ]; then
        CUDNN=$("$python" -c 'import nvidia.cudnn; print(list(nvidia.cudnn.__path__)[0])' 2>/dev/null) && export CUDNN
    fi
    missing=$(has_headers cublas_v2.h cufft.h cudnn.h jansson.h zip.h png.h lapacke.h stb/stb_image_write.h cmocka.h) ||
        stop "$missing is missing: scripts/install-deps.sh gpu-check, or see the head of this script"
}

find_gpu() {
    local number
    gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader --id="$device") || stop "no GPU of number $device"
    nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
    [ -x "$nvcc" ] || stop "no nvcc: install the CUDA toolkit, or set NVCC"
    cuda=${CUDA:-$(dirname "$(dirname "$nvcc")")}
    # Code of one architecture, in a folder of its own.  Hopper's instructions are only in 90a.
    number=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id="$device" | tr -cd 0-9)
    [ "$number" != 90 ] || number=90a
    [ -n "$number" ] || stop "nvidia-smi does not say the compute capability of GPU $device"
    build=${BUILD:-build/sm_$number}
    make_cuda=(make -k "-j$(nproc)" "BUILD=$build" "CUDA_ARCHS=$number" TARGET=cuda "NVCC=$nvcc" "CUDA=$cuda" "PYTHON=$python")
    kairos=$build/kairos.cuda
    report=$results/$(echo "$gpu" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9-').md
    export report CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=$device
}

begin_report() {
    printf '# kairos on %s\n' "$gpu" >"$report"
    note "" "$(date +%F), kairos $(version), $(nproc) CPU cores, $("$nvcc" --version | grep release)"
    note "" '```' "$(nvidia-smi --id="$device" --query-gpu=name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.memory,power.limit \
        --format=csv)" '```' "" "## Checks" ""
}
version() { git describe --always --dirty 2>/dev/null || cat "$kit/version" 2>/dev/null || echo unknown; }

# ---- prepare: on a machine with network -------------------------------------------------------------------

# What `compare` asks of the GPU: networks, with the channels and pixels of their images, and precisions.
cases() { printf '%s\n' "shipped $shipped 1 32" "xs $xs 4 64"; }
precisions=(fp32 fp16 bf16)

make_expected() {
    local name net channels pixels precision to=$kit/expected fast=${BUILD:-build}
    mkdir -p "$to"
    make "BUILD=$fast" "$fast/kairos.fast" "$fast/fast/compare_tensors" || return 1
    while read -r name net channels pixels; do
        "$fast/fast/compare_tensors" input "$to/$name.in" "$channels" "$pixels" || return 1
        for precision in "${precisions[@]}"; do
            "$fast/kairos.fast" denoise --net "$net" --in "$to/$name.in" --out "$to/$name.$precision" --precision "$precision" || return 1
        done
    done < <(cases)
    "$fast/kairos.fast" generate --net "$shipped" --seeds 0-63 --steps 16 --eta 1 --save-tensors "$to/samples" --outdir "$logs/out.fast" || return 1
    # A comparison that cannot fail would be worth nothing.
    ! "$fast/fast/compare_tensors" compare "$to/shipped.fp32" "$to/shipped.fp16" 1e-6 >/dev/null 2>&1 || return 1
    version >"$kit/version"
}

prepare() {
    local group
    rm -rf "$logs/out.fast"
    for group in ${KIT_GROUPS:-gpu-check sanitizer}; do
        scripts/install-deps.sh --into "$kit/packages" "$group" || [ "$group" = sanitizer ] || stop "no kit without $group"
    done
    make_expected || stop "the CPU target's outputs could not be made: scripts/install-deps.sh cpu"
    say "$kit: $(du -shc "$kit"/* | awk '{ print $2, $1 }' | paste -sd ' ').  Take it along with the checkout."
}

# ---- build, kernels, compare ------------------------------------------------------------------------------

# The device is opened before anything else is tried on it.
stage_build() {
    begin_report
    attempt "build for the GPU" limited "${make_cuda[@]}" "$kairos" kernel-tests-cuda "$build/cuda/compare_tensors"
    [ -x "$kairos" ] && attempt "the program opens the GPU" limited "$kairos" info --net "$shipped"
}

# test_once PREFIX TEST COMMAND...: a line in $logs/lines, and in the report unless it passed under a tool.  Run by
# xargs, so all that it needs is exported.
test_once() {
    local prefix=$1 start=$SECONDS name status log line
    name=$(basename "$2" .c.test)
    log=$logs/${prefix// /-}$name.log
    shift 2
    "$@" >"$log" 2>&1
    status=$?
    line="- $prefix$name: $(outcome "$status" $((SECONDS - start)) "$log")"
    echo "$line" >>"$logs/lines"
    if [ "$status" -ne 0 ] || [ -z "$prefix" ]; then echo "$line" >>"$report"; fi
    return $((status != 0))
}
export -f test_once outcome

# test_kernels PREFIX COMMAND...: all tests of kernels by COMMAND TEST, several at once.
test_kernels() {
    local prefix=$1 tests=("$build"/cuda/tests/kernels/*.test) test
    shift
    : >"$logs/lines"
    printf '%s\n' "${tests[@]}" >"$logs/tests"
    limited xargs -a "$logs/tests" -P 8 -I{} bash -c 'test_once "$@"' _ "$prefix" {} "$@" {} || failed=1
    for test in "${tests[@]}"; do
        test=$prefix$(basename "$test" .c.test)
        grep -q "^- $test:" "$logs/lines" || note "- $test: **not finished** when the time was over"
    done
    [ -z "$prefix" ] || note "- ${prefix}of ${#tests[@]} tests: $(grep -c ': ok, ' "$logs/lines") passed"
}

stage_kernels() {
    say "tests of kernels"
    test_kernels ""
}

# compare_outputs NAME NET PRECISION ENGINE BOUND
compare_outputs() {
    limited "$kairos" denoise --net "$2" --in "$kit/expected/$1.in" --out "$logs/$1.$3" --engine "$4" --precision "$3" &&
        limited "$build/cuda/compare_tensors" compare "$kit/expected/$1.$3" "$logs/$1.$3" "$5"
}
compare_samples() {
    rm -rf "$logs/out.cuda"
    limited "$kairos" generate --net "$shipped" --seeds 0-63 --steps 16 --eta 1 --save-tensors "$logs/samples" --outdir "$logs/out.cuda" &&
        limited "$build/cuda/compare_tensors" compare "$kit/expected/samples" "$logs/samples" 1e-3
}
stage_compare() {
    local name net precision engine
    local -A bounds=([fp32]=2e-5 [fp16]=4e-3 [bf16]=3e-2)
    if [ ! -f "$kit/version" ]; then
        note "- **not compared** with the CPU target: $kit has no outputs of it (\`scripts/gpu_check.sh prepare\` makes them)"
        failed=1
        return
    fi
    note "- outputs of the CPU target: made by kairos $(cat "$kit/version")"
    while read -r name net _; do
        for precision in "${precisions[@]}"; do
            for engine in native library; do
                attempt "CPU and GPU agree, $name, $engine engine, $precision" \
                    compare_outputs "$name" "$net" "$precision" "$engine" "${bounds[$precision]}"
            done
        done
    done < <(cases)
    attempt "CPU and GPU make the same images" compare_samples
}

# ---- sanitize, profile -----------------------------------------------------------------------------------

# cuDNN reads what it has not written, so initcheck's findings are to be looked at one by one.
stage_sanitize() {
    local tool sanitizer share=$((limits[sanitize] / 4)) end=$stage_end stage_end
    sanitizer=$(find_tool compute-sanitizer) || { note "- compute-sanitizer is not on this machine"; return; }
    for tool in memcheck racecheck synccheck initcheck; do
        say "tests of kernels under $tool"
        stage_end=$((SECONDS + share < end ? SECONDS + share : end))
        test_kernels "$tool " "$sanitizer" --tool "$tool" --error-exitcode 1 --print-limit 20
    done
}

# Reading counters may be forbidden to all but root, which says nothing about kairos.
stage_profile() {
    local ncu before=$failed
    ncu=$(find_tool ncu) || { note "- ncu is not on this machine"; return; }
    attempt "one evaluation under ncu" limited "$ncu" --csv --launch-count 230 \
        --metrics gpu__time_duration.sum,sm__throughput.avg.pct_of_peak_sustained_elapsed,dram__throughput.avg.pct_of_peak_sustained_elapsed \
        --log-file "$logs/ncu.csv" "$kairos" bench --net "$xs" --batch 64 --precision fp16 --engine native --repeat 1
    failed=$before
}

# ---- bench, pytorch ----------------------------------------------------------------------------------------

# benchmark NET BATCH PRECISION ENGINE REPEAT: with at most a third of the stage's time, so that one that is slow
# leaves some to the others.
benchmark() {
    local third=$((SECONDS + limits[bench] / 3)) stage_end=$stage_end
    [ "$third" -gt "$stage_end" ] || stage_end=$third
    local log="$logs/bench-${1##*[:/]}-$2-$3-$4.log" result status
    say "bench $1, batch $2, $3, $4"
    limited "$kairos" bench --net "$1" --batch "$2" --precision "$3" --engine "$4" --repeat "$5" --algorithms >"$log" 2>&1
    status=$?
    result=$(sed -n 's/.*: \([0-9.]*\) ms, \([0-9.]*\) images\/s, \([0-9.]*\) GFLOPS$/\1 | \2 | \3/p' "$log")
    case $status in
        0) ;;
        124 | 137) result="not finished | |" ;;
        *) failed=1; result="**failed** | |"; tail -n 5 "$log" >&2 ;;
    esac
    note "| \`$1\` | $2 | $3 | $4 | $result |"
}
# Equal layers once, with their number.
note_algorithms() {
    local net=$1 batch=$2 log
    log="$logs/bench-${net##*[:/]}-$batch-fp16-library.log"
    note "" "cuDNN's algorithms, \`$net\`, batch $batch, fp16 (x is n, h, w, c; a filter cout, h, w, cin):" "" '```'
    grep '^{' "$log" 2>/dev/null | sort | uniq -c | sort -rn >>"$report"
    note '```'
}
# The evaluations that matter most come first.  A native one of the largest network takes seconds.
stage_bench() {
    local net batch engine precision
    note "" "## One evaluation of the network" "" "| network | batch | precision | engine | median ms | images/s | GFLOPS |" \
        "|---|---|---|---|---|---|---|"
    for net in "$xs" "$xxl"; do
        for batch in 64 1; do
            benchmark "$net" "$batch" fp16 library 20
            benchmark "$net" "$batch" fp16 native 3
        done
    done
    for precision in fp16 fp32; do
        for engine in library native; do benchmark "$shipped" 1024 "$precision" "$engine" 10; done
    done
    for precision in bf16 fp32; do
        for engine in library native; do benchmark "$xs" 64 "$precision" "$engine" 5; done
    done
    for net in "$xs" "$xxl"; do note_algorithms "$net" 64; done
}

stage_pytorch() {
    local start=$SECONDS status
    if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
        note "" "No PyTorch for CUDA on this machine, so it was not timed beside kairos."
        return
    fi
    say "PyTorch"
    note "" "## The same by PyTorch" ""
    limited "$python" -u bench/time_pytorch.py --precision fp16 {edm2-img512-xs,edm2-img512-xxl}:{64,1} 2>"$logs/pytorch.log" >>"$report"
    status=$?
    if [ "$status" -ne 0 ]; then
        failed=1
        note "" "PyTorch: $(outcome "$status" $((SECONDS - start)) "$logs/pytorch.log")"
    fi
}

stage_suite() {
    note "" "## Test suite" ""
    if has_module torch && has_module numpy; then
        attempt "tests on the GPU, with the oracle tests" limited "${make_cuda[@]}" check-cuda
    else
        attempt "tests on the GPU (no PyTorch, so without the oracle tests)" limited "${make_cuda[@]}" ORACLE_TESTS= check-cuda
    fi
}

# ---- all of them ----------------------------------------------------------------------------------------

# run_stage NAME: or says why not.
run_stage() {
    local left=$((budget - SECONDS)) limit=${limits[$1]}
    if [ "$1" != build ] && [ ! -x "$kairos" ]; then
        note "- not done: $1, for want of the program"
    elif [ "$limit" -gt "$left" ]; then
        note "" "Not done: $1, which may take $limit s, of $left s that are left."
    else
        stage_end=$((SECONDS + limit))
        "stage_$1"
    fi
}

mkdir -p "$logs" "$results" || stop "no folder for logs and results"
if [ "$*" = prepare ]; then
    prepare
    exit
fi
stages=("$@")
[ $# -gt 0 ] || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
    [ -n "${limits[$stage]:-}" ] || stop "unknown stage '$stage' (prepare alone, or ${all_stages[*]})"
done
find_kit
python=$(find_python)
find_gpu
find_libraries
[ -f "$report" ] || begin_report
for stage in "${stages[@]}"; do
    if ! run_stage "$stage" && [ "$stage" = build ]; then
        note "" "So nothing else was done."
        break
    fi
done
note "" "$SECONDS s in all."
say "report: $report, logs: $logs"
exit $failed
