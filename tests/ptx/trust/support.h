// What the programs here share: numbers, device memory, and comparison that prints both numbers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <type_traits>
#include <vector>

#include <cuda_runtime.h>

inline int &failures() {
    static int count = 0;
    return count;
}

inline void check(cudaError_t status, const char *what) {
    if (status == cudaSuccess) return;
    printf("FAILED %s: %s\n", what, cudaGetErrorString(status));
    ++failures();
}

template <class T>
std::vector<T> numbers(size_t count, uint32_t seed) {
    std::vector<T> all(count);
    for (T &value : all) value = (T)(seed = seed * 1664525u + 1013904223u);
    return all;
}

template <class T>
struct Device {
    explicit Device(size_t count) : count(count) {
        check(cudaMalloc(&data, count * sizeof(T)), "cudaMalloc");
    }
    explicit Device(const std::vector<T> &values) : Device(values.size()) {
        check(cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
    }
    ~Device() { cudaFree(data); }
    Device(const Device &) = delete;
    T *data = nullptr;
    size_t count;
};

// The first values of `actual`, as many as expected.
template <class T>
void expect(const char *what, const Device<T> &actual, const std::vector<T> &expected) {
    check(cudaGetLastError(), what);
    check(cudaDeviceSynchronize(), what);
    std::vector<T> values(expected.size());
    check(cudaMemcpy(values.data(), actual.data, values.size() * sizeof(T), cudaMemcpyDeviceToHost),
          what);
    for (size_t i = 0; i < values.size(); ++i) {
        if (values[i] == expected[i]) continue;
        printf("FAILED %s: value %zu is %.17g, expected %.17g\n", what, i, (double)values[i],
               (double)expected[i]);
        ++failures();
        return;
    }
    printf("ok     %s: %zu values\n", what, values.size());
}

// Integers that wrap, as on the device.
template <class It>
int wrapping_sum(It begin, It end) {
    uint32_t sum = 0;
    for (; begin != end; ++begin) sum += (uint32_t)*begin;
    return (int)sum;
}
template <class It, class To>
void wrapping_scan(It begin, It end, To to) {
    uint32_t sum = 0;
    for (; begin != end; ++begin, ++to) *to = (int)(sum += (uint32_t)*begin);
}
