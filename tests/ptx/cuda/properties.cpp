// What a program may ask of the device as a whole.
#include <algorithm>
#include <cstring>
#include <map>

#pragma GCC visibility push(default)
#include <cuda_profiler_api.h>
#pragma GCC visibility pop

#include "../device.h"
#include "../machine/program.h"
#include "../memory/memory.h"
#include "api.h"

namespace {

constexpr int CONSTANT_BYTES = 64 << 10, L2_BYTES = 40 << 20, BUS_BITS = 5120, CLOCK_KHZ = 1'410'000,
              MEMORY_KHZ = 1'215'000;
constexpr int TEXTURE_ALIGNMENT = 512, PITCH_ALIGNMENT = 32, COPY_ENGINES = 3;
constexpr int GRID_X = 2147483647, GRID_YZ = 65535, BLOCK_XY = 1024, BLOCK_Z = 64;

const std::map<int, int> &attributes() {
    static const Device &d = device();
    static const std::map<int, int> table = {
        {cudaDevAttrMaxThreadsPerBlock, d.threads_per_block},
        {cudaDevAttrMaxBlockDimX, BLOCK_XY},
        {cudaDevAttrMaxBlockDimY, BLOCK_XY},
        {cudaDevAttrMaxBlockDimZ, BLOCK_Z},
        {cudaDevAttrMaxGridDimX, GRID_X},
        {cudaDevAttrMaxGridDimY, GRID_YZ},
        {cudaDevAttrMaxGridDimZ, GRID_YZ},
        {cudaDevAttrMaxSharedMemoryPerBlock, d.shared_per_block},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, d.shared_per_block_optin},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, d.shared_per_multiprocessor},
        {cudaDevAttrReservedSharedMemoryPerBlock, d.shared_reserved},
        {cudaDevAttrMaxRegistersPerBlock, d.registers_per_block},
        {cudaDevAttrMaxRegistersPerMultiprocessor, d.registers_per_multiprocessor},
        {cudaDevAttrMaxThreadsPerMultiProcessor, d.threads_per_multiprocessor},
        {cudaDevAttrMaxBlocksPerMultiprocessor, d.blocks_per_multiprocessor},
        {cudaDevAttrMultiProcessorCount, d.multiprocessors},
        {cudaDevAttrComputeCapabilityMajor, d.major},
        {cudaDevAttrComputeCapabilityMinor, d.minor},
        {cudaDevAttrTotalConstantMemory, CONSTANT_BYTES},
        {cudaDevAttrWarpSize, LANES},
        {cudaDevAttrMaxPitch, 2147483647},
        {cudaDevAttrClockRate, CLOCK_KHZ},
        {cudaDevAttrMemoryClockRate, MEMORY_KHZ},
        {cudaDevAttrGlobalMemoryBusWidth, BUS_BITS},
        {cudaDevAttrL2CacheSize, L2_BYTES},
        {cudaDevAttrMaxPersistingL2CacheSize, 0},
        {cudaDevAttrMaxAccessPolicyWindowSize, 0},
        {cudaDevAttrTextureAlignment, TEXTURE_ALIGNMENT},
        {cudaDevAttrTexturePitchAlignment, PITCH_ALIGNMENT},
        {cudaDevAttrGpuOverlap, 1},
        {cudaDevAttrAsyncEngineCount, COPY_ENGINES},
        {cudaDevAttrKernelExecTimeout, 0},
        {cudaDevAttrIntegrated, 0},
        {cudaDevAttrCanMapHostMemory, 1},
        {cudaDevAttrComputeMode, cudaComputeModeDefault},
        {cudaDevAttrConcurrentKernels, 1},
        {cudaDevAttrEccEnabled, 1},
        {cudaDevAttrPciBusId, 1},
        {cudaDevAttrPciDeviceId, 0},
        {cudaDevAttrPciDomainId, 0},
        {cudaDevAttrTccDriver, 0},
        {cudaDevAttrUnifiedAddressing, 1},
        {cudaDevAttrStreamPrioritiesSupported, 1},
        {cudaDevAttrGlobalL1CacheSupported, 1},
        {cudaDevAttrLocalL1CacheSupported, 1},
        {cudaDevAttrManagedMemory, 1},
        {cudaDevAttrIsMultiGpuBoard, 0},
        {cudaDevAttrHostNativeAtomicSupported, 0},
        {cudaDevAttrPageableMemoryAccess, 0},
        {cudaDevAttrConcurrentManagedAccess, 0},
        {cudaDevAttrComputePreemptionSupported, 1},
        {cudaDevAttrCanUseHostPointerForRegisteredMem, 1},
        {cudaDevAttrCooperativeLaunch, 1},
        {cudaDevAttrHostRegisterSupported, 1},
        {cudaDevAttrDirectManagedMemAccessFromHost, 0},
        {cudaDevAttrMemoryPoolsSupported, 1},
        {cudaDevAttrClusterLaunch, d.major >= 9},
    };
    return table;
}

int get(cudaDeviceAttr a) { return attributes().at(a); }

