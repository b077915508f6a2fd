// Initial noise, and images with noise.
#include "device/elements.cuh"
#include "device/philox.h"

// out = x0 + scale * noise; x0 NULL = 0.
__global__ void noise_kernel(const float *x0, const uint64_t *seeds, int draw, float scale, Split split,
                             int channels, int pixels, float *out) {
    Range share = block_range(split);
    const long long size = (long long)channels * pixels;
    while (share.begin < share.end) {
        const ImagePart part = next_part(&share, channels, pixels);
        const uint64_t seed = seeds[part.image];
        const long long first = part.image * size;
        for (long long i = part.begin + threadIdx.x; i < part.end; i += BLOCK) {
            const float noise = scale * random_normal(seed, draw, channels_first(i, channels, pixels));
            out[first + i] = x0 != NULL ? x0[first + i] + noise : noise;
        }
    }
}

static void run(Context *ctx, const char *name, const float *x0, const uint64_t *seeds, int draw,
                float scale, Tensor out) {
    if (!check_noise(ctx, name, out, seeds, draw) || !context_runs(ctx) || out.n == 0) return;
    const Grid grid = pixel_grid_for(ctx, noise_kernel, out);
    LAUNCH(noise_kernel, grid.blocks, BLOCK, 0, ctx->stream, x0, seeds, draw, scale, grid.split, out.c,
           out.h * out.w, (float *)out.data);
    check_launch(ctx, name);
}

void noise_fill(Context *ctx, const uint64_t *seeds, int draw, float scale, Tensor x) {
    if (check_shape(ctx, "noise_fill", "x", x, F32, x.n, x.h, x.w, x.c))
        run(ctx, "noise_fill", NULL, seeds, draw, scale, x);
}

void noise_add(Context *ctx, Tensor x0, const uint64_t *seeds, int draw, float scale, Tensor out) {
    if (check_shape(ctx, "noise_add", "x0", x0, F32, x0.n, x0.h, x0.w, x0.c) &&
        check_shape(ctx, "noise_add", "out", out, F32, x0.n, x0.h, x0.w, x0.c))
        run(ctx, "noise_add", (const float *)x0.data, seeds, draw, scale, out);
}
