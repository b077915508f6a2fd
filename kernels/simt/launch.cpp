// A launch: what CUDA checks of it.
#include "launch.h"

#include <mutex>
#include <unordered_map>

#include "grid.h"
#include "limits.h"
#include "stream.h"

__thread uint3 blockIdx;
__thread dim3 gridDim;

namespace simt {
__thread void *dynamic_shared;
}

// Kernels that asked for more dynamic shared memory than SHARED_BYTES, and for how much.
static std::mutex shared_bytes_mutex;
static std::unordered_map<const void *, size_t> shared_bytes_of;

cudaError_t cudaFuncSetAttribute(const void *function, cudaFuncAttribute attribute, int value) {
    if (function == nullptr || value < 0) return simt::failed(cudaErrorInvalidValue);
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (static_cast<size_t>(value) > simt::SHARED_BYTES_MOST)
        return simt::failed(cudaErrorInvalidValue);
    const std::lock_guard<std::mutex> lock(shared_bytes_mutex);
    shared_bytes_of[function] = static_cast<size_t>(value);
    return cudaSuccess;
}

static bool shared_bytes_allowed(const void *function, size_t bytes) {
    if (bytes <= simt::SHARED_BYTES) return true;
    const std::lock_guard<std::mutex> lock(shared_bytes_mutex);
    const auto found = shared_bytes_of.find(function);
    return found != shared_bytes_of.end() && bytes <= found->second;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function,
                                                          int threads, size_t shared_bytes) {
    if (blocks == nullptr || function == nullptr || threads < 1)
        return simt::failed(cudaErrorInvalidValue);
    const bool fits =
        threads <= simt::BLOCK_THREADS_MOST && shared_bytes_allowed(function, shared_bytes);
    *blocks = fits ? 1 : 0;
    return cudaSuccess;
}

namespace simt {

static cudaError_t check(const Launch &launch) {
    const dim3 grid = launch.grid, block = launch.block;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > GRID_X_MOST || grid.y > GRID_YZ_MOST ||
        grid.z > GRID_YZ_MOST)
        return cudaErrorInvalidConfiguration;
    const unsigned long long threads = 1ull * block.x * block.y * block.z;
    if (threads == 0 || threads > BLOCK_THREADS_MOST) return cudaErrorInvalidConfiguration;
    return shared_bytes_allowed(launch.function, launch.shared_bytes) ? cudaSuccess
                                                                      : cudaErrorInvalidValue;
}

void launch(const Launch &launch, std::function<void()> thread) {
    const cudaError_t status = check(launch);
    if (status != cudaSuccess) {
        failed(status);
        return;
    }
    enqueue(launch.stream, [launch, thread] { run_grid(launch, thread); });
}

}  // namespace simt
