#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the values of a row are multiplied by. */
static double scale_of(const double *v, int channels) {
    double squares = 0;
    for (int c = 0; c < channels; ++c) squares += v[c] * v[c];
    return 1 / (1e-4 + sqrt(squares / channels));
}

/* A sum of c squares in float32 is off by less than c/2 roundings, its root by half as much; the other
 * steps are a few roundings.  SiLU multiplies a relative error by at most 1.1/0.596, and exp(-v) is off
 * by up to |v| roundings; |v| <= sqrt(c). */
static double bound(Tensor t) { return (t.c / 4.0 + 3 * sqrt(t.c) + 16) * 0x1p-24; }

static void check(Context *ctx, Tensor x, const float *values, float clip, Resample mode,
                  bool in_place) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s mode %d clip %g", x.n, x.h, x.w, x.c,
             dtype_label(x.dtype), mode, clip);
    const Tensor out = resampled_shape(x, mode);
    const Tensor r = in_place ? x : tensor_new(ctx, out.dtype, out.n, out.h, out.w, out.c);
    const Tensor s = tensor_new(ctx, out.dtype, out.n, out.h, out.w, out.c);
    norm_silu(ctx, x, clip, mode, r, s);
    double *expected = resampled_values(values, x, clip, mode);
    float *actual_r = tensor_download(ctx, r), *actual_s = tensor_download(ctx, s);
    const double epsilon = x.dtype == F32 ? 0 : dtype_epsilon(x.dtype);
    for (size_t i = 0; i < elements(out); i += x.c) {
        double *row = expected + i;
        const double scale = scale_of(row, x.c);
        for (int c = 0; c < x.c; ++c) row[c] *= scale;
        /* |v| < 16: a mean of four is off by two roundings of such numbers, however small it is.  It
         * changes the root, too, which changes the result r, at most sqrt(c), in proportion. */
        const double most = fmin(clip, 16), root = 1 + sqrt(x.c);
        const double mean = mode == RESAMPLE_DOWN ? 2 * most * 0x1p-24 * scale * root : 0;
        char row_of[128];
        snprintf(row_of, sizeof row_of, "%s, row %zu", what, i / x.c);
        expect_close(row_of, actual_r + i, row, x.c, epsilon + bound(x), 0x1p-24 + mean);
        double *silu = silu_values(row, x.c);
        expect_close(row_of, actual_s + i, silu, x.c, epsilon + 2 * bound(x), 0x1p-24 + 2 * mean);
        free(silu);
    }
    free(expected), free(actual_r), free(actual_s);
    if (!in_place) tensor_free(ctx, r);
    tensor_free(ctx, s);
}

static void test_values(void **state) {
    (void)state;
    check_resamplings(check, 0, 3, 2.5f);
}

static void test_special_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    const float values[3 * 8] = {[8] = 1e-6f, [16] = NAN};
    const Tensor x = tensor_of(ctx, F32, 1, 1, 3, 8, values);
    const Tensor r = tensor_new(ctx, F32, 1, 1, 3, 8), s = tensor_new(ctx, F32, 1, 1, 3, 8);
    norm_silu(ctx, x, 256, RESAMPLE_KEEP, r, s);
    float *actual = tensor_download(ctx, r), *silu = tensor_download(ctx, s);
    for (int c = 0; c < 8; ++c) assert_true(actual[c] == 0 && silu[c] == 0);
    assert_true(fabs(actual[8] / (1e-6 / (1e-4 + 1e-6 / sqrt(8))) - 1) < 1e-6);
    for (int c = 16; c < 24; ++c) assert_true(isnan(actual[c]) && isnan(silu[c]));
    free(actual), free(silu);
    tensor_free(ctx, x), tensor_free(ctx, r), tensor_free(ctx, s);
    test_context_close(ctx);
}

/* An image's result does not depend on the others in its batch, to the last bit. */
static void test_batch_split(void **state) {
    (void)state;
    Context *ctx = test_context();
    const int n = 5, h = 6, w = 4, c = 24;
    const size_t image = (size_t)h * w * c;
    float *values = random_floats(n * image, 3);
    const Tensor x = tensor_of(ctx, F32, n, h, w, c, values), r = tensor_new(ctx, F32, n, h, w, c),
                 s = tensor_new(ctx, F32, n, h, w, c);
    norm_silu(ctx, x, 1, RESAMPLE_KEEP, r, s);
    float *all = tensor_download(ctx, s);
    for (int i = 0; i < n; ++i) {
        const Tensor one = tensor_of(ctx, F32, 1, h, w, c, values + i * image);
        const Tensor one_s = tensor_new(ctx, F32, 1, h, w, c);
        norm_silu(ctx, one, 1, RESAMPLE_KEEP, one, one_s);
        float *actual = tensor_download(ctx, one_s);
        expect_same("one image of a batch", actual, all + i * image, image);
        free(actual);
        tensor_free(ctx, one), tensor_free(ctx, one_s);
    }
    free(values), free(all);
    tensor_free(ctx, x), tensor_free(ctx, r), tensor_free(ctx, s);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F16, 2, 4, 6, 8), half = shape(F16, 2, 2, 3, 8);
    context_plan_begin(ctx); /* nothing is allocated: shapes are checked and no data is read */
    norm_silu(ctx, x, 1, RESAMPLE_KEEP, x, x);
    norm_silu(ctx, x, 1, RESAMPLE_DOWN, half, half);
    assert_true(context_ok(ctx));
    norm_silu(ctx, x, 1, RESAMPLE_DOWN, x, half);
    expect_error(ctx, "norm_silu: r is [2,4,6,8] F16, expected [2,2,3,8] F16");
    norm_silu(ctx, x, 1, RESAMPLE_UP, shape(F16, 2, 8, 12, 8), half);
    expect_error(ctx, "norm_silu: s is [2,2,3,8] F16, expected [2,8,12,8] F16");
    norm_silu(ctx, half, 1, RESAMPLE_DOWN, half, half);
    expect_error(ctx, "norm_silu: pixels are 2x3, expected even sizes");
    norm_silu(ctx, x, 1, RESAMPLE_KEEP, shape(F32, 2, 4, 6, 8), x);
    expect_error(ctx, "norm_silu: r is [2,4,6,8] F32, expected [2,4,6,8] F16");
    const Plan plan = context_plan_end(ctx);
    assert_true(plan.macs == 0 && plan.workspace_bytes == 0);
    norm_silu(ctx, x, 1, RESAMPLE_KEEP, x, x);
    expect_error(ctx, "norm_silu: x lies at");
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_batch_split),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
