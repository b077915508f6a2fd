// cuDNN's convolution on the CPU, by oneDNN.  Every primitive is made for one image and run for each
// image of the batch, so that an image's result does not depend on the others.
#include <omp.h>
#include <stdint.h>
#include <string.h>

#include <dnnl.hpp>
#include <map>
#include <memory>
#include <new>
#include <tuple>
#include <vector>

// After the C++ headers, some of which have attributes that CUDA's words would replace.
#include "include/cudnn.h"

#include "include/cuda_bf16.h"
#include "include/cuda_fp16.h"
#include "stream.h"

namespace {
struct Prepared;
struct Key {  // of a primitive, beside the sizes of its filter
    int h, w, pad_h, pad_w;
    bool operator<(const Key &other) const {
        return std::tie(h, w, pad_h, pad_w) < std::tie(other.h, other.w, other.pad_h, other.pad_w);
    }
};
}  // namespace

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
    const void *weights;  // those that `prepared` holds, once it holds any
    uint64_t checksum;    // of them, in faithful mode
    std::map<Key, std::shared_ptr<Prepared>> prepared;
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
    if (static_cast<double>(n) * c * h * w > SIMT_CUDNN_VALUES) return CUDNN_STATUS_NOT_SUPPORTED;
    *tensor = {format, type, n, c, h, w};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *filter) { return create(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return destroy(filter); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
    if (k < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    *filter = {type, format, k, c, h, w, nullptr, 0, {}};
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

// Only the last of these offers is of use; the others are what cuDNN may come up with too.
static const cudnnConvolutionFwdAlgoPerf_t OFFERS[] = {
    {CUDNN_CONVOLUTION_FWD_ALGO_FFT,
     CUDNN_STATUS_NOT_SUPPORTED,
     -1,
     0,
     CUDNN_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},
    {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
     CUDNN_STATUS_SUCCESS,
     -1,
     0,
     CUDNN_NON_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},
    {CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING,
     CUDNN_STATUS_SUCCESS,
     -1,
     0,
     CUDNN_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},  // has no workspace size
    {CUDNN_CONVOLUTION_FWD_ALGO_GEMM,
     CUDNN_STATUS_SUCCESS,
     -1,
     0,
     CUDNN_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},  // wants more memory than there is
    {CUDNN_CONVOLUTION_FWD_ALGO_DIRECT,
     CUDNN_STATUS_SUCCESS,
     -1,
     0,
     CUDNN_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},  // is not supported when it is called
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
     CUDNN_STATUS_SUCCESS,
     -1,
     0,
     CUDNN_DETERMINISTIC,
     CUDNN_DEFAULT_MATH,
     {}},
};
static const int OFFER_COUNT = sizeof OFFERS / sizeof *OFFERS;
static const size_t WORKSPACE = 256;  // oneDNN's scratchpads are each thread's own

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
    cudnnTensorDescriptor_t, int requested, int *returned, cudnnConvolutionFwdAlgoPerf_t *results) {
    if (requested < 1) return CUDNN_STATUS_BAD_PARAM;
    *returned = requested < OFFER_COUNT ? requested : OFFER_COUNT;
    for (int i = 0; i < *returned; i++) results[i] = OFFERS[i];
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnConvolutionDescriptor_t,
    cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
    if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING) return CUDNN_STATUS_NOT_SUPPORTED;
    *bytes = algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM ? SIZE_MAX / 2 : WORKSPACE;
    return CUDNN_STATUS_SUCCESS;
}

// ---- a convolution of one image ---------------------------------------------------------------------

