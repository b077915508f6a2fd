// What follows a convolution in a plain network: every stride-th pixel, a bias, ReLU.
#include "device/checks.cuh"
#include "device/rows.cuh"

// x: images of h lines of w pixels; out: of out_h lines of out_w.  out may be x if the stride is 1.
template <typename T, int V>
__global__ void bias_relu_kernel(const T *x, const float *bias, int h, int w, int stride, Rows rows,
                                 int out_h, int out_w, int channels, T *out) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (int row = share.begin + team.row; row < share.end; row += team.rows) {
        const int line = row / out_w, image = line / out_h;
        const int y = stride * (line - image * out_h), column = stride * (row - line * out_w);
        const T *data = x + (((long long)image * h + y) * w + column) * channels;
        T *result = out + (long long)row * channels;
        VECTOR_LOOP
        for (int c = team.lane * V; c < channels; c += team.lanes * V) {
            Floats<V> v = load<V>(data + c);
            const Floats<V> b = load<V>(bias + c);
            unrolled<V>([&](int i) { v.at[i] = max_or_nan(v.at[i] + b.at[i], 0); });
            store(result + c, v);
        }
    }
}

void bias_relu(Context *ctx, Tensor x, const float *bias, int stride, Tensor out) {
    if (!check_tensor(ctx, "bias_relu", "x", x)) return;
    if (stride < 1 || (stride > 1 && x.data == out.data && context_runs(ctx))) {
        context_fail(ctx, "bias_relu: the stride is %d, expected at least 1, and 1 in place", stride);
        return;
    }
    if (!check_shape(ctx, "bias_relu", "out", out, x.dtype, x.n, (x.h - 1) / stride + 1,
                     (x.w - 1) / stride + 1, x.c))
        return;
    if (!context_runs(ctx) || rows_of(out) == 0) return;
    with_width(x.dtype, x.c, [&](auto zero, auto width) {
        using T = decltype(zero);
        constexpr int V = decltype(width)::value;
        const auto kernel = bias_relu_kernel<T, V>;
        const RowGrid grid = row_grid_for<V>(ctx, kernel, rows_of(out), x.c);
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, (const T *)x.data, bias, x.h, x.w, stride,
               grid.rows, out.h, out.w, x.c, (T *)out.data);
    });
    check_launch(ctx, "bias_relu");
}
