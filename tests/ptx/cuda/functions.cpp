// What a program asks of its kernels, and allows them.
#include "../checks/findings.h"
#include "launch.h"

namespace {

cudaError_t find_decoded(const void *function, Kernel **kernel) {
    *kernel = find_kernel(function);
    return *kernel == nullptr ? cudaErrorInvalidDeviceFunction : decode(**kernel);
}

// The number in "sm_80" or "sm_90a".
int version_of(const std::string &target) { return std::atoi(target.c_str() + 3); }

cudaError_t allow_shared(Kernel &kernel, int bytes) {
    const int most = device().shared_per_block_optin - kernel.program->shared_bytes;
    if (bytes < 0 || bytes > most) {
        host_finding(Check::launch,
                     "cudaFuncSetAttribute of kernel %s: %d bytes of dynamic shared memory, limit %d",
                     kernel.program->readable.c_str(), bytes, most);
        return cudaErrorInvalidValue;
    }
    kernel.dynamic_shared_most = bytes;
    return cudaSuccess;
}

}  // namespace

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value) {
    API_GUARD;
    Kernel *kernel;
    if (const cudaError_t error = find_decoded(function, &kernel); error != cudaSuccess)
        return result(error);
    switch (attribute) {
        case cudaFuncAttributeMaxDynamicSharedMemorySize:
            return result(allow_shared(*kernel, value));
        case cudaFuncAttributePreferredSharedMemoryCarveout:
            if (value < -1 || value > 100) return result(cudaErrorInvalidValue);
            kernel->carveout = value;
            return cudaSuccess;
        case cudaFuncAttributeNonPortableClusterSizeAllowed:
            kernel->any_cluster_size = value != 0;
            return cudaSuccess;
        default:
            host_finding(Check::wrong_use, "cudaFuncSetAttribute: attribute %d is not known",
                         (int)attribute);
            return result(cudaErrorInvalidValue);
    }
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function) {
    API_GUARD;
    Kernel *kernel;
    if (const cudaError_t error = find_decoded(function, &kernel); error != cudaSuccess)
        return result(error);
    const Program &p = *kernel->program;
    *attributes = {};
    attributes->sharedSizeBytes = p.shared_bytes;
    attributes->localSizeBytes = p.local_bytes;
    attributes->maxThreadsPerBlock = threads_most(p);
    attributes->numRegs = p.registers;
    attributes->ptxVersion = version_of(kernel->binary->fat.target);
    attributes->binaryVersion = device().major * 10 + device().minor;
    attributes->maxDynamicSharedSizeBytes = (int)dynamic_shared_most(*kernel);
    attributes->preferredShmemCarveout = kernel->carveout;
    attributes->nonPortableClusterSizeAllowed = kernel->any_cluster_size;
    attributes->requiredClusterWidth = p.required_cluster[0];
    attributes->requiredClusterHeight = p.required_cluster[1];
    attributes->requiredClusterDepth = p.required_cluster[2];
    return cudaSuccess;
}

cudaError_t cudaFuncGetName(const char **name, const void *function) {
    API_GUARD;
    const Kernel *kernel = find_kernel(function);
    if (kernel == nullptr) return result(cudaErrorInvalidDeviceFunction);
    *name = kernel->name.c_str();
    return cudaSuccess;
}

cudaError_t cudaFuncGetParamInfo(const void *function, size_t index, size_t *offset, size_t *bytes) {
    API_GUARD;
    Kernel *kernel;
    if (const cudaError_t error = find_decoded(function, &kernel); error != cudaSuccess)
        return result(error);
    if (index >= kernel->program->params.size()) return result(cudaErrorInvalidValue);
    *offset = kernel->program->params[index].offset;
    if (bytes != nullptr) *bytes = kernel->program->params[index].bytes;
    return cudaSuccess;
}

cudaError_t cudaFuncSetCacheConfig(const void *function, enum cudaFuncCache) {
    API_GUARD;
    return result(find_kernel(function) != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction);
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *function, const void *symbol) {
    API_GUARD;
    *function = (cudaFunction_t)find_kernel(symbol);
    return result(*function != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction);
}
