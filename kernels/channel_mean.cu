// Global mean pooling.
#include "device/checks.cuh"
#include "device/rows.cuh"

// A row is an image's means; the pixels are added in their order.
template <typename T, int V>
__global__ void channel_mean_kernel(const T *x, int pixels, int channels, Rows rows, float *out) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (long long image = share.begin + team.row; image < share.end; image += team.rows)
        for (int c = team.lane * V; c < channels; c += team.lanes * V) {
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
        const RowGrid grid = row_grid_for<V>(ctx, kernel, x.n, x.c);
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, x.h * x.w, x.c, grid.rows,
               (float *)out.data);
    });
    check_launch(ctx, "channel_mean");
}
