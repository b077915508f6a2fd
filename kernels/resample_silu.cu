// Resampling, and the SiLU of the result.
#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/rows.cuh"

// w is the width of the output.  r may be x if MODE is KEEP.
template <typename T, int V, Resample MODE>
__global__ void resample_silu_kernel(const T *x, float clip, Rows rows, int w, int channels, T *r,
                                     T *s) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (int row = share.begin + team.row; row < share.end; row += team.rows) {
        const Source<MODE, T> source = source_of<MODE>(x, w, channels, row);
        T *r_row = r + (long long)row * channels, *s_row = s + (long long)row * channels;
        VECTOR_LOOP
        for (int c = team.lane * V; c < channels; c += team.lanes * V) {
            const Floats<V> v = read<V>(source, c, clip);
            store(r_row + c, v);
            store(s_row + c, mp_silu<T>(v));
        }
    }
}

void resample_silu(Context *ctx, Tensor x, float clip, Resample mode, Tensor r, Tensor s) {
    if (!check_tensor(ctx, "resample_silu", "x", x) ||
        !check_resampled(ctx, "resample_silu", "r", r, x, mode) ||
        !check_resampled(ctx, "resample_silu", "s", s, x, mode))
        return;
    if (!context_runs(ctx) || rows_of(r) == 0) return;
    with_width(x.dtype, x.c, [&](auto zero, auto width) {
        with_mode(mode, [&](auto resampling) {
            using T = decltype(zero);
            constexpr int V = decltype(width)::value;
            constexpr Resample MODE = decltype(resampling)::value;
            const auto kernel = resample_silu_kernel<T, V, MODE>;
            const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(r), x.c);
            LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, clip, grid.rows, r.w,
                   x.c, (T *)r.data, (T *)s.data);
        });
    });
    check_launch(ctx, "resample_silu");
}
