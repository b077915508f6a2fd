// Normalization of each pixel to RMS 1, and the SiLU of the result.
#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/reduce.cuh"
#include "device/rows.cuh"

// w is the width of the output.  r may be x.
template <typename T, int V, Resample MODE>
__global__ void norm_silu_kernel(const T *x, float clip, Rows rows, int w, int channels, T *r, T *s) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (int first = share.begin; first < share.end; first += team.rows) {
        const int row = first + team.row;
        const int count = row < share.end ? channels : 0;
        const Source<MODE, T> source = source_of<MODE>(x, w, channels, row);
        float squares = 0;
        for (int c = team.lane * V; c < count; c += team.lanes * V) {
            const Floats<V> v = read<V>(source, c, clip);
            unrolled<V>([&](int i) { squares += v.at[i] * v.at[i]; });
        }
        squares = warp_sum(squares, team.lanes);
        const float scale = 1 / (1e-4f + sqrtf(squares / channels));
        T *r_row = r + (long long)row * channels, *s_row = s + (long long)row * channels;
        VECTOR_LOOP
        for (int c = team.lane * V; c < count; c += team.lanes * V) {
            Floats<V> v = read<V>(source, c, clip);
            unrolled<V>([&](int i) { v.at[i] *= scale; });
            store(r_row + c, v);
            store(s_row + c, mp_silu<T>(v));
        }
    }
}

void norm_silu(Context *ctx, Tensor x, float clip, Resample mode, Tensor r, Tensor s) {
    if (!check_tensor(ctx, "norm_silu", "x", x) ||
        !check_resampled(ctx, "norm_silu", "r", r, x, mode) ||
        !check_resampled(ctx, "norm_silu", "s", s, x, mode))
        return;
    if (!context_runs(ctx) || rows_of(r) == 0) return;
    with_width(x.dtype, x.c, [&](auto zero, auto width) {
        with_mode(mode, [&](auto resampling) {
            using T = decltype(zero);
            constexpr int V = decltype(width)::value;
            constexpr Resample MODE = decltype(resampling)::value;
            const auto kernel = norm_silu_kernel<T, V, MODE>;
            const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(r), x.c);
            LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, clip, grid.rows, r.w,
                   x.c, (T *)r.data, (T *)s.data);
        });
    });
    check_launch(ctx, "norm_silu");
}
