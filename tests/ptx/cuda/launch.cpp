// Launches: the limits that a GPU has, parameters, and what is counted.
#include "launch.h"

#include <cstring>

#include "../checks/findings.h"
#include "../memory/memory.h"

namespace {

constexpr uint64_t GRID_X_MOST = 2147483647, GRID_YZ_MOST = 65535;
constexpr unsigned BLOCK_Z_MOST = 64;
constexpr uint64_t CLUSTER_PORTABLE = 8, CLUSTER_MOST = 16;

template <class... T>
cudaError_t refuse(const Kernel &kernel, cudaError_t error, const char *format, T... arguments) {
    char text[256];
    std::snprintf(text, sizeof text, format, arguments...);
    host_finding(Check::launch, "launch of kernel %s: %s", kernel.program->readable.c_str(), text);
    return error;
}

cudaError_t check_sizes(const Kernel &kernel, const LaunchRequest &r) {
    // Each number comes before the product, which wraps around if they are large.
    const Size3 g = r.grid, b = r.block;
    if (g.x > GRID_X_MOST || g.y > GRID_YZ_MOST || g.z > GRID_YZ_MOST || g.product() == 0)
        return refuse(kernel, cudaErrorInvalidConfiguration,
                      "a grid of (%u,%u,%u) blocks, limit (%lu,%lu,%lu)", g.x, g.y, g.z, GRID_X_MOST,
                      GRID_YZ_MOST, GRID_YZ_MOST);
    const uint64_t most = device().threads_per_block;
    if (b.x > most || b.y > most || b.z > BLOCK_Z_MOST || b.product() == 0 || b.product() > most)
        return refuse(kernel, cudaErrorInvalidConfiguration,
                      "a block of (%u,%u,%u) threads, limit %lu, and %u in z", b.x, b.y, b.z, most,
                      BLOCK_Z_MOST);
    return cudaSuccess;
}

// What the kernel was compiled for.
cudaError_t check_bounds(const Kernel &kernel, const LaunchRequest &r) {
    const Program &p = *kernel.program;
    const int threads = r.block.product();
    const int *required = p.required_threads;
    if (required[0] > 0 && ((int)r.block.x != required[0] || (int)r.block.y != required[1] ||
                            (int)r.block.z != required[2]))
        return refuse(kernel, cudaErrorInvalidValue,
                      "a block of (%u,%u,%u) threads, the kernel requires (%d,%d,%d)", r.block.x,
                      r.block.y, r.block.z, required[0], required[1], required[2]);
    if (p.max_threads > 0 && threads > p.max_threads)
        return refuse(kernel, cudaErrorInvalidValue,
                      "a block of %d threads, __launch_bounds__ promised at most %d", threads,
                      p.max_threads);
    const int registers = registers_of_block(p.registers, threads);
    if (registers > device().registers_per_block)
        return refuse(kernel, cudaErrorLaunchOutOfResources,
                      "%d threads of %d registers take %d registers, a block can have %d", threads,
                      p.registers, registers, device().registers_per_block);
    return cudaSuccess;
}

cudaError_t check_shared(const Kernel &kernel, const LaunchRequest &r) {
    const size_t fixed = kernel.program->shared_bytes, most = device().shared_per_block_optin;
    if (fixed + r.dynamic_shared > most)
        return refuse(kernel, cudaErrorInvalidValue,
                      "%zu bytes of static and %zu of dynamic shared memory, a block can have %zu",
                      fixed, r.dynamic_shared, most);
    if (r.dynamic_shared > dynamic_shared_most(kernel))
        return refuse(
            kernel, cudaErrorInvalidValue,
            "%zu bytes of dynamic shared memory, %zu are allowed (cudaFuncSetAttribute allows more)",
            r.dynamic_shared, dynamic_shared_most(kernel));
    return cudaSuccess;
}

cudaError_t check_cluster(const Kernel &kernel, const LaunchRequest &r) {
    const Size3 c = r.cluster, g = r.grid;
    const int *required = kernel.program->required_cluster;
    if (required[0] > 0 &&
        ((int)c.x != required[0] || (int)c.y != required[1] || (int)c.z != required[2]))
        return refuse(kernel, cudaErrorInvalidClusterSize,
                      "a cluster of (%u,%u,%u) blocks, the kernel requires (%d,%d,%d)", c.x, c.y, c.z,
                      required[0], required[1], required[2]);
    if (c == Size3()) return cudaSuccess;
    if (device().major < 9)
        return refuse(kernel, cudaErrorNotSupported,
                      "a cluster of (%u,%u,%u) blocks, this device has no clusters", c.x, c.y, c.z);
    const uint64_t most = kernel.any_cluster_size ? CLUSTER_MOST : CLUSTER_PORTABLE;
    if (c.x > most || c.y > most || c.z > most || c.product() == 0 || c.product() > most)
        return refuse(kernel, cudaErrorInvalidClusterSize, "a cluster of (%u,%u,%u) blocks, limit %lu",
                      c.x, c.y, c.z, most);
    if (g.x % c.x != 0 || g.y % c.y != 0 || g.z % c.z != 0)
        return refuse(kernel, cudaErrorInvalidClusterSize,
                      "a grid of (%u,%u,%u) blocks is not whole clusters of (%u,%u,%u)", g.x, g.y, g.z,
                      c.x, c.y, c.z);
    return cudaSuccess;
}

cudaError_t check_cooperative(const Kernel &kernel, const LaunchRequest &r) {
    if (!r.cooperative) return cudaSuccess;
    const int held = occupancy_of(*kernel.program, r.block.product(), r.dynamic_shared).blocks();
    const uint64_t most = (uint64_t)held * device().multiprocessors;
    if (r.grid.product() > most)
        return refuse(kernel, cudaErrorCooperativeLaunchTooLarge,
                      "%lu blocks together, the device holds %lu at once", r.grid.product(), most);
    return cudaSuccess;
}

// Each parameter in its place in the parameter space.
Parameters copy_parameters(const Program &program, void **args) {
    Parameters space(program.param_bytes);
    for (size_t i = 0; i < program.params.size(); ++i)
        std::memcpy(space.data() + program.params[i].offset, args[i], program.params[i].bytes);
    return space;
}

void count(Kernel &kernel, const LaunchRequest &r) {
    Program &program = *kernel.program;
    const int held = occupancy_of(program, r.block.product(), r.dynamic_shared).blocks();
    kernel.shapes[{r.grid, r.block, r.cluster, r.dynamic_shared}] += 1;
    program.waves += (double)r.grid.product() / ((double)held * device().multiprocessors);
}

// Where the blocks of a cooperative grid wait for each other: its size, then a barrier that
// cooperative_groups keeps.
uint64_t workspace() {
    static unsigned words[2] = {sizeof words, 0};
    static const bool known = (host_register(words, sizeof words, true), true);
    return known ? (uint64_t)words : 0;
}

}  // namespace

