// How operations on the sampler's state walk over memory: NHWC, a few channels, image by image.
#pragma once

#include "checks.cuh"
#include "pack.cuh"

// The part of one image that a block works on: elements [begin, end) of image n.
struct ImagePart {
    int image;
    long long begin, end;
};

// The part at the start of `share`, a range of pixels of all images; takes it off.
__device__ inline ImagePart next_part(Range *share, int channels, int pixels) {
    const int image = (int)share->begin / pixels, first = image * pixels;
    const int begin = (int)share->begin - first, end = min((int)share->end - first, pixels);
    share->begin = first + end;
    return {image, (long long)begin * channels, (long long)end * channels};
}

// The grid of `kernel` for all pixels of x.
template <typename... P>
inline Grid pixel_grid_for(Context *ctx, void (*kernel)(P...), Tensor x) {
    return grid_for(ctx, kernel, rows_of(x), x.c < BLOCK ? BLOCK / x.c : 1);
}

// The number in [c,h,w] order of element `i` of an image of `channels` and `pixels`.
__device__ inline long long channels_first(long long i, int channels, long long pixels) {
    const unsigned pixel = (unsigned)i / channels, c = (unsigned)i - pixel * channels;
    return c * pixels + pixel;
}
