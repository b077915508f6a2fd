// A convolution on the CPU, by oneDNN.  Every primitive is made for one image and run for each image of
// the batch, so that an image's result does not depend on the others.
#include "convolution.h"

#include <omp.h>

#include <dnnl.hpp>
#include <vector>

// After the C++ headers, some of which have attributes that CUDA's words would replace.
#include "include/cuda_bf16.h"
#include "include/cuda_fp16.h"

using dnnl::memory;
using simt::Convolution;
using simt::ConvolutionShape;

static dnnl::engine &cpu() {
    static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

struct simt::Convolution {
    dnnl::convolution_forward::primitive_desc description;
    dnnl::convolution_forward primitive;
    memory weights;        // in oneDNN's order
    bool converts;         // the type is one that oneDNN does not have here, and float32 stands in
    cudnnDataType_t type;  // of x and y in memory
    size_t x_count, y_count, element;  // of one image; bytes
};

static void to_floats(cudnnDataType_t type, const void *from, size_t count, float *to) {
    if (type == CUDNN_DATA_HALF)
        for (size_t i = 0; i < count; i++) to[i] = __half2float(static_cast<const __half *>(from)[i]);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = __bfloat162float(static_cast<const __nv_bfloat16 *>(from)[i]);
}

static dnnl::convolution_forward::primitive_desc describe(const ConvolutionShape &s,
                                                          memory::data_type type) {
    const memory::dims x = {1, s.c, s.h, s.w}, w = {s.k, s.c, s.taps_h, s.taps_w};
    const memory::dims y = {1, s.k, s.h + 2 * s.pad_h - s.taps_h + 1, s.w + 2 * s.pad_w - s.taps_w + 1};
    const memory::dims pad = {s.pad_h, s.pad_w};
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
static bool is_native(cudnnDataType_t type) {
    return type == CUDNN_DATA_FLOAT ||
           (type == CUDNN_DATA_BFLOAT16 &&
            dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16);
}

static memory reordered(const ConvolutionShape &s, const void *weights, bool converts,
                        memory::data_type type, const memory::desc &to) {
    std::vector<float> floats;
    if (converts) {
        floats.resize(static_cast<size_t>(s.k) * s.c * s.taps_h * s.taps_w);
        to_floats(s.type, weights, floats.size(), floats.data());
        weights = floats.data();
    }
    const memory given({{s.k, s.c, s.taps_h, s.taps_w}, type, memory::format_tag::ohwi}, cpu(),
                       const_cast<void *>(weights));
    memory result(to, cpu());
    dnnl::stream stream(cpu());
    dnnl::reorder(given, result).execute(stream, const_cast<memory &>(given), result);
    stream.wait();
    return result;
}

std::shared_ptr<const Convolution> simt::convolution_create(const ConvolutionShape &s,
                                                            const void *weights) {
    auto result = std::make_shared<Convolution>();
    result->converts = !is_native(s.type);
    result->type = s.type;
    const memory::data_type type = result->converts || s.type == CUDNN_DATA_FLOAT
                                       ? memory::data_type::f32
                                       : memory::data_type::bf16;
    result->description = describe(s, type);
    result->primitive = dnnl::convolution_forward(result->description);
    result->weights = reordered(s, weights, result->converts, type, result->description.weights_desc());
    result->element = s.type == CUDNN_DATA_FLOAT ? 4 : 2;
    const auto elements = [](const memory::desc &d) {
        size_t count = 1;
        for (const auto size : d.dims()) count *= size;
        return count;
    };
    result->x_count = elements(result->description.src_desc());
    result->y_count = elements(result->description.dst_desc());
    return result;
}

// Memory of one OS thread that is kept from call to call.
template <typename T>
static T *scratch(std::vector<T> &memory, size_t count) {
    if (memory.size() < count) memory.resize(count);
    return memory.data();
}

static void execute(const Convolution &p, const void *x, void *y) {
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
static void finish(const float *sums, size_t count, float beta, T *y, ToFloat to_float,
                   FromFloat from_float) {
    for (size_t i = 0; i < count; i++)
        y[i] = from_float(beta != 0 ? sums[i] + beta * to_float(y[i]) : sums[i]);
}

static void finish(const Convolution &p, const float *sums, float beta, void *y) {
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
static void convolve_image(const Convolution &p, const char *x, float beta, char *y) {
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
void simt::convolve(const Convolution &p, const char *x, float beta, char *y, int images) {
    const size_t x_step = p.x_count * p.element, y_step = p.y_count * p.element;
    const int shared_out = images / omp_get_max_threads() * omp_get_max_threads();
#pragma omp parallel for schedule(dynamic) if (shared_out > 0)
    for (int i = 0; i < shared_out; i++) convolve_image(p, x + i * x_step, beta, y + i * y_step);
    for (int i = shared_out; i < images; i++) convolve_image(p, x + i * x_step, beta, y + i * y_step);
}
