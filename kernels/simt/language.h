// CUDA's device language for the CPU: the words that it adds to C++, and what threads of a block see
// of each other.
#pragma once

#include <type_traits>

#include "include/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

// Of this OS thread, which runs one block at a time.
extern __thread uint3 blockIdx;
extern __thread dim3 gridDim;

template <typename T>
inline T __ldg(const T *data) {
    return *data;
}

#include "warp.h"

// Blocks run on several OS threads, so these are atomic.  Each returns the old value.
namespace simt {
template <typename T>
using Value = typename std::enable_if<true, T>::type;  // takes no part in deducing T

template <typename T, typename Update>
inline T atomic_update(T *data, Update update) {
    T old, updated;
    __atomic_load(data, &old, __ATOMIC_RELAXED);
    do {
        updated = update(old);
    } while (
        !__atomic_compare_exchange(data, &old, &updated, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}
}  // namespace simt

template <typename T>
inline T atomicAdd(T *data, simt::Value<T> value) {
    return simt::atomic_update(data, [=](T old) { return static_cast<T>(old + value); });
}
template <typename T>
inline T atomicMax(T *data, simt::Value<T> value) {
    return simt::atomic_update(data, [=](T old) { return old < value ? value : old; });
}
template <typename T>
inline T atomicMin(T *data, simt::Value<T> value) {
    return simt::atomic_update(data, [=](T old) { return value < old ? value : old; });
}
template <typename T>
inline T atomicExch(T *data, simt::Value<T> value) {
    return simt::atomic_update(data, [=](T) { return value; });
}
template <typename T>
inline T atomicCAS(T *data, simt::Value<T> expected, simt::Value<T> value) {
    return simt::atomic_update(data, [=](T old) { return old == expected ? value : old; });
}
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
