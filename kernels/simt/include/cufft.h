// cuFFT's calls that this project makes, for the CPU target; cufft.cpp does them.
// Names, values and argument orders are those of cuFFT 11 and 12.
#ifndef SIMT_CUFFT_H
#define SIMT_CUFFT_H

#include <cuda_runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    CUFFT_SUCCESS = 0x0,
    CUFFT_INVALID_PLAN = 0x1,
    CUFFT_ALLOC_FAILED = 0x2,
    CUFFT_INVALID_TYPE = 0x3,
    CUFFT_INVALID_VALUE = 0x4,
    CUFFT_INTERNAL_ERROR = 0x5,
    CUFFT_EXEC_FAILED = 0x6,
    CUFFT_INVALID_SIZE = 0x8,
    CUFFT_NO_WORKSPACE = 0xD,
    CUFFT_NOT_SUPPORTED = 0x10
} cufftResult;

typedef enum { CUFFT_R2C = 0x2a, CUFFT_C2R = 0x2c, CUFFT_C2C = 0x29 } cufftType;

typedef int cufftHandle;
typedef float cufftReal;
typedef float2 cufftComplex;

// A handle is made a plan by cufftMakePlanMany.  Its workspace is *work_size bytes: none here.
cufftResult cufftCreate(cufftHandle *plan);
cufftResult cufftDestroy(cufftHandle plan);
cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream);
cufftResult cufftSetAutoAllocation(cufftHandle plan, int auto_allocate);
cufftResult cufftSetWorkArea(cufftHandle plan, void *work_area);

// Here: CUFFT_R2C, contiguous in its last dimension (strides of 1), rank 1 to 3.
cufftResult cufftMakePlanMany(cufftHandle plan, int rank, int *n, int *inembed, int istride, int idist,
                              int *onembed, int ostride, int odist, cufftType type, int batch,
                              size_t *work_size);

// Unnormalized: X[k] = sum over j of x[j] exp(-2 pi i j k / n), 0 <= k <= n/2 in the last dimension.
cufftResult cufftExecR2C(cufftHandle plan, cufftReal *in, cufftComplex *out);

#ifdef __cplusplus
}
#endif

#endif
