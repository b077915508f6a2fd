// Magnitude-preserving concatenation over the channels (Karras et al. 2024, Eq. 103), and the SiLU of
// the result.
#include <math.h>

#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/rows.cuh"

// One row of one of the two parts.
template <int V, typename T>
__device__ inline void scale_row(Team team, const T *x, int channels, float clip, float scale, T *r,
                                 T *s) {
    VECTOR_LOOP
    for (int c = team.lane * V; c < channels; c += team.lanes * V) {
        Floats<V> v = clamp(load<V>(x + c), clip);
        unrolled<V>([&](int i) { v.at[i] *= scale; });
        store(r + c, v);
        store(s + c, mp_silu<T>(v));
    }
}

template <typename T, int V>
__global__ void cat_silu_kernel(const T *a, int a_channels, float clip_a, float scale_a, const T *b,
                                int b_channels, float clip_b, float scale_b, Rows rows, T *r, T *s) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (long long row = share.begin + team.row; row < share.end; row += team.rows) {
        T *r_row = r + row * (a_channels + b_channels), *s_row = s + row * (a_channels + b_channels);
        scale_row<V>(team, a + row * a_channels, a_channels, clip_a, scale_a, r_row, s_row);
        scale_row<V>(team, b + row * b_channels, b_channels, clip_b, scale_b, r_row + a_channels,
                     s_row + a_channels);
    }
}

void cat_silu(Context *ctx, Tensor a, float clip_a, Tensor b, float clip_b, float balance, Tensor r,
              Tensor s) {
    if (!check_tensor(ctx, "cat_silu", "a", a) ||
        !check_shape(ctx, "cat_silu", "b", b, a.dtype, a.n, a.h, a.w, b.c) ||
        !check_shape(ctx, "cat_silu", "r", r, a.dtype, a.n, a.h, a.w, a.c + b.c) ||
        !check_shape(ctx, "cat_silu", "s", s, a.dtype, a.n, a.h, a.w, a.c + b.c))
        return;
    if (!context_runs(ctx) || rows_of(a) == 0) return;
    const double t = balance, norm = sqrt((a.c + b.c) / ((1 - t) * (1 - t) + t * t));
    const float scale_a = norm * (1 - t) / sqrt(a.c), scale_b = norm * t / sqrt(b.c);
    // A power of two divides `a.c | b.c` if it divides both.
    with_width(a.dtype, a.c | b.c, [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        const auto kernel = cat_silu_kernel<T, V>;
        const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(a), a.c > b.c ? a.c : b.c);
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)a.data, a.c, clip_a, scale_a,
               (const T *)b.data, b.c, clip_b, scale_b, grid.rows, (T *)r.data, (T *)s.data);
    });
    check_launch(ctx, "cat_silu");
}
