// How kernels are launched on the CPU target: the names of kernels/device/launch.cuh.
#pragma once

#include <string.h>

#include <functional>
#include <tuple>
#include <utility>

#include "include/cuda_runtime.h"

#ifdef SIMT_FAITHFUL
constexpr int WARP = 32;
constexpr int BLOCK = 256;
template <typename T>
constexpr int PACK = 16 / sizeof(T);
#else
constexpr int WARP = 1;
constexpr int BLOCK = 1;
template <typename T>
constexpr int PACK = 1;
#endif

inline uint4 load_16(const void *from) {
    uint4 words;
    memcpy(&words, from, sizeof words);
    return words;
}
inline void store_16(void *to, uint4 words) { memcpy(to, &words, sizeof words); }

namespace simt {

struct Launch {
    const char *kernel;  // as written in the LAUNCH
    const void *function;
    dim3 grid, block;
    size_t shared_bytes;
    cudaStream_t stream;
};

// Runs `thread` for every thread of the grid, or records that if the stream is being captured.
void launch(const Launch &launch, std::function<void()> thread);

// The arguments are copied now, as the kernel's parameter types.
template <typename... P, typename... A>
void launch_kernel(const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                   cudaStream_t stream, A &&...arguments) {
    std::tuple<P...> parameters(std::forward<A>(arguments)...);
    launch({name, reinterpret_cast<const void *>(kernel), grid, block, shared_bytes, stream},
           [kernel, parameters] { std::apply(kernel, parameters); });
}

extern __thread void *dynamic_shared;  // of the block that this OS thread runs

// One declaration of a static array; its address tells it from others.
struct SharedArray {
    const char *name;
    size_t bytes;
};
void *shared_array(const SharedArray &array);  // faithful mode: the same in every thread of a block

}  // namespace simt

#define LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
    simt::launch_kernel(#kernel, kernel, grid, block, shared_bytes, stream, ##__VA_ARGS__)

#define SHARED_DYNAMIC(T, name) T *name = static_cast<T *>(simt::dynamic_shared)
#ifdef SIMT_FAITHFUL
#define SHARED_ARRAY(T, name, count)                                                                \
    static constexpr simt::SharedArray name##_array = {"shared array " #name, (count) * sizeof(T)}; \
    T *name = static_cast<T *>(simt::shared_array(name##_array))
#else
// One thread is the whole block.
#define SHARED_ARRAY(T, name, count)                             \
    alignas(16) unsigned char name##_bytes[(count) * sizeof(T)]; \
    T *name = reinterpret_cast<T *>(name##_bytes)
#endif