cudaError_t check_launch(const Kernel &kernel, const LaunchRequest &request) {
    for (auto check : {check_sizes, check_bounds, check_shared, check_cluster, check_cooperative})
        if (const cudaError_t error = check(kernel, request); error != cudaSuccess) return error;
    return cudaSuccess;
}

// What a GPU says afterwards; one that waits forever says nothing unless a watchdog ends it.
static cudaError_t error_of(const Launch &launch) {
    switch (launch.failure) {
        case Launch::assertion:
            return cudaErrorAssert;
        case Launch::deadlock:
            return cudaErrorLaunchTimeout;
        default:
            return cudaErrorLaunchFailure;
    }
}

cudaError_t launch_kernel(Kernel &kernel, const LaunchRequest &request, void **args,
                          cudaStream_t stream) {
    if (const cudaError_t error = decode(kernel); error != cudaSuccess) return error;
    LaunchRequest r = request;
    const int *required = kernel.program->required_cluster;
    // A kernel of __cluster_dims__ needs no attribute.
    if (required[0] > 0 && r.cluster == Size3())
        r.cluster = {(unsigned)required[0], (unsigned)required[1], (unsigned)required[2]};
    if (const cudaError_t error = check_launch(kernel, r); error != cudaSuccess) return error;
    auto params = copy_parameters(*kernel.program, args);
    return enqueue(stream, "a launch", [&kernel, r, params = std::move(params)] {
        static uint64_t number = 0;
        count(kernel, r);
        Launch launch;
        launch.program = kernel.program.get();
        launch.grid = r.grid, launch.block = r.block, launch.cluster = r.cluster;
        launch.dynamic_shared = (int)r.dynamic_shared;
        launch.params = params;
        launch.number = ++number;
        launch.workspace = r.cooperative ? workspace() : 0;
        run_launch(launch);
        if (launch.failure != Launch::none) device_failed(error_of(launch));
        return device_status();
    });
}

