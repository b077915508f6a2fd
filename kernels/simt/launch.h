// How kernels are launched on the CPU target: the names of kernels/device/launch.cuh.
#pragma once

#include <string.h>

#include <functional>
#include <tuple>
#include <utility>

#include "include/cuda_runtime.h"

constexpr int WARP = 1;
constexpr int BLOCK = 1;
template <typename T>
constexpr int PACK = 1;

inline uint4 load_16(const void *from) {
    uint4 words;
    memcpy(&words, from, sizeof words);
    return words;
}
inline void store_16(void *to, uint4 words) { memcpy(to, &words, sizeof words); }

inline float min_or_nan(float a, float b) { return b < a ? b : a; }
inline float max_or_nan(float a, float b) { return a < b ? b : a; }

namespace simt {

struct Launch {
    const void *function;
    dim3 grid, block;
    size_t shared_bytes;
    cudaStream_t stream;
};

// Runs `thread` for every block of the grid, or records that if the stream is being captured.
void launch(const Launch &launch, std::function<void()> thread);

// The arguments are copied now, as the kernel's parameter types.
template <typename... P, typename... A>
void launch_kernel(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                   cudaStream_t stream, A &&...arguments) {
    std::tuple<P...> parameters(std::forward<A>(arguments)...);
    launch({reinterpret_cast<const void *>(kernel), grid, block, shared_bytes, stream},
           [kernel, parameters] { std::apply(kernel, parameters); });
}

extern __thread void *dynamic_shared;  // of the block that this OS thread runs

}  // namespace simt

#define LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
    simt::launch_kernel(kernel, grid, block, shared_bytes, stream, ##__VA_ARGS__)

#define SHARED_DYNAMIC(T, name) T *name = static_cast<T *>(simt::dynamic_shared)
// One thread is the whole block.
#define SHARED_ARRAY(T, name, count)                             \
    alignas(16) unsigned char name##_bytes[(count) * sizeof(T)]; \
    T *name = reinterpret_cast<T *>(name##_bytes)
