// A launch: its checks, and its blocks spread over OpenMP's threads, which oneDNN uses too.
#include "launch.h"

#include <stdlib.h>

#include <mutex>
#include <unordered_map>

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

namespace simt {

static bool shared_bytes_allowed(const Launch &launch) {
    if (launch.shared_bytes <= SHARED_BYTES) return true;
    const std::lock_guard<std::mutex> lock(shared_bytes_mutex);
    const auto found = shared_bytes_of.find(launch.function);
    return found != shared_bytes_of.end() && launch.shared_bytes <= found->second;
}

static cudaError_t check(const Launch &launch) {
    const dim3 grid = launch.grid, block = launch.block;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > GRID_X_MOST || grid.y > GRID_YZ_MOST ||
        grid.z > GRID_YZ_MOST)
        return cudaErrorInvalidConfiguration;
    const unsigned long long threads = 1ull * block.x * block.y * block.z;
    if (threads == 0 || threads > BLOCK_THREADS_MOST) return cudaErrorInvalidConfiguration;
    return shared_bytes_allowed(launch) ? cudaSuccess : cudaErrorInvalidValue;
}

static void run(const Launch &launch, const std::function<void()> &thread) {
    const dim3 grid = launch.grid;
    const long long plane = 1ll * grid.x * grid.y, blocks = plane * grid.z;
#pragma omp parallel if (blocks > 1)
    {
        gridDim = grid;
        void *shared = nullptr;
        if (launch.shared_bytes > 0 && posix_memalign(&shared, 256, launch.shared_bytes) != 0) abort();
        dynamic_shared = shared;
#pragma omp for schedule(dynamic)
        for (long long b = 0; b < blocks; b++) {
            blockIdx = {static_cast<unsigned int>(b % grid.x),
                        static_cast<unsigned int>(b % plane / grid.x),
                        static_cast<unsigned int>(b / plane)};
            thread();
        }
        free(shared);
    }
}

void launch(const Launch &launch, std::function<void()> thread) {
    const cudaError_t status = check(launch);
    if (status != cudaSuccess) {
        failed(status);
        return;
    }
    enqueue(launch.stream, [launch, thread] { run(launch, thread); });
}

}  // namespace simt
