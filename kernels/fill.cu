// One value everywhere.
#include "context.h"
#include "device/launch.cuh"

__global__ void fill_kernel(float *values, int count, float value) {
    const Range share = block_range(count);
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK) values[i] = value;
}

void fill(Context *ctx, float *values, int count, float value) {
    if (!context_runs(ctx) || count == 0) return;
    LAUNCH(fill_kernel, blocks_for(ctx, fill_kernel, count, BLOCK), BLOCK, 0, ctx->stream, values,
           count, value);
    check_launch(ctx, "fill");
}
