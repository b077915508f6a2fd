// How operations on pixels walk over memory.  A row is the channels of one pixel.  Neighbouring lanes
// of a warp share a row, V channels at a time: the whole warp where channels are many, less of it
// where they are few, so that a warp works on several rows.
#pragma once

#include "context.h"
#include "pack.cuh"

// How a grid splits rows.
struct Rows {
    Split split;
    int shift;  // 1 << shift lanes share a row
};

struct RowGrid {
    int blocks;
    Rows rows;
};

// The grid of `kernel` for `rows` rows of `channels`.
template <int V, typename... P>
inline RowGrid row_grid_for(Context *ctx, void (*kernel)(P...), int rows, int channels) {
    int shift = 0;
    while ((1 << shift) < WARP && (V << shift) < channels) ++shift;
    const Grid grid = grid_for(ctx, kernel, rows, BLOCK >> shift);
    return {grid.blocks, {grid.split, shift}};
}

struct Team {
    int lane, lanes;  // this thread's place among the lanes of its row
    int row, rows;    // this thread's row among those that a block takes at a time
};

__device__ inline Team team_of(const Rows &rows) {
    // Warps of one lane have a constant here: then loops over channels vectorize.
    const int shift = WARP == 1 ? 0 : rows.shift;
    const int thread = threadIdx.x, lanes = 1 << shift;
    return {thread & (lanes - 1), lanes, thread >> shift, BLOCK >> shift};
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
        return {x + ((long long)(line >> 1) * (w >> 1) + (column >> 1)) * channels, 0, 0};
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
