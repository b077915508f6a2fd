// A convolution prepared for one filter and one size of image: what cuDNN's stand-in runs.
#pragma once

#include <memory>
#include <tuple>

#include "include/cudnn.h"

namespace simt {

struct ConvolutionShape {
    cudnnDataType_t type;
    int k, c, taps_h, taps_w;  // of the filter, [k][taps_h][taps_w][c]
    int h, w, pad_h, pad_w;    // of an image, [h][w][c]
    bool operator<(const ConvolutionShape &o) const {
        return std::tie(type, k, c, taps_h, taps_w, h, w, pad_h, pad_w) <
               std::tie(o.type, o.k, o.c, o.taps_h, o.taps_w, o.h, o.w, o.pad_h, o.pad_w);
    }
};

struct Convolution;

// Keeps the weights in an order of its own.  Throws what oneDNN throws, and std::bad_alloc.
std::shared_ptr<const Convolution> convolution_create(const ConvolutionShape &shape,
                                                      const void *weights);

// y = conv(x) + beta y for each of `images`; beta = 0 never reads y.
void convolve(const Convolution &convolution, const char *x, float beta, char *y, int images);

}  // namespace simt
