// cuDNN at its most demanding, in front of the CPU target's stand-in: the linker leads calls here
// (--wrap).  It offers algorithms that fail before the one that works, and needs a workspace.  What the
// real one would convolve slowly it refuses, so that a test shows it.
#include "cudnn.h"

#include <cstdint>
#include <map>

#include "touches.h"

extern "C" {

// The limit in the tests of kernels: a few images.  cuDNN's own is 2^31 - 1 values.
long long cudnn_most_values(void);
long long __wrap_cudnn_most_values(void) { return 20480; }

// ---- descriptors ----

// They are opaque: what is known of each is kept here, as it is set.

static size_t bytes_of(cudnnDataType_t type) { return type == CUDNN_DATA_FLOAT ? 4 : 2; }

struct Filter {
    size_t bytes;
    const void *weights;  // those that it was used with; null = none so far
    uint64_t checksum;    // of them
};
static std::map<const void *, size_t> &tensors() {
    static std::map<const void *, size_t> all;
    return all;
}
static std::map<const void *, Filter> &filters() {
    static std::map<const void *, Filter> all;
    return all;
}

// Without padding, there are no tensor cores for 16-bit channels.
static bool is_padded(cudnnDataType_t type, int c) { return type == CUDNN_DATA_FLOAT || c % 8 == 0; }

decltype(cudnnSetTensor4dDescriptor) __real_cudnnSetTensor4dDescriptor;
cudnnStatus_t __wrap_cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor,
                                                cudnnTensorFormat_t format, cudnnDataType_t type, int n,
                                                int c, int h, int w) {
    if (!is_padded(type, c) || (double)n * c * h * w > cudnn_most_values())
        return CUDNN_STATUS_NOT_SUPPORTED;
    tensors()[tensor] = (size_t)n * c * h * w * bytes_of(type);
    return __real_cudnnSetTensor4dDescriptor(tensor, format, type, n, c, h, w);
}

decltype(cudnnSetFilter4dDescriptor) __real_cudnnSetFilter4dDescriptor;
cudnnStatus_t __wrap_cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                                cudnnTensorFormat_t format, int k, int c, int h,
                                                int w) {
    if (!is_padded(type, k) || !is_padded(type, c)) return CUDNN_STATUS_NOT_SUPPORTED;
    filters()[filter] = {(size_t)k * c * h * w * bytes_of(type), nullptr, 0};
    return __real_cudnnSetFilter4dDescriptor(filter, type, format, k, c, h, w);
}

// ---- algorithms ----

static const size_t WORKSPACE = 256;

static cudnnConvolutionFwdAlgoPerf_t offer(cudnnConvolutionFwdAlgo_t algorithm, cudnnStatus_t status,
                                           cudnnDeterminism_t determinism) {
    return {algorithm, status, -1, 0, determinism, CUDNN_DEFAULT_MATH, {}};
}

decltype(cudnnGetConvolutionForwardAlgorithm_v7) __real_cudnnGetConvolutionForwardAlgorithm_v7;
cudnnStatus_t __wrap_cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t filter,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y, int requested, int *returned,
    cudnnConvolutionFwdAlgoPerf_t *results) {
    const cudnnStatus_t good = CUDNN_STATUS_SUCCESS;
    const cudnnConvolutionFwdAlgoPerf_t failing[] = {
        offer(CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_STATUS_NOT_SUPPORTED, CUDNN_DETERMINISTIC),
        // Leaves y as it was: a result that varies counts as wrong.
        offer(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, good, CUDNN_NON_DETERMINISTIC),
        // Has no workspace size.
        offer(CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, good, CUDNN_DETERMINISTIC),
        // Wants more memory than there is.
        offer(CUDNN_CONVOLUTION_FWD_ALGO_GEMM, good, CUDNN_DETERMINISTIC),
        // Is not supported when it is called.
        offer(CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, good, CUDNN_DETERMINISTIC),
        // Fails when it is called, or is not supported where that could have spoilt y.
        offer(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, good, CUDNN_DETERMINISTIC),
    };
    int count = 0;
    while (count < requested && count < (int)(sizeof failing / sizeof *failing)) {
        results[count] = failing[count];
        ++count;
    }
    *returned = count;
    if (count == requested) return good;
    int more = 0;
    const cudnnStatus_t status = __real_cudnnGetConvolutionForwardAlgorithm_v7(
        handle, x, filter, convolution, y, requested - count, &more, results + count);
    *returned += more;
    return status;
}

decltype(cudnnGetConvolutionForwardWorkspaceSize) __real_cudnnGetConvolutionForwardWorkspaceSize;
cudnnStatus_t __wrap_cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t filter,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y,
    cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    *bytes = 0;
    if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM)
        *bytes = SIZE_MAX / 2;
    else if (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD &&
             algorithm != CUDNN_CONVOLUTION_FWD_ALGO_DIRECT &&
             algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM)
        status = __real_cudnnGetConvolutionForwardWorkspaceSize(handle, x, filter, convolution, y,
                                                                algorithm, bytes);
    *bytes += WORKSPACE;
    return status;
}

// ---- convolution ----

// The stand-in keeps a filter's weights in another order, and would give an old result if they have
// changed since.
static bool unchanged(Filter &filter, const void *weights) {
    uint64_t checksum = 0;
    for (size_t i = 0; i < filter.bytes; ++i)
        checksum = checksum * 31 + static_cast<const unsigned char *>(weights)[i];
    const bool same = filter.weights != weights || filter.checksum == checksum;
    filter.weights = weights, filter.checksum = checksum;
    return same;
}

decltype(cudnnConvolutionForward) __real_cudnnConvolutionForward;
cudnnStatus_t __wrap_cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                             cudnnTensorDescriptor_t x_layout, const void *x,
                                             cudnnFilterDescriptor_t filter, const void *weights,
                                             cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionFwdAlgo_t algorithm, void *workspace,
                                             size_t workspace_bytes, const void *beta,
                                             cudnnTensorDescriptor_t y_layout, void *y) {
    if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD) return CUDNN_STATUS_SUCCESS;
    if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_DIRECT) return CUDNN_STATUS_NOT_SUPPORTED;
    if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM)
        return *static_cast<const float *>(beta) == 0 ? CUDNN_STATUS_EXECUTION_FAILED
                                                      : CUDNN_STATUS_NOT_SUPPORTED;
    if (workspace == nullptr || workspace_bytes < WORKSPACE) return CUDNN_STATUS_BAD_PARAM;
    Filter &used = filters()[filter];
    if (!touches("cudnnConvolutionForward", {{x, tensors()[x_layout]}, {weights, used.bytes}},
                 {{y, tensors()[y_layout]}}, {workspace, workspace_bytes}) ||
        !unchanged(used, weights))
        return CUDNN_STATUS_EXECUTION_FAILED;
    return __real_cudnnConvolutionForward(handle, alpha, x_layout, x, filter, weights, convolution,
                                          algorithm, workspace, workspace_bytes, beta, y_layout, y);
}

}  // extern "C"