namespace {

using dnnl::memory;

dnnl::engine &cpu() {
    static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

struct Prepared {
    dnnl::convolution_forward::primitive_desc description;
    dnnl::convolution_forward primitive;
    memory weights;        // in oneDNN's order
    bool converts;         // the type is one that oneDNN does not have here, and float32 stands in
    cudnnDataType_t type;  // of x and y in memory
    size_t x_count, y_count, element;  // of one image; bytes
};

void to_floats(cudnnDataType_t type, const void *from, size_t count, float *to) {
    if (type == CUDNN_DATA_HALF)
        for (size_t i = 0; i < count; i++) to[i] = __half2float(static_cast<const __half *>(from)[i]);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = __bfloat162float(static_cast<const __nv_bfloat16 *>(from)[i]);
}

dnnl::convolution_forward::primitive_desc describe(const cudnnFilterStruct &filter, const Key &key,
                                                   memory::data_type type) {
    const memory::dims x = {1, filter.c, key.h, key.w}, w = {filter.k, filter.c, filter.h, filter.w};
    const memory::dims y = {1, filter.k, key.h + 2 * key.pad_h - filter.h + 1,
                            key.w + 2 * key.pad_w - filter.w + 1};
    const memory::dims pad = {key.pad_h, key.pad_w};
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return {{dnnl::prop_kind::forward_inference,
             dnnl::algorithm::convolution_direct,
             {x, type, memory::format_tag::nhwc},
             {w, type, memory::format_tag::any},
             {y, memory::data_type::f32, memory::format_tag::nhwc},
             {1, 1},
             pad,
             pad},
            attributes,
            cpu()};
}

// bfloat16 where the processor has instructions for it.
bool is_native(cudnnDataType_t type) {
    return type == CUDNN_DATA_FLOAT ||
           (type == CUDNN_DATA_BFLOAT16 &&
            dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16);
}

memory reordered(const cudnnFilterStruct &filter, const void *weights, bool converts,
                 memory::data_type type, const memory::desc &to) {
    std::vector<float> floats;
    if (converts) {
        floats.resize(static_cast<size_t>(filter.k) * filter.c * filter.h * filter.w);
        to_floats(filter.type, weights, floats.size(), floats.data());
        weights = floats.data();
    }
    const memory given({{filter.k, filter.c, filter.h, filter.w}, type, memory::format_tag::ohwi},
                       cpu(), const_cast<void *>(weights));
    memory result(to, cpu());
    dnnl::stream stream(cpu());
    dnnl::reorder(given, result).execute(stream, const_cast<memory &>(given), result);
    stream.wait();
    return result;
}

std::shared_ptr<Prepared> prepare(const cudnnFilterStruct &filter, const Key &key,
                                  const void *weights) {
    auto result = std::make_shared<Prepared>();
    result->converts = !is_native(filter.type);
    result->type = filter.type;
    const memory::data_type type = result->converts || filter.type == CUDNN_DATA_FLOAT
                                       ? memory::data_type::f32
                                       : memory::data_type::bf16;
    result->description = describe(filter, key, type);
    result->primitive = dnnl::convolution_forward(result->description);
    result->weights =
        reordered(filter, weights, result->converts, type, result->description.weights_desc());
    result->element = filter.type == CUDNN_DATA_FLOAT ? 4 : 2;
    const auto elements = [](const memory::desc &d) {
        size_t count = 1;
        for (const auto size : d.dims()) count *= size;
        return count;
    };
    result->x_count = elements(result->description.src_desc());
    result->y_count = elements(result->description.dst_desc());
    return result;
}

// ---- a batch ----------------------------------------------------------------------------------------

// Memory of one OS thread that is kept from call to call.
template <typename T>
T *scratch(std::vector<T> &memory, size_t count) {
    if (memory.size() < count) memory.resize(count);
    return memory.data();
}

void execute(const Prepared &p, const void *x, void *y) {
    static thread_local std::vector<char> scratchpad;
    static thread_local dnnl::stream stream(cpu());
    const memory::desc needed = p.description.scratchpad_desc();
    const memory space(needed, cpu(), scratch(scratchpad, needed.get_size() + 1));
    p.primitive.execute(stream,
                        {{DNNL_ARG_SRC, {p.description.src_desc(), cpu(), const_cast<void *>(x)}},
                         {DNNL_ARG_WEIGHTS, p.weights},
                         {DNNL_ARG_DST, {p.description.dst_desc(), cpu(), y}},
                         {DNNL_ARG_SCRATCHPAD, space}});
}

// y = sums + beta y, rounded once.
template <typename T, typename ToFloat, typename FromFloat>
void finish(const float *sums, size_t count, float beta, T *y, ToFloat to_float, FromFloat from_float) {
    for (size_t i = 0; i < count; i++)
        y[i] = from_float(beta != 0 ? sums[i] + beta * to_float(y[i]) : sums[i]);
}

void finish(const Prepared &p, const float *sums, float beta, void *y) {
    switch (p.type) {
        case CUDNN_DATA_HALF:
            return finish(sums, p.y_count, beta, static_cast<__half *>(y), __half2float,
                          __float2half_rn);
        case CUDNN_DATA_BFLOAT16:
            return finish(sums, p.y_count, beta, static_cast<__nv_bfloat16 *>(y), __bfloat162float,
                          __float2bfloat16_rn);
        default: {
            const auto same = [](float v) { return v; };
            return finish(sums, p.y_count, beta, static_cast<float *>(y), same, same);
        }
    }
}

// oneDNN could add beta y too, but has only its slow reference code for that.
void convolve_image(const Prepared &p, const char *x, float beta, char *y) {
    static thread_local std::vector<float> x_memory, y_memory;
    const void *input = x;
    if (p.converts) {
        float *x_floats = scratch(x_memory, p.x_count);
        to_floats(p.type, x, p.x_count, x_floats);
        input = x_floats;
    }
    if (p.type == CUDNN_DATA_FLOAT && beta == 0) return execute(p, input, y);
    float *sums = scratch(y_memory, p.y_count);
    execute(p, input, sums);
    finish(p, sums, beta, y);
}

// As many images as there are threads go to one thread each; those that remain get all threads.
void convolve(const Prepared &p, const char *x, float beta, char *y, int images) {
    const size_t x_step = p.x_count * p.element, y_step = p.y_count * p.element;
    const int shared_out = images / omp_get_max_threads() * omp_get_max_threads();
#pragma omp parallel for schedule(dynamic) if (shared_out > 0)
    for (int i = 0; i < shared_out; i++) convolve_image(p, x + i * x_step, beta, y + i * y_step);
    for (int i = shared_out; i < images; i++) convolve_image(p, x + i * x_step, beta, y + i * y_step);
}

}  // namespace

// The weights in oneDNN's order are made once for each descriptor and size of image; in faithful mode a
// change of the weights since is an error, which real cuDNN would not make.
static bool unchanged(cudnnFilterStruct *filter, const void *weights) {
    const bool known = filter->weights == weights;
    if (!known) filter->prepared.clear();
    filter->weights = weights;
#ifdef SIMT_FAITHFUL
    const size_t bytes = static_cast<size_t>(filter->k) * filter->c * filter->h * filter->w *
                         (filter->type == CUDNN_DATA_FLOAT ? 4 : 2);
    uint64_t checksum = 0;
    for (size_t i = 0; i < bytes; i++)
        checksum = checksum * 31 + static_cast<const unsigned char *>(weights)[i];
    if (known && filter->checksum != checksum) return false;
    filter->checksum = checksum;
#endif
    return true;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      cudnnTensorDescriptor_t x_layout, const void *x,
                                      cudnnFilterDescriptor_t filter, const void *weights,
                                      cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *workspace,
                                      size_t workspace_bytes, const void *beta,
                                      cudnnTensorDescriptor_t y_layout, void *y) {
    if (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
        return CUDNN_STATUS_NOT_SUPPORTED;
    if (workspace == nullptr || workspace_bytes < WORKSPACE) return CUDNN_STATUS_BAD_PARAM;
    const Key key = {x_layout->h, x_layout->w, convolution->pad_h, convolution->pad_w};
    if (x_layout->c != filter->c || y_layout->c != filter->k || y_layout->n != x_layout->n ||
        y_layout->h != key.h + 2 * key.pad_h - filter->h + 1 ||
        y_layout->w != key.w + 2 * key.pad_w - filter->w + 1)
        return CUDNN_STATUS_BAD_PARAM;
    if (*static_cast<const float *>(alpha) != 1 || x_layout->format != CUDNN_TENSOR_NHWC ||
        y_layout->format != CUDNN_TENSOR_NHWC || filter->format != CUDNN_TENSOR_NHWC ||
        x_layout->type != filter->type || y_layout->type != filter->type)
        return CUDNN_STATUS_NOT_SUPPORTED;
    try {
        if (!unchanged(filter, weights)) return CUDNN_STATUS_EXECUTION_FAILED;
        std::shared_ptr<Prepared> &prepared = filter->prepared[key];
        if (prepared == nullptr) prepared = prepare(*filter, key, weights);
        simt::enqueue(handle->stream, [p = prepared, x, y, images = x_layout->n, workspace,
                                       beta = *static_cast<const float *>(beta)] {
            memset(workspace, 0xff, WORKSPACE);
            convolve(*p, static_cast<const char *>(x), beta, static_cast<char *>(y), images);
        });
    } catch (const dnnl::error &) {
        return CUDNN_STATUS_INTERNAL_ERROR;
    } catch (const std::bad_alloc &) {
        return CUDNN_STATUS_ALLOC_FAILED;
    }
    return CUDNN_STATUS_SUCCESS;
}
