// What launchers check before they launch.
#include "device/checks.cuh"

#include <stdint.h>

// So that the number of a pixel, and of one a block's step beyond the last, is an int.
constexpr int MOST_PIXELS = 1 << 30;

static const char *dtype_name(DType dtype) {
    return dtype == F32 ? "F32" : dtype == F16 ? "F16" : "BF16";
}

bool check_tensor(Context *ctx, const char *operation, const char *name, Tensor t) {
    if (t.n < 0 || t.h < 1 || t.w < 1 || t.c < 1 || (double)t.n * t.h * t.w > MOST_PIXELS)
        return context_fail(
            ctx, "%s: %s is [%d,%d,%d,%d]; expected sizes of at least 1 and at most 2^30 pixels",
            operation, name, t.n, t.h, t.w, t.c);
    if (t.dtype != F32 && t.dtype != F16 && t.dtype != BF16)
        return context_fail(ctx, "%s: %s has element type %d, expected F32, F16 or BF16", operation,
                            name, (int)t.dtype);
    if (ctx->planning || t.n == 0) return true;
    if (t.data == NULL || (uintptr_t)t.data % 16 != 0)
        return context_fail(ctx, "%s: %s lies at %p, expected device memory aligned to 16 bytes",
                            operation, name, t.data);
    return true;
}

bool check_shape(Context *ctx, const char *operation, const char *name, Tensor t, DType dtype, int n,
                 int h, int w, int c) {
    if (t.dtype != dtype || t.n != n || t.h != h || t.w != w || t.c != c)
        return context_fail(ctx, "%s: %s is [%d,%d,%d,%d] %s, expected [%d,%d,%d,%d] %s", operation,
                            name, t.n, t.h, t.w, t.c, dtype_name(t.dtype), n, h, w, c,
                            dtype_name(dtype));
    return check_tensor(ctx, operation, name, t);
}

bool check_resampled(Context *ctx, const char *operation, const char *name, Tensor t, Tensor x,
                     Resample mode) {
    if (mode == RESAMPLE_KEEP) return check_shape(ctx, operation, name, t, x.dtype, x.n, x.h, x.w, x.c);
    if (mode == RESAMPLE_UP)
        return check_shape(ctx, operation, name, t, x.dtype, x.n, 2 * x.h, 2 * x.w, x.c);
    if (x.h % 2 != 0 || x.w % 2 != 0)
        return context_fail(ctx, "%s: pixels are %dx%d, expected even sizes to take half of", operation,
                            x.h, x.w);
    return check_shape(ctx, operation, name, t, x.dtype, x.n, x.h / 2, x.w / 2, x.c);
}

bool check_noise(Context *ctx, const char *operation, Tensor t, const uint64_t *seeds, int draw) {
    if (draw < 0)
        return context_fail(ctx, "%s: the number of the draw is %d, expected at least 0", operation,
                            draw);
    if (!ctx->planning && t.n > 0 && seeds == NULL) return context_fail(ctx, "%s: no seeds", operation);
    return true;
}