void fill_sizes(cudaDeviceProp *p) {
    const Device &d = device();
    p->sharedMemPerBlock = d.shared_per_block, p->sharedMemPerBlockOptin = d.shared_per_block_optin;
    p->sharedMemPerMultiprocessor = d.shared_per_multiprocessor,
    p->reservedSharedMemPerBlock = d.shared_reserved;
    p->regsPerBlock = d.registers_per_block, p->regsPerMultiprocessor = d.registers_per_multiprocessor;
    p->maxThreadsPerBlock = d.threads_per_block,
    p->maxThreadsPerMultiProcessor = d.threads_per_multiprocessor;
    p->maxBlocksPerMultiProcessor = d.blocks_per_multiprocessor;
    p->multiProcessorCount = d.multiprocessors;
    for (int i = 0; i < 3; ++i) {
        p->maxThreadsDim[i] = get((cudaDeviceAttr)(cudaDevAttrMaxBlockDimX + i));
        p->maxGridSize[i] = get((cudaDeviceAttr)(cudaDevAttrMaxGridDimX + i));
    }
    p->totalConstMem = CONSTANT_BYTES, p->memPitch = get(cudaDevAttrMaxPitch), p->warpSize = LANES;
    p->textureAlignment = TEXTURE_ALIGNMENT, p->texturePitchAlignment = PITCH_ALIGNMENT;
    p->l2CacheSize = L2_BYTES, p->memoryBusWidth = BUS_BITS;
}

std::map<int, size_t> &limits() {
    static auto *all = new std::map<int, size_t>{{cudaLimitStackSize, 1024},
                                                 {cudaLimitPrintfFifoSize, 1 << 20},
                                                 {cudaLimitMallocHeapSize, 8 << 20},
                                                 {cudaLimitDevRuntimeSyncDepth, 2},
                                                 {cudaLimitDevRuntimePendingLaunchCount, 2048},
                                                 {cudaLimitMaxL2FetchGranularity, 64},
                                                 {cudaLimitPersistingL2CacheSize, 0}};
    return *all;
}

unsigned device_flags = 0;

cudaError_t check_device(int ordinal) {
    return result(ordinal == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

}  // namespace

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int ordinal) {
    if (p == nullptr) return result(cudaErrorInvalidValue);
    if (ordinal != 0) return check_device(ordinal);
    *p = {};
    const Device &d = device();
    std::strncpy(p->name, d.name, sizeof p->name - 1);
    p->major = d.major, p->minor = d.minor, p->totalGlobalMem = device_memory_total();
    fill_sizes(p);
    p->canMapHostMemory = p->concurrentKernels = p->ECCEnabled = p->unifiedAddressing =
        p->managedMemory = 1;
    p->streamPrioritiesSupported = p->globalL1CacheSupported = p->localL1CacheSupported = 1;
    p->computePreemptionSupported = p->canUseHostPointerForRegisteredMem = p->cooperativeLaunch = 1;
    p->hostRegisterSupported = p->memoryPoolsSupported = 1;
    p->asyncEngineCount = COPY_ENGINES, p->pciBusID = 1, p->clusterLaunch = d.major >= 9;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int ordinal) {
    if (value == nullptr) return result(cudaErrorInvalidValue);
    if (ordinal != 0) return check_device(ordinal);
    const auto found = attributes().find(attribute);
    if (found == attributes().end()) return result(cudaErrorInvalidValue);
    *value = found->second;
    return cudaSuccess;
}

// ---- the choice of a device: there is one ----

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int ordinal) { return check_device(ordinal); }
cudaError_t cudaInitDevice(int ordinal, unsigned, unsigned) { return check_device(ordinal); }

cudaError_t cudaGetDevice(int *ordinal) {
    *ordinal = 0;
    return cudaSuccess;
}

cudaError_t cudaChooseDevice(int *ordinal, const struct cudaDeviceProp *) {
    return cudaGetDevice(ordinal);
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int, int) {
    *can = 0;
    return cudaSuccess;
}

cudaError_t cudaDeviceReset() { return cudaSuccess; }

cudaError_t cudaSetDeviceFlags(unsigned flags) {
    device_flags = flags;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceFlags(unsigned *flags) {
    *flags = device_flags;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int bytes, int ordinal) {
    if (ordinal != 0) return check_device(ordinal);
    std::snprintf(text, bytes, "0000:01:00.0");
    return cudaSuccess;
}

cudaError_t cudaDeviceGetByPCIBusId(int *ordinal, const char *) { return cudaGetDevice(ordinal); }

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    if (least != nullptr) *least = 0;
    if (greatest != nullptr) *greatest = -5;
    return cudaSuccess;
}

// ---- limits and settings: kept, without effect ----

cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value) {
    API_GUARD;
    if (!limits().contains(limit)) return result(cudaErrorUnsupportedLimit);
    limits()[limit] = value;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetLimit(size_t *value, enum cudaLimit limit) {
    API_GUARD;
    if (!limits().contains(limit)) return result(cudaErrorUnsupportedLimit);
    *value = limits()[limit];
    return cudaSuccess;
}

cudaError_t cudaDeviceSetCacheConfig(enum cudaFuncCache) { return cudaSuccess; }

cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache *config) {
    *config = cudaFuncCachePreferNone;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaProfilerStart() { return cudaSuccess; }
cudaError_t cudaProfilerStop() { return cudaSuccess; }
