#include <math.h>
#include <stdlib.h>

#include "support/tensors.h"

static void check(Context *ctx, DType dtype, int n, int h, int w, int c) {
    const size_t pixels = (size_t)n * h * w;
    float *x = random_floats(pixels * c, 1);
    float sigma[8];
    for (int i = 0; i < n; ++i) sigma[i] = 0.002f * powf(5, i);
    double *expected = malloc((pixels * (c + 1) + 1) * sizeof *expected);
    for (size_t p = 0; p < pixels; ++p) {
        const double s = sigma[p / (h * w)];
        for (int j = 0; j < c; ++j) expected[p * (c + 1) + j] = x[p * c + j] / sqrt(s * s + 0.25);
        expected[p * (c + 1) + c] = 1;
    }
    const Tensor tx = tensor_of(ctx, F32, n, h, w, c, x), out = tensor_new(ctx, dtype, n, h, w, c + 1);
    float *device_sigma = bytes_to_device(ctx, sigma, sizeof sigma);
    precondition_ones(ctx, tx, device_sigma, 0.5f, out);
    float *actual = tensor_download(ctx, out);
    /* Two products, a sum, a root, a quotient and a product. */
    expect_close(dtype_label(dtype), actual, expected, elements(out),
                 (dtype == F32 ? 0 : dtype_epsilon(dtype)) + 6 * 0x1p-24, 0x1p-25);
    free(x), free(expected), free(actual);
    tensor_free(ctx, tx), tensor_free(ctx, out), device_free(ctx, device_sigma);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t) {
        check(ctx, DTYPES[t], 3, 7, 5, 3);
        check(ctx, DTYPES[t], 8, 4, 8, 1);
        check(ctx, DTYPES[t], 2, 9, 33, 4);
        check(ctx, DTYPES[t], 8, 70, 33, 3);
        check(ctx, DTYPES[t], 2, 3, 5, 11);
        check(ctx, DTYPES[t], 0, 2, 2, 4);
    }
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    precondition_ones(ctx, shape(F32, 2, 8, 8, 3), NULL, 0.5f, shape(F16, 2, 8, 8, 4));
    assert_true(context_ok(ctx));
    precondition_ones(ctx, shape(F32, 2, 8, 8, 3), NULL, 0.5f, shape(F16, 2, 8, 8, 3));
    expect_error(ctx, "precondition_ones: out is [2,8,8,3] F16, expected [2,8,8,4] F16");
    precondition_ones(ctx, shape(F16, 2, 8, 8, 3), NULL, 0.5f, shape(F16, 2, 8, 8, 4));
    expect_error(ctx, "precondition_ones: x is [2,8,8,3] F16, expected [2,8,8,3] F32");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
