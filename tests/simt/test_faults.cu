// One broken kernel for each check of the faithful mode, which must catch it.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "simt_test.h"

// The kernel that was just launched is at fault, and the report says `what`.
static void assert_caught(const char *kernel, const char *what) {
    assert_int_equal(cudaPeekAtLastError(), cudaErrorLaunchFailure);
    assert_int_equal(cudaStreamSynchronize(0), cudaErrorLaunchFailure);
    assert_int_equal(cudaGetLastError(), cudaErrorLaunchFailure);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    assert_non_null(strstr(simt_last_report(), kernel));
    assert_non_null(strstr(simt_last_report(), what));
}

// ---- a barrier that is not there ------------------------------------------------------------------

template <bool BROKEN>
__global__ void neighbours(int *out) {
    SHARED_ARRAY(int, slots, BLOCK);
    const int thread = threadIdx.x;
    slots[thread] = thread;
    if (!BROKEN) __syncthreads();
    out[thread] = slots[(thread + 1) % BLOCK];
}

template <bool BROKEN>
static std::vector<int> neighbours_with_seed(unsigned long long seed) {
    std::vector<int> out(BLOCK);
    simt_set_seed(seed);
    LAUNCH(neighbours<BROKEN>, 1, BLOCK, 0, 0, out.data());
    assert_launched();
    return out;
}

static void test_missing_barrier_changes_results(void **) {
    FAITHFUL_ONLY();
    assert_true(neighbours_with_seed<true>(1) != neighbours_with_seed<true>(2));
    assert_true(neighbours_with_seed<false>(1) == neighbours_with_seed<false>(2));
}

