// The driver's functions that runtime programs reach, by name or through cudaGetDriverEntryPoint.
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#include <cstring>

#include "../checks/findings.h"
#include "api.h"

extern "C" CUresult kairos_cuTensorMapEncodeTiled(
    CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *global, const cuuint64_t *dims,
    const cuuint64_t *strides, const cuuint32_t *box, const cuuint32_t *element_strides,
    CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
    CUtensorMapFloatOOBfill fill);

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank,
                                void *global, const cuuint64_t *dims, const cuuint64_t *strides,
                                const cuuint32_t *box, const cuuint32_t *element_strides,
                                CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
    return kairos_cuTensorMapEncodeTiled(map, type, rank, global, dims, strides, box, element_strides,
                                         interleave, swizzle, promotion, fill);
}

// The driver's numbers are the runtime's for whatever these functions return.
CUresult cuGetErrorString(CUresult error, const char **text) {
    *text = cudaGetErrorString((cudaError_t)error);
    return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
    *name = error == CUDA_SUCCESS               ? "CUDA_SUCCESS"
            : error == CUDA_ERROR_INVALID_VALUE ? "CUDA_ERROR_INVALID_VALUE"
                                                : cudaGetErrorName((cudaError_t)error);
    return CUDA_SUCCESS;
}

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *version) { return (CUresult)cudaDriverGetVersion(version); }

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetCount(int *count) { return (CUresult)cudaGetDeviceCount(count); }

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    return (CUresult)cudaDeviceGetAttribute(value, (cudaDeviceAttr)attribute, device);
}

namespace {

struct EntryPoint {
    const char *name;
    void *function;
};

const EntryPoint ENTRY_POINTS[] = {
    {"cuTensorMapEncodeTiled", (void *)cuTensorMapEncodeTiled},
    {"cuGetErrorString", (void *)cuGetErrorString},
    {"cuGetErrorName", (void *)cuGetErrorName},
    {"cuInit", (void *)cuInit},
    {"cuDriverGetVersion", (void *)cuDriverGetVersion},
    {"cuDeviceGet", (void *)cuDeviceGet},
    {"cuDeviceGetCount", (void *)cuDeviceGetCount},
    {"cuDeviceGetAttribute", (void *)cuDeviceGetAttribute},
};

}  // namespace

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **function, unsigned,
                                             unsigned long long,
                                             enum cudaDriverEntryPointQueryResult *status) {
    if (symbol == nullptr || function == nullptr) return result(cudaErrorInvalidValue);
    *function = nullptr;
    for (const EntryPoint &e : ENTRY_POINTS)
        if (std::strcmp(symbol, e.name) == 0) *function = e.function;
    if (status != nullptr)
        *status =
            *function != nullptr ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    if (*function == nullptr)
        host_finding(Check::wrong_use, "the driver's function %s is not there", symbol);
    // If the caller takes a status, an unknown name is told there, and is no error.
    return result(*function != nullptr || status != nullptr ? cudaSuccess : cudaErrorSymbolNotFound);
}

#undef cudaGetDriverEntryPoint
extern "C" __attribute__((visibility("default"))) cudaError_t cudaGetDriverEntryPoint(
    const char *symbol, void **function, unsigned long long flags,
    enum cudaDriverEntryPointQueryResult *status) {
    return cudaGetDriverEntryPointByVersion(symbol, function, CUDART_VERSION, flags, status);
}
