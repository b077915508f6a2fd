// From the sampler's state to bytes, and from bytes to values.
#include "device/checks.cuh"
#include "device/types.cuh"

__device__ inline unsigned char to_pixel(float x) {
    // Rounded after the product and after the sum, as two operations of an array library do.
    const float v = __fmul_rn(x, 127.5f) + 128.0f;
    return v > 0 ? (unsigned char)(v < 255 ? v : 255.0f) : 0;  // NaN is not > 0
}

__global__ void pixels_kernel(const float *x, Split split, unsigned char *out) {
    const Range share = block_range(split);
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK) out[i] = to_pixel(x[i]);
}

void to_pixels(Context *ctx, Tensor x, uint8_t *out) {
    if (!check_shape(ctx, "to_pixels", "x", x, F32, x.n, x.h, x.w, x.c)) return;
    if (!context_runs(ctx) || x.n == 0) return;
    const Grid grid = grid_for(ctx, pixels_kernel, (long long)rows_of(x) * x.c, BLOCK);
    LAUNCH(pixels_kernel, grid.blocks, BLOCK, 0, ctx->stream, (const float *)x.data, grid.split, out);
    check_launch(ctx, "to_pixels");
}

template <typename T>
__global__ void values_kernel(const unsigned char *pixels, Split split, T *out) {
    const Range share = block_range(split);
    // Divided as the reference divides: a product with 1 / 127.5 would differ in the last bit.
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK)
        out[i] = from_float<T>(pixels[i] / 127.5f - 1);
}

void from_pixels(Context *ctx, const uint8_t *pixels, Tensor out) {
    if (!check_tensor(ctx, "from_pixels", "out", out)) return;
    if (!context_runs(ctx) || out.n == 0) return;
    with_type(out.dtype, [&](auto zero) {
        using T = decltype(zero);
        const Grid grid = grid_for(ctx, values_kernel<T>, (long long)rows_of(out) * out.c, BLOCK);
        LAUNCH(values_kernel<T>, grid.blocks, BLOCK, 0, ctx->stream, pixels, grid.split, (T *)out.data);
    });
    check_launch(ctx, "from_pixels");
}
