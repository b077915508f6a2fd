// Convolutions and matrix products: checks, planning, and which method runs.
#include "conv.h"

#include <limits.h>

#include "device/checks.cuh"

extern "C" long long cudnn_most_values(void) { return INT_MAX; }

static size_t workspace_of(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    switch (filter->method) {
        case METHOD_WINOGRAD:
            return conv_winograd_workspace(ctx, x, filter);
        case METHOD_CUDNN:
            return conv_cudnn_workspace(ctx, x, filter, y);
        default:
            return 0;
    }
}

static void run(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    switch (filter->method) {
        case METHOD_NATIVE:
            return conv_native(ctx, x, filter, beta, y);
        case METHOD_PRODUCT:
            return conv_product(ctx, x, filter, beta, y);
        case METHOD_WINOGRAD:
            return conv_winograd(ctx, x, filter, beta, y);
        case METHOD_CUDNN:
            return conv_cudnn(ctx, x, filter, beta, y);
    }
}

static void convolve(Context *ctx, const char *operation, Tensor x, const Filter *filter, float beta,
                     Tensor y) {
    if (!check_shape(ctx, operation, "x", x, filter->dtype, x.n, x.h, x.w, filter->cin) ||
        !check_shape(ctx, operation, "y", y, filter->dtype, x.n, x.h, x.w, filter->cout) || x.n == 0)
        return;
    // So that a place in an image is an int.
    const int most =
        filter->padded_cin > filter->padded_cout ? filter->padded_cin : filter->padded_cout;
    if ((double)x.h * x.w * most > INT_MAX) {
        context_fail(ctx, "%s: an image is [%d,%d] with %d channels, expected less than 2^31 values",
                     operation, x.h, x.w, most);
        return;
    }
    if (context_runs(ctx)) return run(ctx, x, filter, beta, y);
    const long long macs = pixels_of(y) * filter->cout * filter->cin * filter->size * filter->size;
    context_plan_add(ctx, macs, workspace_of(ctx, x, filter, y));
}

void conv2d(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    if (context_ok(ctx)) convolve(ctx, "conv2d", x, filter, beta, y);
}

void linear(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    if (!context_ok(ctx)) return;
    if (filter->size != 1 || x.h != 1 || x.w != 1)
        context_fail(ctx, "linear: x is [%d,%d,%d,%d] and the filter %dx%d, expected [n,1,1,c] and 1x1",
                     x.n, x.h, x.w, x.c, filter->size, filter->size);
    else
        convolve(ctx, "linear", x, filter, 0, y);
}
