// The SiLU of an activation that the embedding modulates, in place.
#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/rows.cuh"

// emb: at the first image's first channel; `stride` values from image to image.
template <typename T, int V>
__global__ void scale_silu_kernel(T *y, const float *emb, int stride, Rows rows, int image_rows,
                                  int channels) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (int row = share.begin + team.row; row < share.end; row += team.rows) {
        const float *scale = emb + (long long)(row / image_rows) * stride;
        T *data = y + (long long)row * channels;
        VECTOR_LOOP
        for (int c = team.lane * V; c < channels; c += team.lanes * V) {
            Floats<V> v = load<V>(data + c);
            const Floats<V> e = load<V>(scale + c);
            unrolled<V>([&](int i) { v.at[i] *= 1 + e.at[i]; });
            store(data + c, mp_silu<T>(v));
        }
    }
}

void scale_silu(Context *ctx, Tensor y, Tensor emb, int offset) {
    if (!check_tensor(ctx, "scale_silu", "y", y) ||
        !check_shape(ctx, "scale_silu", "emb", emb, F32, y.n, 1, 1, emb.c))
        return;
    if (offset < 0 || offset > emb.c - y.c) {
        context_fail(ctx, "scale_silu: emb has %d channels, expected at least %d + %d", emb.c, offset,
                     y.c);
        return;
    }
    if (!context_runs(ctx) || rows_of(y) == 0) return;
    // A power of two divides this if it divides all three, and then the embedding's loads are aligned.
    with_width(y.dtype, y.c | emb.c | offset, [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        const auto kernel = scale_silu_kernel<T, V>;
        const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(y), y.c);
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (T *)y.data,
               (const float *)emb.data + offset, emb.c, grid.rows, y.h * y.w, y.c);
    });
    check_launch(ctx, "scale_silu");
}
