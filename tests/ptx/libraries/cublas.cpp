// cuBLAS: the names behind cublas_v2.h's macros, which lead to the CPU target's stand-in.
#include "cublas_v2.h"

#include "touches.h"

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) { return cublasCreate(handle); }
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) { return cublasDestroy(handle); }
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    return cublasSetStream(handle, stream);
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                              int m, int n, int k, const float *alpha, const float *a, int lda,
                              const float *b, int ldb, const float *beta, float *c, int ldc) {
    const auto bytes = [](int rows, int columns, int stride) {
        return rows < 1 || columns < 1 ? 0 : ((size_t)(columns - 1) * stride + rows) * sizeof(float);
    };
    if (!touches("cublasSgemm", {{a, bytes(m, k, lda)}, {b, bytes(k, n, ldb)}},
                 {{c, bytes(m, n, ldc)}}))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return cublasSgemm(handle, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // extern "C"
