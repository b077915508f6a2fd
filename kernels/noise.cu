// Initial noise.
#include "device/elements.cuh"
#include "device/philox.h"

__global__ void noise_kernel(const uint64_t *seeds, int draw, float scale, long long count,
                             int channels, int pixels, float *x) {
    Range share = block_range(count);
    const long long size = (long long)channels * pixels;
    while (share.begin < share.end) {
        const ImagePart part = next_part(&share, size);
        const uint64_t seed = seeds[part.image];
        float *image = x + part.image * size;
        for (long long i = part.begin + threadIdx.x; i < part.end; i += BLOCK)
            image[i] = scale * random_normal(seed, draw, channels_first(i, channels, pixels));
    }
}

void noise_fill(Context *ctx, const uint64_t *seeds, int draw, float scale, Tensor x) {
    if (!check_shape(ctx, "noise_fill", "x", x, F32, x.n, x.h, x.w, x.c) ||
        !check_noise(ctx, "noise_fill", x, seeds, draw))
        return;
    if (!context_runs(ctx) || x.n == 0) return;
    const long long count = (long long)rows_of(x) * x.c;
    LAUNCH(noise_kernel, blocks_for(ctx, count, BLOCK), BLOCK, 0, ctx->stream, seeds, draw, scale,
           count, x.c, x.h * x.w, (float *)x.data);
    check_launch(ctx, "noise_fill");
}
