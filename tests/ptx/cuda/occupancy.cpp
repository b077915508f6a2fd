// How many blocks a multiprocessor holds, as CUDA's occupancy calculator says.
#include <algorithm>
#include <climits>

#include "../device.h"
#include "launch.h"

namespace {

// A multiprocessor gives registers to warps in such units, and spreads warps over so many schedulers.
constexpr int REGISTER_UNIT = 256, SCHEDULERS = 4, SHARED_UNIT = 128;

int round_up(int value, int unit) { return (value + unit - 1) / unit * unit; }
int warps_of(int threads) { return (threads + LANES - 1) / LANES; }
int registers_of_warp(int registers) { return round_up(registers * LANES, REGISTER_UNIT); }

}  // namespace

int registers_of_block(int registers, int threads) {
    return registers_of_warp(registers) * round_up(warps_of(threads), SCHEDULERS);
}

int threads_most(const Program &program) {
    const Device &d = device();
    int most = d.threads_per_block;
    if (program.max_threads > 0) most = std::min(most, program.max_threads);
    if (program.registers > 0) {
        const int warps =
            d.registers_per_block / registers_of_warp(program.registers) / SCHEDULERS * SCHEDULERS;
        most = std::min(most, warps * LANES);
    }
    return most;
}

size_t dynamic_shared_most(const Kernel &kernel) {
    if (kernel.dynamic_shared_most >= 0) return kernel.dynamic_shared_most;
    return device().shared_per_block -
           std::min(device().shared_per_block, kernel.program->shared_bytes);
}

Occupancy occupancy_of(const Program &program, int threads, size_t dynamic_shared) {
    const Device &d = device();
    const int warps = warps_of(threads);
    Occupancy o;
    o.by_blocks = d.blocks_per_multiprocessor;
    o.by_threads = d.threads_per_multiprocessor / LANES / warps;
    o.by_registers = INT_MAX;
    if (program.registers > 0) {
        const int held = d.registers_per_multiprocessor / registers_of_warp(program.registers);
        o.by_registers = held / SCHEDULERS * SCHEDULERS / warps;
    }
    const int shared = program.shared_bytes + (int)dynamic_shared;
    o.by_shared = d.shared_per_multiprocessor / round_up(shared + d.shared_reserved, SHARED_UNIT);
    return o;
}

int Occupancy::blocks() const { return std::min({by_threads, by_blocks, by_registers, by_shared}); }

const char *Occupancy::limit() const {
    const int least = blocks();
    return least == by_registers ? "registers"
           : least == by_shared  ? "shared memory"
           : least == by_threads ? "threads"
                                 : "blocks";
}

// ---- the API's functions ----

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function,
                                                                   int threads, size_t shared,
                                                                   unsigned) {
    API_GUARD;
    Kernel *kernel = find_kernel(function);
    if (kernel == nullptr) return result(cudaErrorInvalidDeviceFunction);
    if (const cudaError_t error = decode(*kernel); error != cudaSuccess) return result(error);
    if (blocks == nullptr || threads < 1) return result(cudaErrorInvalidValue);
    const bool fits = threads <= threads_most(*kernel->program) &&
                      kernel->program->shared_bytes + shared <= (size_t)device().shared_per_block_optin;
    *blocks = fits ? occupancy_of(*kernel->program, threads, shared).blocks() : 0;
    return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function,
                                                          int threads, size_t shared) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, shared, 0);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, const void *function, int blocks,
                                                      int threads) {
    API_GUARD;
    Kernel *kernel = find_kernel(function);
    if (kernel == nullptr) return result(cudaErrorInvalidDeviceFunction);
    if (const cudaError_t error = decode(*kernel); error != cudaSuccess) return result(error);
    if (bytes == nullptr || blocks < 1 || threads < 1) return result(cudaErrorInvalidValue);
    const Device &d = device();
    const int share =
        d.shared_per_multiprocessor / blocks / SHARED_UNIT * SHARED_UNIT - d.shared_reserved;
    *bytes = std::max(0, std::min(share, d.shared_per_block_optin) - kernel->program->shared_bytes);
    return cudaSuccess;
}

// Clusters need their blocks in one processing cluster of the GPU, which has 16 multiprocessors or
// more.
cudaError_t cudaOccupancyMaxActiveClusters(int *clusters, const void *function,
                                           const cudaLaunchConfig_t *config) {
    API_GUARD;
    int blocks = 0, size = 1;
    const dim3 b = config->blockDim;
    const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        &blocks, function, b.x * b.y * b.z, config->dynamicSmemBytes, 0);
    if (error != cudaSuccess) return error;
    for (unsigned i = 0; i < config->numAttrs; ++i)
        if (config->attrs[i].id == cudaLaunchAttributeClusterDimension) {
            const auto &c = config->attrs[i].val.clusterDim;
            size = c.x * c.y * c.z;
        }
    *clusters = blocks * device().multiprocessors / std::max(size, 1);
    return cudaSuccess;
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int *size, const void *function,
                                                 const cudaLaunchConfig_t *) {
    API_GUARD;
    const Kernel *kernel = find_kernel(function);
    if (kernel == nullptr) return result(cudaErrorInvalidDeviceFunction);
    if (device().major < 9) return result(cudaErrorNotSupported);
    *size = kernel->any_cluster_size ? 16 : 8;
    return cudaSuccess;
}
