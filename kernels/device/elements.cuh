// How operations on the sampler's state walk over memory: NHWC, a few channels, image by image.
#pragma once

#include "checks.cuh"
#include "pack.cuh"

// The part of one image that a block works on: elements [begin, end) of image n.
struct ImagePart {
    int image;
    long long begin, end;
};

// The part at the start of `share`, a range of elements of images of `size` elements; takes it off.
__device__ inline ImagePart next_part(Range *share, long long size) {
    const int image = (int)(share->begin / size);
    const long long start = image * size, begin = share->begin - start;
    const long long end = min(share->end - start, size);
    share->begin = start + end;
    return {image, begin, end};
}

// The number in [c,h,w] order of element `i` of an image of `channels` and `pixels`.
__device__ inline long long channels_first(long long i, int channels, long long pixels) {
    const unsigned pixel = (unsigned)i / channels, c = (unsigned)i - pixel * channels;
    return c * pixels + pixel;
}