// The lanes of a warp do not run in step.
__global__ void no_warp_barrier(int *out) {
    SHARED_ARRAY(int, slots, WARP);
    slots[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = slots[(threadIdx.x + 1) % WARP];
}

static void test_missing_warp_barrier_shows(void **) {
    FAITHFUL_ONLY();
    std::vector<int> out(WARP);
    LAUNCH(no_warp_barrier, 1, WARP, 0, 0, out.data());
    int undefined = 0;
    for (int value : out) undefined += value == -1;
    assert_in_range(undefined, 1, WARP - 1);
}

// ---- writes outside of memory ---------------------------------------------------------------------

// Compiled without AddressSanitizer, as a library would be.
__attribute__((no_sanitize("address"), noinline)) static void write(int *data, int index) {
    data[index] = 7;
}
__global__ void write_device(int *data, int index) {
    if (threadIdx.x == 0) write(data, index);
}
__global__ void write_shared(int index) {
    SHARED_ARRAY(int, tile, 100);
    if (threadIdx.x == 0) write(tile, index);
}
__global__ void write_dynamic(int index) {
    SHARED_DYNAMIC(int, tile);
    if (threadIdx.x == 0) write(tile, index);
}

static void test_guard_zones_of_device_memory(void **) {
    FAITHFUL_ONLY();
    int *data = device_array<int>(100), *other = device_array<int>(5);
    for (int index : {0, 99}) LAUNCH(write_device, 1, BLOCK, 0, 0, data, index);
    assert_launched();
    LAUNCH(write_device, 1, BLOCK, 0, 0, data, 100);
    assert_caught("write_device", "at byte 400 of 400");
    LAUNCH(write_device, 1, BLOCK, 0, 0, data, -1);
    assert_caught("write_device", "at byte -4 of 400");
    LAUNCH(write_device, 1, BLOCK, 0, 0, other, 5 + 63);
    assert_caught("write_device", "at byte 272 of 20");
    // The zones were repaired.
    LAUNCH(write_device, 1, BLOCK, 0, 0, data, 0);
    assert_launched();
    assert_int_equal(cudaFree(data), cudaSuccess);
    assert_int_equal(cudaFree(other), cudaSuccess);
}

static void test_guard_zones_at_free(void **) {
    FAITHFUL_ONLY();
    int *data = device_array<int>(3);
    write(data, 3);
    assert_int_equal(cudaFree(data), cudaErrorLaunchFailure);
    assert_non_null(strstr(simt_last_report(), "at byte 12 of 12"));
    cudaGetLastError();
}

static void test_guard_zones_of_shared_memory(void **) {
    FAITHFUL_ONLY();
    LAUNCH(write_shared, 3, BLOCK, 0, 0, 99);
    LAUNCH(write_dynamic, 3, BLOCK, 400, 0, 99);
    assert_launched();
    LAUNCH(write_shared, 3, BLOCK, 0, 0, 100);
    assert_caught("write_shared", "shared array tile, at byte 400 of 400");
    LAUNCH(write_shared, 3, BLOCK, 0, 0, -64);
    assert_caught("write_shared", "shared array tile, at byte -256 of 400");
    LAUNCH(write_dynamic, 3, BLOCK, 400, 0, 101);
    assert_caught("write_dynamic", "dynamic shared memory, at byte 404 of 400");
}

__global__ void read_device(const int *data, int index, int *out) {
    if (threadIdx.x == 0) *out = data[index];
}
__global__ void read_shared(int index, int *out) {
    SHARED_DYNAMIC(int, tile);
    if (threadIdx.x == 0) *out = tile[index];
}

// True if a child process is stopped by AddressSanitizer's report.
template <typename Function>
static bool stops(Function function) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(0);
        function();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

// Of a kernel compiled with it, AddressSanitizer stops the first access, reads too; in every mode.
static void test_sanitizer_sees_accesses_outside(void **) {
#ifndef __SANITIZE_ADDRESS__
    skip();
#endif
    int *data = device_array<int>(99), *out = device_array<int>(1);
    assert_false(stops([=] { LAUNCH(read_device, 1, BLOCK, 0, 0, data, 98, out); }));
    assert_true(stops([=] { LAUNCH(read_device, 1, BLOCK, 0, 0, data, 99, out); }));
    assert_true(stops([=] { LAUNCH(read_device, 1, BLOCK, 0, 0, data, -1, out); }));
    assert_false(stops([=] { LAUNCH(read_shared, 1, BLOCK, 99 * 4, 0, 98, out); }));
    assert_true(stops([=] { LAUNCH(read_shared, 1, BLOCK, 99 * 4, 0, 99, out); }));
    assert_true(stops([=] { LAUNCH(read_shared, 1, BLOCK, 99 * 4, 0, -1, out); }));
    cudaFree(data);
    cudaFree(out);
}

// ---- memory that was not written ------------------------------------------------------------------

// The compiler sees this fault where a block's memory is a local variable.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
__global__ void read_unwritten(float *out) {
    SHARED_ARRAY(float, tile, BLOCK);
    SHARED_DYNAMIC(float, dynamic);
    const int thread = threadIdx.x;
    out[2 * (blockIdx.x * BLOCK + thread)] = tile[thread];
    out[2 * (blockIdx.x * BLOCK + thread) + 1] = dynamic[thread];
    __syncthreads();
    tile[thread] = dynamic[thread] = 1;  // must not reach the next block
}
#pragma GCC diagnostic pop

static void test_unwritten_memory_is_nan(void **) {
    FAITHFUL_ONLY();
    const int count = 2 * 8 * BLOCK;
    float *out = device_array<float>(count);
    for (int i = 0; i < count; ++i) {
        assert_true(isnan(out[i]));
        out[i] = 0;
    }
    LAUNCH(read_unwritten, 8, BLOCK, BLOCK * sizeof(float), 0, out);
    assert_launched();
    for (int i = 0; i < count; ++i) assert_true(isnan(out[i]));
    cudaFree(out);
}

// ---- synchronization that cannot happen -----------------------------------------------------------

__global__ void divergent_barrier(int *out) {
    if (threadIdx.x < 100)
        __syncthreads();
    else
        *out = 1;
    __syncthreads();
}

__global__ void deserted_barrier() {
    if (threadIdx.x < 100) __syncthreads();
}

__global__ void early_exit() {
    if (threadIdx.x == 3) return;
    __syncthreads();
}

__global__ void barrier_and_warp() {
    if (threadIdx.x == 70)
        __syncthreads();
    else
        __syncwarp();
}

__global__ void shuffle_without_all() {
    // Lane 5 of each warp never comes: it waits for the others elsewhere.
    if (threadIdx.x % 32 == 5)
        __syncthreads();
    else
        __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void shuffle_and_vote() {
    if (threadIdx.x % 2 == 0)
        __any_sync(0xffffffffu, 1);
    else
        __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void foreign_mask() { __syncwarp(0x7fffffffu); }
__global__ void wrong_width() { __shfl_sync(0xffffffffu, 1, 0, 24); }

static void test_divergent_synchronization(void **) {
    FAITHFUL_ONLY();
    int out;
    LAUNCH(divergent_barrier, 1, BLOCK, 0, 0, &out);
    assert_caught("divergent_barrier", "only some threads reach");
    LAUNCH(deserted_barrier, 1, BLOCK, 0, 0);
    assert_caught("deserted_barrier", "100 of 256 threads reach a barrier");
    LAUNCH(early_exit, 1, BLOCK, 0, 0);
    assert_caught("early_exit", "255 of 256 threads reach a barrier");
    LAUNCH(barrier_and_warp, 1, BLOCK, 0, 0);
    assert_caught("barrier_and_warp", "deadlock");
    LAUNCH(shuffle_without_all, 1, BLOCK, 0, 0);
    assert_caught("shuffle_without_all", "deadlock");
    LAUNCH(shuffle_and_vote, 1, BLOCK, 0, 0);
    assert_caught("shuffle_and_vote", "deadlock");
}

static void test_impossible_arguments(void **) {
    FAITHFUL_ONLY();
    LAUNCH(foreign_mask, 1, BLOCK, 0, 0);
    assert_caught("foreign_mask", "lacks the lane that calls it, 31");
    LAUNCH(wrong_width, 1, BLOCK, 0, 0);
    assert_caught("wrong_width", "its width is 24");
}

// A value from a lane that takes no part.
__global__ void absent_source(float *out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 20);
}

static void test_value_of_an_absent_lane_is_nan(void **) {
    FAITHFUL_ONLY();
    float *out = device_array<float>(16);
    LAUNCH(absent_source, 1, WARP, 0, 0, out);
    assert_launched();
    for (int i = 0; i < 16; ++i) assert_true(isnan(out[i]));
    cudaFree(out);
}

// ---- after a fault --------------------------------------------------------------------------------

__global__ void increment(int *value) {
    if (threadIdx.x == 0) atomicAdd(value, 1);
}

static void test_nothing_runs_until_the_error_is_cleared(void **) {
    FAITHFUL_ONLY();
    int value = 0;
    LAUNCH(foreign_mask, 100, BLOCK, 0, 0);
    LAUNCH(increment, 1, BLOCK, 0, 0, &value);
    assert_int_equal(value, 0);
    assert_caught("foreign_mask", "mask");
    for (int i = 0; i < 3; ++i) LAUNCH(increment, 50, BLOCK, 0, 0, &value);
    assert_launched();
    assert_int_equal(value, 150);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_barrier_changes_results),
        cmocka_unit_test(test_missing_warp_barrier_shows),
        cmocka_unit_test(test_sanitizer_sees_accesses_outside),
        cmocka_unit_test(test_guard_zones_of_device_memory),
        cmocka_unit_test(test_guard_zones_at_free),
        cmocka_unit_test(test_guard_zones_of_shared_memory),
        cmocka_unit_test(test_unwritten_memory_is_nan),
        cmocka_unit_test(test_divergent_synchronization),
        cmocka_unit_test(test_impossible_arguments),
        cmocka_unit_test(test_value_of_an_absent_lane_is_nan),
        cmocka_unit_test(test_nothing_runs_until_the_error_is_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
