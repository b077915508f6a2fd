// How operations on pixels walk over memory.  A row is the channels of one pixel.  Neighbouring lanes
// of a warp share a row, V channels at a time: the whole warp where channels are many, less of it
// where they are few, so that a warp works on several rows.
#pragma once

#include "pack.cuh"

struct Team {
    int lane, lanes;  // this thread's place among the lanes of its row
    int row, rows;    // this thread's row among those that a block takes at a time
};

template <int V>
__host__ __device__ inline int lanes_for(int channels) {
    int lanes = 1;
    while (lanes < WARP && lanes * V < channels) lanes *= 2;
    return lanes;
}

template <int V>
__host__ __device__ inline int rows_per_block(int channels) {
    return BLOCK / lanes_for<V>(channels);
}

template <int V>
__device__ inline Team team_for(int channels) {
    const int lanes = lanes_for<V>(channels);
    return {lane_index() % lanes, lanes, (int)threadIdx.x / lanes, BLOCK / lanes};
}

// Where the values of one row of a resampled tensor come from.
template <Resample MODE, typename T>
struct Source {
    const T *pixel;
    long long right, below;  // DOWN: to the neighbours that are averaged
};

// For row number `row` of the output, whose images are w pixels wide.
template <Resample MODE, typename T>
__device__ inline Source<MODE, T> source_of(const T *x, int w, int channels, int row) {
    if constexpr (MODE == RESAMPLE_KEEP) return {x + (long long)row * channels, 0, 0};
    // Images lie below each other, and halving or doubling h keeps them apart.
    const int line = row / w, column = row - line * w;
    if constexpr (MODE == RESAMPLE_UP)
        return {x + ((long long)(line / 2) * (w / 2) + column / 2) * channels, 0, 0};
    const long long below = 2LL * w * channels;
    return {x + 2 * line * below + 2LL * column * channels, channels, below};
}

// The V values at channel c, each pixel's clamped to [-clip, clip].
template <int V, Resample MODE, typename T>
__device__ inline Floats<V> read(const Source<MODE, T> &source, int c, float clip) {
    const T *data = source.pixel + c;
    Floats<V> a = clamp(load<V>(data), clip);
    if constexpr (MODE != RESAMPLE_DOWN) return a;
    const Floats<V> b = clamp(load<V>(data + source.right), clip);
    const Floats<V> d = clamp(load<V>(data + source.below), clip);
    const Floats<V> e = clamp(load<V>(data + source.below + source.right), clip);
    unrolled<V>([&](int i) { a.at[i] = 0.25f * ((a.at[i] + b.at[i]) + (d.at[i] + e.at[i])); });
    return a;
}
