// Global mean pooling.
#include "device/checks.cuh"
#include "device/pack.cuh"

// A block takes an image, a thread V neighbouring channels; the pixels are added in their order.
template <typename T, int V>
__global__ void channel_mean_kernel(const T *x, int pixels, int channels, Split split, float *out) {
    const Range share = block_range(split);
    for (long long image = share.begin; image < share.end; ++image)
        for (int c = threadIdx.x * V; c < channels; c += BLOCK * V) {
            const T *data = x + image * pixels * channels + c;
            Floats<V> sum = load<V>(data);
            for (long long p = 1; p < pixels; ++p) {
                const Floats<V> v = load<V>(data + p * channels);
                unrolled<V>([&](int j) { sum.at[j] += v.at[j]; });
            }
            unrolled<V>([&](int j) { sum.at[j] /= pixels; });
            store(out + image * channels + c, sum);
        }
}

void channel_mean(Context *ctx, Tensor x, Tensor out) {
    if (!check_tensor(ctx, "channel_mean", "x", x) ||
        !check_shape(ctx, "channel_mean", "out", out, F32, x.n, 1, 1, x.c))
        return;
    if (!context_runs(ctx) || x.n == 0) return;
    with_width(x.dtype, x.c, [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        const auto kernel = channel_mean_kernel<T, V>;
        const Grid grid = grid_for(ctx, kernel, x.n, 1);
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, x.h * x.w, x.c,
               grid.split, (float *)out.data);
    });
    check_launch(ctx, "channel_mean");
}
