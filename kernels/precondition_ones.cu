// What an EDM2 network starts from: the scaled image and a channel of ones.
#include "device/checks.cuh"
#include "device/types.cuh"

template <typename T>
__global__ void precondition_ones_kernel(const float *x, const float *sigma, float sigma_data,
                                         Split split, int image_rows, int channels, T *out) {
    const Range share = block_range(split);
    for (int row = share.begin + threadIdx.x; row < share.end; row += BLOCK) {
        const float s = sigma[row / image_rows];
        const float c_in = 1 / sqrtf(s * s + sigma_data * sigma_data);
        const float *from = x + (long long)row * channels;
        T *to = out + (long long)row * (channels + 1);
        for (int c = 0; c < channels; ++c) to[c] = from_float<T>(c_in * from[c]);
        to[channels] = from_float<T>(1.0f);
    }
}

void precondition_ones(Context *ctx, Tensor x, const float *sigma, float sigma_data, Tensor out) {
    if (!check_shape(ctx, "precondition_ones", "x", x, F32, x.n, x.h, x.w, x.c) ||
        !check_shape(ctx, "precondition_ones", "out", out, out.dtype, x.n, x.h, x.w, x.c + 1))
        return;
    if (!context_runs(ctx) || rows_of(x) == 0) return;
    with_type(out.dtype, [&](auto zero) {
        using T = decltype(zero);
        const Grid grid = grid_for(ctx, precondition_ones_kernel<T>, rows_of(x), BLOCK);
        LAUNCH(precondition_ones_kernel<T>, grid.blocks, BLOCK, 0, ctx->stream, (const float *)x.data,
               sigma, sigma_data, grid.split, x.h * x.w, x.c, (T *)out.data);
    });
    check_launch(ctx, "precondition_ones");
}
