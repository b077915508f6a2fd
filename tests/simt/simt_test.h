// For the tests of the CPU target.  Device memory is heap here, so they read and write it directly.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#include "device/launch.cuh"
#include "simt/simt.h"

template <typename T>
T *device_array(size_t count) {
    T *data = nullptr;
    assert_int_equal(cudaMalloc(&data, count * sizeof(T)), cudaSuccess);
    return data;
}

inline void assert_launched() {
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
}
