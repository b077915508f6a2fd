#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/reference.h"

static const int CHANNELS[5][2] = {{32, 64}, {8, 24}, {5, 8}, {8, 5}, {256, 136}};

static double *cat_values(const float *a, const float *b, size_t rows, int ca, int cb, double clip_a,
                          double clip_b, double t) {
    const double norm = sqrt((ca + cb) / ((1 - t) * (1 - t) + t * t));
    double *r = malloc((rows * (ca + cb) + 1) * sizeof *r);
    for (size_t row = 0, i = 0; row < rows; ++row) {
        for (int c = 0; c < ca; ++c, ++i)
            r[i] = clamped(a[row * ca + c], clip_a) * norm * (1 - t) / sqrt(ca);
        for (int c = 0; c < cb; ++c, ++i) r[i] = clamped(b[row * cb + c], clip_b) * norm * t / sqrt(cb);
    }
    return r;
}

static void check(Context *ctx, DType dtype, int n, int ca, int cb, float balance) {
    const int h = 3, w = 2;
    const size_t rows = (size_t)n * h * w, count = rows * (ca + cb);
    char what[96];
    snprintf(what, sizeof what, "%d images, %d + %d channels, %s, balance %g", n, ca, cb,
             dtype_label(dtype), balance);
    float *a = random_values(rows * ca, 1, 1, dtype), *b = random_values(rows * cb, 2, 1, dtype);
    const Tensor ta = tensor_of(ctx, dtype, n, h, w, ca, a), tb = tensor_of(ctx, dtype, n, h, w, cb, b);
    const Tensor r = tensor_new(ctx, dtype, n, h, w, ca + cb),
                 s = tensor_new(ctx, dtype, n, h, w, ca + cb);
    cat_silu(ctx, ta, 1.5f, tb, INFINITY, balance, r, s);
    double *expected_r = cat_values(a, b, rows, ca, cb, 1.5, INFINITY, balance);
    double *expected_s = silu_values(expected_r, count);
    float *actual_r = tensor_download(ctx, r), *actual_s = tensor_download(ctx, s);
    /* The scale and the product: two roundings, which SiLU at most doubles, and exp up to |v| < 16. */
    const double epsilon = dtype == F32 ? 0 : dtype_epsilon(dtype);
    /* Below 2^-14 the steps of F16 are 2^-24. */
    const double step = dtype == F16 ? 0x1p-25 : 0;
    expect_close(what, actual_r, expected_r, count, epsilon + 2 * 0x1p-24, 0x1p-26 + step);
    expect_close(what, actual_s, expected_s, count, epsilon + 26 * 0x1p-24, 0x1p-24);
    free(a), free(b), free(expected_r), free(expected_s), free(actual_r), free(actual_s);
    tensor_free(ctx, ta), tensor_free(ctx, tb), tensor_free(ctx, r), tensor_free(ctx, s);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < 5; ++i) check(ctx, DTYPES[t], 2, CHANNELS[i][0], CHANNELS[i][1], 0.3f);
    for (int t = 0; t < 3; ++t) { /* rows of several turns, and many rows */
        check(ctx, DTYPES[t], 50, 165, 134, 0.3f);
        check(ctx, DTYPES[t], 200, 5, 8, 0.3f);
        check(ctx, DTYPES[t], 70, 72, 24, 0.3f);
    }
    check(ctx, F32, 1, 16, 16, 0.5f);
    check(ctx, F32, 0, 16, 16, 0.5f);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor a = shape(F16, 2, 4, 4, 8), b = shape(F16, 2, 4, 4, 16), r = shape(F16, 2, 4, 4, 24);
    context_plan_begin(ctx);
    cat_silu(ctx, a, 1, b, 1, 0.5f, r, r);
    assert_true(context_ok(ctx));
    cat_silu(ctx, a, 1, shape(F16, 2, 2, 4, 16), 1, 0.5f, r, r);
    expect_error(ctx, "cat_silu: b is [2,2,4,16] F16, expected [2,4,4,16] F16");
    cat_silu(ctx, a, 1, b, 1, 0.5f, b, r);
    expect_error(ctx, "cat_silu: r is [2,4,4,16] F16, expected [2,4,4,24] F16");
    cat_silu(ctx, a, 1, b, 1, 0.5f, r, shape(F32, 2, 4, 4, 24));
    expect_error(ctx, "cat_silu: s is [2,4,4,24] F32, expected [2,4,4,24] F16");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