// ---- the API's functions ----------------------------------------------------------------------------

namespace {

Size3 size_of(dim3 d) { return {d.x, d.y, d.z}; }

cudaError_t launch(const void *function, const LaunchRequest &request, void **args,
                   cudaStream_t stream) {
    API_GUARD;
    if (device_status() != cudaSuccess) return result(device_status());
    Kernel *kernel = find_kernel(function);
    if (kernel == nullptr) return result(cudaErrorInvalidDeviceFunction);
    return result(launch_kernel(*kernel, request, args, stream));
}

struct Configuration {
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
};
thread_local std::vector<Configuration> configurations;  // of <<<>>> whose call comes next

}  // namespace

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, CUstream_st *stream) {
    configurations.push_back({grid, block, shared, stream});
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
    if (configurations.empty()) return result(cudaErrorMissingConfiguration);
    const Configuration &c = configurations.back();
    *grid = c.grid, *block = c.block, *shared = c.shared, *(cudaStream_t *)stream = c.stream;
    configurations.pop_back();
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args, size_t shared,
                               cudaStream_t stream) {
    return launch(kernel, {size_of(grid), size_of(block), {}, shared, false}, args, stream);
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
                                    size_t shared, cudaStream_t stream) {
    return __cudaLaunchKernel(kernel, grid, block, args, shared,
                              stream == nullptr ? cudaStreamPerThread : stream);
}

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **args, size_t shared,
                             cudaStream_t stream) {
    return launch(function, {size_of(grid), size_of(block), {}, shared, false}, args, stream);
}

cudaError_t cudaLaunchCooperativeKernel(const void *function, dim3 grid, dim3 block, void **args,
                                        size_t shared, cudaStream_t stream) {
    return launch(function, {size_of(grid), size_of(block), {}, shared, true}, args, stream);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *function, void **args) {
    if (config == nullptr) return result(cudaErrorInvalidValue);
    LaunchRequest r = {
        size_of(config->gridDim), size_of(config->blockDim), {}, config->dynamicSmemBytes, false};
    for (unsigned i = 0; i < config->numAttrs; ++i) {
        const cudaLaunchAttribute &a = config->attrs[i];
        switch (a.id) {
            case cudaLaunchAttributeClusterDimension:
                r.cluster = {a.val.clusterDim.x, a.val.clusterDim.y, a.val.clusterDim.z};
                break;
            case cudaLaunchAttributeCooperative:
                r.cooperative = a.val.cooperative != 0;
                break;
            // Launches run one after another, so that hints on when they may begin change nothing.
            case cudaLaunchAttributeIgnore:
            case cudaLaunchAttributeAccessPolicyWindow:
            case cudaLaunchAttributeSynchronizationPolicy:
            case cudaLaunchAttributeClusterSchedulingPolicyPreference:
            case cudaLaunchAttributeProgrammaticStreamSerialization:
            case cudaLaunchAttributePriority:
            case cudaLaunchAttributeMemSyncDomain:
            case cudaLaunchAttributeMemSyncDomainMap:
            case cudaLaunchAttributePreferredSharedMemoryCarveout:
                break;
            default:
                host_finding(Check::wrong_use, "cudaLaunchKernelExC: launch attribute %d is not known",
                             (int)a.id);
                return result(cudaErrorNotSupported);
        }
    }
    return launch(function, r, args, config->stream);
}
