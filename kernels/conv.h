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

// On GPUs the channels of cuDNN's 16-bit tensors are padded to a multiple of this: without it, it has
// no tensor cores for them.
constexpr int CUDNN_CHANNELS = 8;

// cuDNN refuses tensors of more values than this.  A function, so that the linker can give the tests of
// the PTX runner a lower limit: then they see a batch in parts without gigabytes.
extern "C" long long cudnn_most_values(void);

struct LibraryFilter;  // conv_library.cu

struct Filter {
    DType dtype;
    int cout, size, cin;
    Method method;
    // What the weights have in memory: cout and cin, or CUDNN's multiple of CUDNN_CHANNELS, with
    // weights of zero where there is no channel.
    int padded_cout, padded_cin;
    // Device memory.  NATIVE, PRODUCT: [size][size][cin][cout]; WINOGRAD: conv_winograd.cu's;
    // CUDNN: [padded cout][size][size][padded cin].
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

// conv_padding.cu
// rows [rows][from_channels] of 16-bit values as [rows][to_channels]: zeros where there are more, and
// without the last ones where there are fewer.  Fewer than 2^31 values.
void copy_channels(Context *ctx, const void *from, int from_channels, int rows, void *to,
                   int to_channels);

// conv_winograd.cu
constexpr int WINOGRAD_PRODUCTS = 36, WINOGRAD_PANEL = 16;
// weights: [cout][3][3][cin]; transformed: [36][panels of WINOGRAD_PANEL columns of cout][cin][column],
// zero before and where cout ends within a panel.  Both host memory.
void winograd_weights(const float *weights, int cout, int cin, float *transformed);
size_t conv_winograd_workspace(const Context *ctx, Tensor x, const Filter *filter);
void conv_winograd(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);
