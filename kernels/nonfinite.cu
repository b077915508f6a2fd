// How many values of an image are infinite or not a number.
#include "device/checks.cuh"
#include "device/reduce.cuh"

// By its bits, since a compiler may take it for granted that numbers are finite.
__device__ inline bool is_finite(float x) { return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u; }

// A block takes whole images: one pass over the samples, after many passes of the network.
__global__ void nonfinite_kernel(const float *x, int size, Split split, int32_t *counts) {
    SHARED_ARRAY(int, shared, BLOCK_WARPS);
    const Range share = block_range(split);
    for (long long image = share.begin; image < share.end; ++image) {
        const float *values = x + image * size;
        int count = 0;
        for (int i = threadIdx.x; i < size; i += BLOCK) count += !is_finite(values[i]);
        count = block_sum(count, shared);
        if (threadIdx.x == 0) counts[image] = count;
    }
}

void count_nonfinite(Context *ctx, Tensor x, int32_t *counts) {
    const char *name = "count_nonfinite";
    if (!check_shape(ctx, name, "x", x, F32, x.n, x.h, x.w, x.c)) return;
    if ((long long)x.h * x.w * x.c > 1 << 30) {
        context_fail(ctx, "%s: an image is [%d,%d,%d], expected at most 2^30 values", name, x.h, x.w,
                     x.c);
        return;
    }
    if (!ctx->planning && x.n > 0 && counts == NULL) {
        context_fail(ctx, "%s: no place for the counts", name);
        return;
    }
    if (!context_runs(ctx) || x.n == 0) return;
    const Grid grid = grid_for(ctx, nonfinite_kernel, x.n, 1);
    LAUNCH(nonfinite_kernel, grid.blocks, BLOCK, 0, ctx->stream, (const float *)x.data, x.h * x.w * x.c,
           grid.split, counts);
    check_launch(ctx, name);
}
