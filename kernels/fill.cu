// One value everywhere.
#include "context.h"
#include "device/launch.cuh"

__global__ void fill_kernel(float *values, Split split, float value) {
    const Range share = block_range(split);
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK) values[i] = value;
}

void fill(Context *ctx, float *values, int count, float value) {
    if (!context_runs(ctx) || count == 0) return;
    const Grid grid = grid_for(ctx, fill_kernel, count, BLOCK);
    LAUNCH(fill_kernel, grid.blocks, BLOCK, 0, ctx->stream, values, grid.split, value);
    check_launch(ctx, "fill");
}
