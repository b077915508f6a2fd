// Device memory: allocation, its limit, copies, and the errors that CUDA documents.
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "simt_test.h"

static void test_allocations_are_aligned_and_apart(void **) {
    char *a = device_array<char>(1), *b = device_array<char>(1000);
    assert_int_equal((uintptr_t)a % 256, 0);
    assert_int_equal((uintptr_t)b % 256, 0);
    memset(a, 1, 1);
    memset(b, 2, 1000);
    assert_int_equal(*a, 1);
    assert_int_equal(cudaFree(a), cudaSuccess);
    assert_int_equal(cudaFree(b), cudaSuccess);
}

static void test_empty_and_null(void **) {
    void *data = &data;
    assert_int_equal(cudaMalloc(&data, 0), cudaSuccess);
    assert_null(data);
    assert_int_equal(cudaFree(NULL), cudaSuccess);
    assert_int_equal(cudaMalloc((void **)NULL, 1), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(NULL, NULL, 0, cudaMemcpyDefault), cudaSuccess);
    assert_int_equal(cudaMemcpy(NULL, NULL, 1, cudaMemcpyDefault), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
}

static void test_only_what_was_allocated_can_be_freed(void **) {
    char *data = device_array<char>(8), other;
    void *host = NULL;
    assert_int_equal(cudaMallocHost(&host, 8), cudaSuccess);
    assert_int_equal(cudaFree(&other), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(data + 1), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(host), cudaErrorInvalidValue);
    assert_int_equal(cudaFreeHost(data), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(data), cudaSuccess);
    assert_int_equal(cudaFree(data), cudaErrorInvalidValue);
    assert_int_equal(cudaFreeHost(host), cudaSuccess);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
}

static void test_limit_makes_allocation_fail(void **) {
    simt_set_memory_limit(1000);
    size_t available, total;
    void *a, *b = &b;
    assert_int_equal(cudaMalloc(&a, 600), cudaSuccess);
    assert_int_equal(cudaMemGetInfo(&available, &total), cudaSuccess);
    assert_int_equal(available, 400);
    assert_int_equal(total, 1000);
    assert_int_equal(cudaMalloc(&b, 401), cudaErrorMemoryAllocation);
    assert_null(b);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    assert_int_equal(cudaMalloc(&b, 400), cudaSuccess);
    assert_int_equal(cudaFree(a), cudaSuccess);
    assert_int_equal(cudaMalloc(&a, 600), cudaSuccess);
    assert_int_equal(cudaMalloc((void **)&total, SIZE_MAX), cudaErrorMemoryAllocation);
    cudaFree(a);
    cudaFree(b);
    cudaGetLastError();
    simt_set_memory_limit(0);
    assert_int_equal(cudaMemGetInfo(&available, &total), cudaSuccess);
    assert_true(available > 0 && available <= total && total > 1 << 20);
}

static void test_copies_and_fills(void **) {
    const char text[] = "copied";
    char back[sizeof text] = "";
    char *a = device_array<char>(sizeof text), *b = device_array<char>(sizeof text);
    assert_int_equal(cudaMemcpy(a, text, sizeof text, cudaMemcpyHostToDevice), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(b, a, sizeof text, cudaMemcpyDeviceToDevice), cudaSuccess);
    assert_int_equal(cudaMemset(b, 'C', 1), cudaSuccess);
    assert_int_equal(cudaMemcpy(back, b, sizeof text, cudaMemcpyDeviceToHost), cudaSuccess);
    assert_string_equal(back, "Copied");
    assert_int_equal(cudaMemcpy(a, b, 1, (cudaMemcpyKind)99), cudaErrorInvalidValue);
    cudaGetLastError();
    cudaFree(a);
    cudaFree(b);
}

// ---- shared memory --------------------------------------------------------------------------------

// Two static arrays, one of them of a template's size, and a dynamic one: all apart.
template <int COUNT>
__global__ void three_arrays(int *out) {
    SHARED_ARRAY(int, a, 7);
    SHARED_ARRAY(double, b, COUNT);
    SHARED_DYNAMIC(int, c);
    for (int i = threadIdx.x; i < 7; i += blockDim.x) a[i] = i;
    for (int i = threadIdx.x; i < COUNT; i += blockDim.x) b[i] = 10 * i + blockIdx.x;
    for (int i = threadIdx.x; i < 1000; i += blockDim.x) c[i] = 100 * i;
    __syncthreads();
    for (int i = threadIdx.x; i < 1000; i += blockDim.x)
        out[blockIdx.x * 1000 + i] = a[i % 7] + (int)b[i % COUNT] + c[i];
}

template <int COUNT>
static void check_three_arrays() {
    int *out = device_array<int>(5 * 1000);
    LAUNCH(three_arrays<COUNT>, 5, BLOCK, 1000 * sizeof(int), 0, out);
    assert_launched();
    for (int i = 0; i < 5000; ++i)
        assert_int_equal(out[i], i % 1000 % 7 + i % 1000 % COUNT * 10 + i / 1000 + i % 1000 * 100);
    cudaFree(out);
}

static void test_shared_arrays_are_apart(void **) {
    check_three_arrays<3>();
    check_three_arrays<500>();
}

__global__ void last_dynamic(int bytes, int *out) {
    SHARED_DYNAMIC(char, data);
    if (threadIdx.x == 0) data[bytes - 1] = 1, *out = 1;
}

// More than 48 KB must be asked for, and more than the device has cannot be.
static void test_dynamic_shared_memory_has_a_limit(void **) {
    int out = 0;
    cudaDeviceProp properties;
    assert_int_equal(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    const int usual = properties.sharedMemPerBlock, most = properties.sharedMemPerBlockOptin;
    LAUNCH(last_dynamic, 1, BLOCK, usual, 0, usual, &out);
    assert_launched();
    LAUNCH(last_dynamic, 1, BLOCK, usual + 1, 0, usual + 1, &out);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    const cudaFuncAttribute attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
    assert_int_equal(cudaFuncSetAttribute(last_dynamic, attribute, most + 1), cudaErrorInvalidValue);
    cudaGetLastError();
    assert_int_equal(cudaFuncSetAttribute(last_dynamic, attribute, most), cudaSuccess);
    out = 0;
    LAUNCH(last_dynamic, 1, BLOCK, most, 0, most, &out);
    assert_launched();
    assert_int_equal(out, 1);
}

// ---- accesses outside of memory -------------------------------------------------------------------

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

// AddressSanitizer stops the first access.
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

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_are_aligned_and_apart),
        cmocka_unit_test(test_empty_and_null),
        cmocka_unit_test(test_only_what_was_allocated_can_be_freed),
        cmocka_unit_test(test_limit_makes_allocation_fail),
        cmocka_unit_test(test_copies_and_fills),
        cmocka_unit_test(test_shared_arrays_are_apart),
        cmocka_unit_test(test_dynamic_shared_memory_has_a_limit),
        cmocka_unit_test(test_sanitizer_sees_accesses_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
