#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reference.h"

static void check(Context *ctx, Tensor x, const float *values, float clip, Resample mode,
                  bool in_place) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s mode %d clip %g", x.n, x.h, x.w, x.c,
             dtype_label(x.dtype), mode, clip);
    const Tensor out = resampled_shape(x, mode);
    const Tensor r = in_place ? x : tensor_new(ctx, out.dtype, out.n, out.h, out.w, out.c);
    const Tensor s = tensor_new(ctx, out.dtype, out.n, out.h, out.w, out.c);
    resample_silu(ctx, x, clip, mode, r, s);
    double *expected_r = resampled_values(values, x, clip, mode);
    double *expected_s = silu_values(expected_r, elements(out));
    float *actual_r = tensor_download(ctx, r), *actual_s = tensor_download(ctx, s);
    const bool mean = mode == RESAMPLE_DOWN;
    const double epsilon = dtype_epsilon(x.dtype);
    /* |v| < 6: a mean is off by at most 3 roundings of numbers below 16, which SiLU less than doubles;
     * SiLU itself is off by 6 roundings, and |v| more from those of exp's argument. */
    expect_close(what, actual_r, expected_r, elements(out), mean ? epsilon : 0,
                 mean ? 12 * 0x1p-24 : 0);
    expect_close(what, actual_s, expected_s, elements(out), epsilon + 12 * 0x1p-24,
                 mean ? 24 * 0x1p-24 : 0x1p-24);
    free(expected_r), free(expected_s), free(actual_r), free(actual_s);
    if (!in_place) tensor_free(ctx, r);
    tensor_free(ctx, s);
}

static void test_values(void **state) {
    (void)state;
    check_resamplings(check, 7, 1, 0.75f);
}

/* Far out, SiLU is 0 or v / 0.596.  What was not finite stays so: -infinity gives NaN, as
 * -infinity / infinity does. */
static void check_extreme(DType dtype, float v, float actual) {
    const double expected = v / 0.596;
    if (isnan(v) || v == -INFINITY)
        assert_true(isnan(actual));
    else if (v > 0)
        assert_true(actual == expected ||
                    fabs(actual - expected) <= expected * (dtype_epsilon(dtype) + 0x1p-22));
    else
        assert_true(actual <= 0 && actual >= -1e-36f);
}

/* exp(88) is above 2^126, where the fast division gives 0, and exp(89) is infinite. */
static void check_extremes(Context *ctx, DType dtype, int channels) {
    static const float far[] = {-88, -89, -100, -1000, -INFINITY, INFINITY, 1000, NAN};
    float values[32];
    for (int i = 0; i < 32; ++i) values[i] = far[i % 8];
    const Tensor x = tensor_of(ctx, dtype, 1, 1, 1, channels, values);
    const Tensor s = tensor_new(ctx, dtype, 1, 1, 1, channels);
    resample_silu(ctx, x, INFINITY, RESAMPLE_KEEP, x, s);
    float *actual = tensor_download(ctx, s);
    for (int i = 0; i < channels; ++i) check_extreme(dtype, values[i], actual[i]);
    free(actual);
    tensor_free(ctx, x), tensor_free(ctx, s);
}

static void test_extremes(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t) {
        check_extremes(ctx, DTYPES[t], 32); /* by whole packs */
        check_extremes(ctx, DTYPES[t], 15);
    }
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F16, 2, 4, 6, 8), up = shape(F16, 2, 8, 12, 8);
    context_plan_begin(ctx);
    resample_silu(ctx, x, 1, RESAMPLE_UP, up, up);
    assert_true(context_ok(ctx));
    resample_silu(ctx, x, 1, RESAMPLE_UP, up, x);
    expect_error(ctx, "resample_silu: s is [2,4,6,8] F16, expected [2,8,12,8] F16");
    resample_silu(ctx, x, 1, RESAMPLE_KEEP, shape(BF16, 2, 4, 6, 8), x);
    expect_error(ctx, "resample_silu: r is [2,4,6,8] BF16, expected [2,4,6,8] F16");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
