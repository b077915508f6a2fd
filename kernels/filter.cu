// Filters: the weights on the device, in the order that their method of convolution reads them.
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <new>
#include <vector>

#include "conv.h"
#include "device/types.cuh"

// Winograd's method as conv_winograd.cu arranges it lives in the large cache that each core of a CPU
// has; for GPUs cuDNN has kernels of its own.  Below this many channels its transforms cost more than
// the products that it saves.
constexpr int WINOGRAD_CHANNELS = 16;

static Method method_for(const Context *ctx, const Filter *filter) {
    if (ctx->engine == ENGINE_NATIVE) return METHOD_NATIVE;
    if (filter->dtype != F32) return METHOD_CUDNN;
    if (filter->size == 1) return METHOD_PRODUCT;
    const int fewest = filter->cin < filter->cout ? filter->cin : filter->cout;
    return ctx->host_cores && fewest >= WINOGRAD_CHANNELS ? METHOD_WINOGRAD : METHOD_CUDNN;
}

// [cout][taps][cin] as [taps][cin][cout]
static std::vector<float> outputs_last(const float *weights, int cout, int taps, int cin) {
    const size_t inputs = (size_t)taps * cin;
    std::vector<float> result(inputs * cout);
    for (int o = 0; o < cout; ++o)
        for (size_t i = 0; i < inputs; ++i) result[i * cout + o] = weights[o * inputs + i];
    return result;
}

// [cout][taps][cin] with zeros for the channels that padding adds
static std::vector<float> padded(const float *weights, const Filter *filter) {
    const size_t taps = filter->size * filter->size, cin = filter->cin, stride = filter->padded_cin;
    std::vector<float> result(filter->padded_cout * taps * stride);
    for (size_t row = 0; row < filter->cout * taps; ++row)
        std::copy(weights + row * cin, weights + (row + 1) * cin, result.begin() + row * stride);
    return result;
}

static std::vector<float> arranged(const Filter *filter, const float *weights) {
    const int taps = filter->size * filter->size;
    switch (filter->method) {
        case METHOD_CUDNN:
            return padded(weights, filter);
        case METHOD_WINOGRAD: {
            const int panels = (filter->cout + WINOGRAD_PANEL - 1) / WINOGRAD_PANEL;
            std::vector<float> result((size_t)WINOGRAD_PRODUCTS * panels * WINOGRAD_PANEL *
                                      filter->cin);
            winograd_weights(weights, filter->cout, filter->cin, result.data());
            return result;
        }
        default:
            return outputs_last(weights, filter->cout, taps, filter->cin);
    }
}

static uint16_t sixteen_bits(float v, DType dtype) {
    uint16_t bits;
    if (dtype == F16) {
        const __half rounded = __float2half_rn(v);
        memcpy(&bits, &rounded, sizeof bits);
    } else {
        const __nv_bfloat16 rounded = __float2bfloat16_rn(v);
        memcpy(&bits, &rounded, sizeof bits);
    }
    return bits;
}

static void upload(Context *ctx, Filter *filter, const std::vector<float> &values) {
    const size_t bytes = values.size() * dtype_size(filter->dtype);
    filter->weights = device_alloc(ctx, bytes);
    if (filter->dtype == F32) return device_upload(ctx, filter->weights, values.data(), bytes);
    std::vector<uint16_t> rounded(values.size());
    for (size_t i = 0; i < values.size(); ++i) rounded[i] = sixteen_bits(values[i], filter->dtype);
    device_upload(ctx, filter->weights, rounded.data(), bytes);
}

static int round_up(int count, int multiple) { return (count + multiple - 1) / multiple * multiple; }

Filter *filter_create(Context *ctx, const float *weights, int cout, int size, int cin, DType dtype) {
    if (!context_ok(ctx)) return NULL;
    if (cout < 1 || cin < 1 || (size != 1 && size != 3)) {
        context_fail(ctx, "filter: weights are [%d][%d][%d][%d], expected 1x1 or 3x3 taps and channels",
                     cout, size, size, cin);
        return NULL;
    }
    Filter *filter = new (std::nothrow) Filter();
    if (filter == NULL) {
        context_fail(ctx, "out of memory");
        return NULL;
    }
    filter->dtype = dtype, filter->cout = cout, filter->size = size, filter->cin = cin;
    filter->method = method_for(ctx, filter);
    const int multiple = filter->method == METHOD_CUDNN && dtype != F32 ? CUDNN_CHANNELS : 1;
    filter->padded_cout = round_up(cout, multiple), filter->padded_cin = round_up(cin, multiple);
    try {
        upload(ctx, filter, arranged(filter, weights));
    } catch (const std::bad_alloc &) {
        context_fail(ctx, "out of memory for weights [%d][%d][%d][%d]", cout, size, size, cin);
    }
    if (filter->method == METHOD_CUDNN) filter->library = library_filter_create(ctx, filter);
    if (context_ok(ctx)) return filter;
    filter_destroy(filter);
    return NULL;
}

void filter_destroy(Filter *filter) {
    if (filter == NULL) return;
    library_filter_destroy(filter->library);
    if (filter->weights != NULL) cudaFree(filter->weights);
    delete filter;
}
