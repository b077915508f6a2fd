// Clamping, and halving or doubling an image's sides.
#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/rows.cuh"

// w is the width of the output.  out may be x if MODE is KEEP.
template <typename T, int V, Resample MODE>
__global__ void resample_kernel(const T *x, float clip, Rows rows, int w, int channels, T *out) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (int row = share.begin + team.row; row < share.end; row += team.rows) {
        const Source<MODE, T> source = source_of<MODE>(x, w, channels, row);
        T *out_row = out + (long long)row * channels;
        VECTOR_LOOP
        for (int c = team.lane * V; c < channels; c += team.lanes * V)
            store(out_row + c, read<V>(source, c, clip));
    }
}

void resample(Context *ctx, Tensor x, float clip, Resample mode, Tensor out) {
    if (!check_tensor(ctx, "resample", "x", x) ||
        !check_resampled(ctx, "resample", "out", out, x, mode))
        return;
    if (!context_runs(ctx) || rows_of(out) == 0) return;
    with_width(x.dtype, x.c, [&](auto zero, auto width) {
        with_mode(mode, [&](auto resampling) {
            using T = decltype(zero);
            constexpr int V = decltype(width)::value;
            constexpr Resample MODE = decltype(resampling)::value;
            const auto kernel = resample_kernel<T, V, MODE>;
            const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(out), x.c);
            LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, clip, grid.rows,
                   out.w, x.c, (T *)out.data);
        });
    });
    check_launch(ctx, "resample");
}
