#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reference.h"

/* KEEP and UP only copy and clamp; the mean of 2x2 is three roundings in float32 and one to the type.
 */
static void check(Context *ctx, Tensor x, const float *values, float clip, Resample mode,
                  bool in_place) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s mode %d clip %g", x.n, x.h, x.w, x.c,
             dtype_label(x.dtype), mode, clip);
    const Tensor like = resampled_shape(x, mode);
    const Tensor out = in_place ? x : tensor_new(ctx, like.dtype, like.n, like.h, like.w, like.c);
    resample(ctx, x, clip, mode, out);
    double *expected = resampled_values(values, x, clip, mode);
    float *actual = tensor_download(ctx, out);
    const bool mean = mode == RESAMPLE_DOWN;
    expect_close(what, actual, expected, elements(out), mean ? dtype_epsilon(x.dtype) : 0,
                 mean ? 4 * 3 * 0x1p-24 : 0);
    free(expected), free(actual);
    if (!in_place) tensor_free(ctx, out);
}

static void test_values(void **state) {
    (void)state;
    check_resamplings(check, 0, 1, 0.75f);
}

static void test_nan_stays(void **state) {
    (void)state;
    Context *ctx = test_context();
    const float values[4] = {NAN, INFINITY, -INFINITY, -3};
    const Tensor x = tensor_of(ctx, F32, 1, 1, 1, 4, values);
    resample(ctx, x, 2, RESAMPLE_KEEP, x);
    float *actual = tensor_download(ctx, x);
    assert_true(isnan(actual[0]) && actual[1] == 2 && actual[2] == -2 && actual[3] == -2);
    free(actual);
    tensor_free(ctx, x);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    resample(ctx, shape(BF16, 2, 4, 6, 8), 1, RESAMPLE_DOWN, shape(BF16, 2, 2, 3, 8));
    assert_true(context_ok(ctx));
    resample(ctx, shape(BF16, 2, 4, 6, 8), 1, RESAMPLE_UP, shape(BF16, 2, 8, 12, 7));
    expect_error(ctx, "resample: out is [2,8,12,7] BF16, expected [2,8,12,8] BF16");
    resample(ctx, shape(BF16, 2, 3, 6, 8), 1, RESAMPLE_DOWN, shape(BF16, 2, 1, 3, 8));
    expect_error(ctx, "resample: pixels are 3x6, expected even sizes");
    resample(ctx, shape(F32, 1, 0, 6, 8), 1, RESAMPLE_KEEP, shape(F32, 1, 0, 6, 8));
    expect_error(ctx, "resample: x is [1,0,6,8]");
    resample(ctx, shape(F32, 1 << 20, 1 << 10, 2, 8), 1, RESAMPLE_KEEP, shape(F32, 1, 1, 1, 8));
    expect_error(ctx, "at most 2^30 pixels");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nan_stays),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
