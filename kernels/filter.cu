// Filters: the weights on the device, in the order that their method of convolution reads them.
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <new>

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

// Host memory that its writers touch first, each thread its part: the largest networks have gigabytes
// of weights, and a vector would first fill it with zeros.
template <typename T>
static std::unique_ptr<T[]> uninitialized(size_t count) {
    return std::unique_ptr<T[]>(new T[count]);
}

// [cout][taps][cin] as [taps][cin][cout]
static std::unique_ptr<float[]> outputs_last(const float *weights, int cout, int taps, int cin) {
    const long long inputs = (long long)taps * cin;
    auto result = uninitialized<float>(inputs * cout);
#pragma omp parallel for
    for (long long i = 0; i < inputs; ++i)
        for (int o = 0; o < cout; ++o) result[i * cout + o] = weights[o * inputs + i];
    return result;
}

// [cout][taps][cin] with zeros for the channels that padding adds
static std::unique_ptr<float[]> padded(const float *weights, const Filter *filter, size_t count) {
    const size_t taps = filter->size * filter->size, cin = filter->cin, stride = filter->padded_cin;
    auto result = uninitialized<float>(count);
    std::fill(result.get(), result.get() + count, 0.0f);
    for (size_t row = 0; row < filter->cout * taps; ++row)
        std::copy(weights + row * cin, weights + (row + 1) * cin, result.get() + row * stride);
    return result;
}

static std::unique_ptr<float[]> transformed(const float *weights, const Filter *filter, size_t count) {
    auto result = uninitialized<float>(count);
    winograd_weights(weights, filter->cout, filter->cin, result.get());
    return result;
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

static void upload(Context *ctx, Filter *filter, const float *values, size_t count) {
    const size_t bytes = count * dtype_size(filter->dtype);
    filter->weights = device_alloc(ctx, bytes);
    if (filter->dtype == F32) return device_upload(ctx, filter->weights, values, bytes);
    auto rounded = uninitialized<uint16_t>(count);
#pragma omp parallel for
    for (size_t i = 0; i < count; ++i) rounded[i] = sixteen_bits(values[i], filter->dtype);
    device_upload(ctx, filter->weights, rounded.get(), bytes);
}

// In the order of the filter's method, and on the device.
static void arrange(Context *ctx, Filter *filter, const float *weights) {
    const int taps = filter->size * filter->size;
    const size_t count = (size_t)filter->padded_cout * taps * filter->padded_cin;
    switch (filter->method) {
        case METHOD_CUDNN: {
            const bool as_given =
                filter->padded_cout == filter->cout && filter->padded_cin == filter->cin;
            return upload(ctx, filter, as_given ? weights : padded(weights, filter, count).get(),
                          count);
        }
        case METHOD_WINOGRAD: {
            const int panels = (filter->cout + WINOGRAD_PANEL - 1) / WINOGRAD_PANEL;
            const size_t products = (size_t)WINOGRAD_PRODUCTS * panels * WINOGRAD_PANEL * filter->cin;
            return upload(ctx, filter, transformed(weights, filter, products).get(), products);
        }
        default:
            return upload(ctx, filter, outputs_last(weights, filter->cout, taps, filter->cin).get(),
                          count);
    }
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
    const int multiple =
        filter->method == METHOD_CUDNN && dtype != F32 && !ctx->host_cores ? CUDNN_CHANNELS : 1;
    filter->padded_cout = round_up(cout, multiple), filter->padded_cin = round_up(cin, multiple);
    try {
        arrange(ctx, filter, weights);
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
