// What the files of convolution share: a filter, and the ways of convolving with it.
#pragma once

#include "context.h"

// How a filter is applied; settled when it is made, from the engine, the type and the sizes.
enum Method {
    METHOD_NATIVE,    // conv_native.cu
    METHOD_PRODUCT,   // cuBLAS: a 1x1 convolution in float32 is one matrix product
    METHOD_WINOGRAD,  // conv_winograd.cu
    METHOD_CUDNN      // conv_library.cu
};

struct LibraryFilter;  // conv_library.cu

struct Filter {
    DType dtype;
    int cout, size, cin;
    Method method;
    // Device memory.  NATIVE, PRODUCT: [size][size][cin][cout]; WINOGRAD: conv_winograd.cu's;
    // CUDNN: [cout][size][size][cin].
    void *weights;
    LibraryFilter *library;  // CUDNN
};

inline long long pixels_of(Tensor t) { return (long long)t.n * t.h * t.w; }

// Each convolution below is y = conv(x, filter) + beta y, with shapes that are already checked.
// x.n > 0 unless it asks for the workspace.

void conv_native(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);

// conv_library.cu
void conv_product(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);
LibraryFilter *library_filter_create(Context *ctx, const Filter *filter);
void library_filter_destroy(LibraryFilter *library);
size_t conv_cudnn_workspace(Context *ctx, Tensor x, const Filter *filter, Tensor y);
void conv_cudnn(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);

// conv_winograd.cu
constexpr int WINOGRAD_PRODUCTS = 36, WINOGRAD_PANEL = 16;
// weights: [cout][3][3][cin]; transformed: [36][panels of WINOGRAD_PANEL columns of cout][cin][column],
// zero before and where cout ends within a panel.  Both host memory.
void winograd_weights(const float *weights, int cout, int cin, float *transformed);
size_t conv_winograd_workspace(const Context *ctx, Tensor x, const Filter *filter);
void conv_winograd(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);
