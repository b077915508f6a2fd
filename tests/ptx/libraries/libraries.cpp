// What the CPU target's stand-ins for cuDNN, cuBLAS and cuFFT need where the PTX runner is the runtime:
// the queue of a stream, and that the checks see what the libraries read and write.  The linker leads
// calls here
// (--wrap), from where they go on to the stand-ins.
#include <map>
#include <vector>

#include "../../../kernels/simt/stream.h"
#include "../cuda/libraries.h"
#include "cublas_v2.h"
#include "cudnn.h"
#include "cufft.h"

namespace {

struct Range {
    const void *at;
    size_t bytes;
};

// Of the library's call that runs: what its work will have written.
thread_local std::vector<Range> written;

bool check(const char *what, std::vector<Range> read, std::vector<Range> write) {
    bool fine = true;
    for (const Range &r : read) fine = kairos_ptx_holds(what, "reads", r.at, r.bytes) && fine;
    for (const Range &r : write) fine = kairos_ptx_holds(what, "writes", r.at, r.bytes) && fine;
    written = std::move(write);
    return fine;
}

}  // namespace

void simt::enqueue(cudaStream_t stream, std::function<void()> work) {
    kairos_ptx_enqueue(stream, "a library's call", [work = std::move(work), ranges = written] {
        work();
        for (const Range &r : ranges) kairos_ptx_wrote(const_cast<void *>(r.at), r.bytes);
    });
}

extern "C" {

// ---- cuBLAS: the names behind cublas_v2.h's macros --------------------------------------------------

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
    if (!check("cublasSgemm", {{a, bytes(m, k, lda)}, {b, bytes(k, n, ldb)}}, {{c, bytes(m, n, ldc)}}))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return cublasSgemm(handle, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// ---- cuDNN ------------------------------------------------------------------------------------------

static size_t bytes_of(cudnnDataType_t type) { return type == CUDNN_DATA_FLOAT ? 4 : 2; }

// Descriptors are opaque: their bytes, as they are set.
static std::map<const void *, size_t> &described() {
    static std::map<const void *, size_t> bytes;
    return bytes;
}

decltype(cudnnSetTensor4dDescriptor) __real_cudnnSetTensor4dDescriptor;
cudnnStatus_t __wrap_cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor,
                                                cudnnTensorFormat_t format, cudnnDataType_t type, int n,
                                                int c, int h, int w) {
    described()[tensor] = (size_t)n * c * h * w * bytes_of(type);
    return __real_cudnnSetTensor4dDescriptor(tensor, format, type, n, c, h, w);
}

decltype(cudnnSetFilter4dDescriptor) __real_cudnnSetFilter4dDescriptor;
cudnnStatus_t __wrap_cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                                cudnnTensorFormat_t format, int k, int c, int h,
                                                int w) {
    described()[filter] = (size_t)k * c * h * w * bytes_of(type);
    return __real_cudnnSetFilter4dDescriptor(filter, type, format, k, c, h, w);
}

decltype(cudnnConvolutionForward) __real_cudnnConvolutionForward;
cudnnStatus_t __wrap_cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                             cudnnTensorDescriptor_t x_layout, const void *x,
                                             cudnnFilterDescriptor_t filter, const void *weights,
                                             cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionFwdAlgo_t algorithm, void *workspace,
                                             size_t workspace_bytes, const void *beta,
                                             cudnnTensorDescriptor_t y_layout, void *y) {
    if (!check("cudnnConvolutionForward", {{x, described()[x_layout]}, {weights, described()[filter]}},
               {{y, described()[y_layout]}, {workspace, workspace_bytes}}))
        return CUDNN_STATUS_EXECUTION_FAILED;
    return __real_cudnnConvolutionForward(handle, alpha, x_layout, x, filter, weights, convolution,
                                          algorithm, workspace, workspace_bytes, beta, y_layout, y);
}

// ---- cuFFT ------------------------------------------------------------------------------------------

struct Transform {
    size_t in, out;  // bytes of a batch
};
static std::map<cufftHandle, Transform> &transforms() {
    static std::map<cufftHandle, Transform> all;
    return all;
}

decltype(cufftMakePlanMany) __real_cufftMakePlanMany;
cufftResult __wrap_cufftMakePlanMany(cufftHandle plan, int rank, int *n, int *inembed, int istride,
                                     int idist, int *onembed, int ostride, int odist, cufftType type,
                                     int batch, size_t *work_size) {
    transforms()[plan] = {(size_t)idist * batch * sizeof(cufftReal),
                          (size_t)odist * batch * sizeof(cufftComplex)};
    return __real_cufftMakePlanMany(plan, rank, n, inembed, istride, idist, onembed, ostride, odist,
                                    type, batch, work_size);
}

decltype(cufftExecR2C) __real_cufftExecR2C;
cufftResult __wrap_cufftExecR2C(cufftHandle plan, cufftReal *in, cufftComplex *out) {
    const Transform &t = transforms()[plan];
    if (!check("cufftExecR2C", {{in, t.in}}, {{out, t.out}})) return CUFFT_EXEC_FAILED;
    return __real_cufftExecR2C(plan, in, out);
}

}  // extern "C"
