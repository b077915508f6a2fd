// cuDNN's handles, descriptors and convolution on the CPU; convolution.cpp does the work.
#include <limits.h>

#include <map>
#include <new>

#include "convolution.h"
#include "stream.h"

using simt::Convolution;
using simt::ConvolutionShape;

struct cudnnContext {
    cudaStream_t stream;
};
struct cudnnTensorStruct {
    cudnnTensorFormat_t format;
    cudnnDataType_t type;
    int n, c, h, w;
};
struct cudnnFilterStruct {
    cudnnDataType_t type;
    cudnnTensorFormat_t format;
    int k, c, h, w;
    const void *weights;  // those that `prepared` hold, once there are any
    std::map<ConvolutionShape, std::shared_ptr<const Convolution>> prepared;
};
struct cudnnConvolutionStruct {
    int pad_h, pad_w;
};

const char *cudnnGetErrorString(cudnnStatus_t status) {
    switch (status) {
        case CUDNN_STATUS_SUCCESS:
            return "success";
        case CUDNN_STATUS_BAD_PARAM:
            return "bad parameter";
        case CUDNN_STATUS_NOT_SUPPORTED:
            return "not supported on the CPU";
        case CUDNN_STATUS_INTERNAL_ERROR:
            return "internal error";
        case CUDNN_STATUS_ALLOC_FAILED:
            return "out of memory";
        case CUDNN_STATUS_EXECUTION_FAILED:
            return "execution failed";
    }
    return "unknown error";
}

// ---- handles and descriptors ------------------------------------------------------------------------

template <typename T>
static cudnnStatus_t create(T **object) {
    if (object == nullptr) return CUDNN_STATUS_BAD_PARAM;
    *object = new (std::nothrow) T();
    return *object != nullptr ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_ALLOC_FAILED;
}

template <typename T>
static cudnnStatus_t destroy(T *object) {
    delete object;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) { return create(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *tensor) { return create(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return destroy(tensor); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
    if (n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    if (static_cast<double>(n) * c * h * w > INT_MAX) return CUDNN_STATUS_NOT_SUPPORTED;
    *tensor = {format, type, n, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *filter) { return create(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return destroy(filter); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    if (k < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    *filter = {type, format, k, c, h, w, nullptr, {}};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *convolution) {
    return create(convolution);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
    return destroy(convolution);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h,
                                              int pad_w, int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute) {
    if (pad_h < 0 || pad_w < 0) return CUDNN_STATUS_BAD_PARAM;
    if (stride_h != 1 || stride_w != 1 || dilation_h != 1 || dilation_w != 1 ||
        mode != CUDNN_CROSS_CORRELATION || compute != CUDNN_DATA_FLOAT)
        return CUDNN_STATUS_NOT_SUPPORTED;
    *convolution = {pad_h, pad_w};
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t, cudnnMathType_t) {
    return CUDNN_STATUS_SUCCESS;  // products are exact to float32 in any case
}

// One algorithm, which always works; oneDNN's scratchpads are each thread's own.
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
    cudnnTensorDescriptor_t, int requested, int *returned, cudnnConvolutionFwdAlgoPerf_t *results) {
    if (requested < 1) return CUDNN_STATUS_BAD_PARAM;
    *returned = 1;
    *results = {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                CUDNN_STATUS_SUCCESS,
                -1,
                0,
                CUDNN_DETERMINISTIC,
                CUDNN_DEFAULT_MATH,
                {}};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
    cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
    *bytes = 0;
    return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM ? CUDNN_STATUS_SUCCESS
                                                                         : CUDNN_STATUS_NOT_SUPPORTED;
}

// ---- convolution ------------------------------------------------------------------------------------

// The weights in oneDNN's order are made once for each descriptor and size of image.
static std::shared_ptr<const Convolution> prepared_for(cudnnFilterStruct *filter, const void *weights,
                                                       const ConvolutionShape &shape) {
    if (filter->weights != weights) filter->prepared.clear();
    filter->weights = weights;
    std::shared_ptr<const Convolution> &prepared = filter->prepared[shape];
    if (prepared == nullptr) prepared = simt::convolution_create(shape, weights);
    return prepared;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      cudnnTensorDescriptor_t x_layout, const void *x,
                                      cudnnFilterDescriptor_t filter, const void *weights,
                                      cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *, size_t,
                                      const void *beta, cudnnTensorDescriptor_t y_layout, void *y) {
    if (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
        return CUDNN_STATUS_NOT_SUPPORTED;
    const ConvolutionShape shape = {filter->type, filter->k,          filter->c,
                                    filter->h,    filter->w,          x_layout->h,
                                    x_layout->w,  convolution->pad_h, convolution->pad_w};
    if (x_layout->c != filter->c || y_layout->c != filter->k || y_layout->n != x_layout->n ||
        y_layout->h != shape.h + 2 * shape.pad_h - filter->h + 1 ||
        y_layout->w != shape.w + 2 * shape.pad_w - filter->w + 1)
        return CUDNN_STATUS_BAD_PARAM;
    if (*static_cast<const float *>(alpha) != 1 || x_layout->format != CUDNN_TENSOR_NHWC ||
        y_layout->format != CUDNN_TENSOR_NHWC || filter->format != CUDNN_TENSOR_NHWC ||
        x_layout->type != filter->type || y_layout->type != filter->type)
        return CUDNN_STATUS_NOT_SUPPORTED;
    try {
        simt::enqueue(handle->stream, [p = prepared_for(filter, weights, shape), x, y,
                                       images = x_layout->n, beta = *static_cast<const float *>(beta)] {
            simt::convolve(*p, static_cast<const char *>(x), beta, static_cast<char *>(y), images);
        });
    } catch (const std::bad_alloc &) {
        return CUDNN_STATUS_ALLOC_FAILED;
    } catch (const std::exception &) {
        return CUDNN_STATUS_INTERNAL_ERROR;
    }
    return CUDNN_STATUS_SUCCESS;
}
