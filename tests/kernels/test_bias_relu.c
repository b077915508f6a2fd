#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/tensors.h"

static Tensor strided(Tensor x, int stride) {
    x.h = (x.h + stride - 1) / stride, x.w = (x.w + stride - 1) / stride;
    return x;
}

static void check(Context *ctx, Tensor like, int stride, bool in_place) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s stride %d", like.n, like.h, like.w, like.c,
             dtype_label(like.dtype), stride);
    const Tensor out = strided(like, stride);
    float *values = random_values(elements(like), 1, 1, like.dtype);
    float *bias = random_values(like.c, 2, 0.5f, F32);
    double *expected = malloc((elements(out) + 1) * sizeof *expected);
    size_t i = 0;
    for (int n = 0; n < out.n; ++n)
        for (int y = 0; y < out.h; ++y)
            for (int x = 0; x < out.w; ++x)
                for (int c = 0; c < out.c; ++c) {
                    const size_t pixel = ((size_t)n * like.h + stride * y) * like.w + stride * x;
                    const double v = (double)values[pixel * like.c + c] + bias[c];
                    expected[i++] = v > 0 ? v : 0;
                }
    const Tensor tx = tensor_of(ctx, like.dtype, like.n, like.h, like.w, like.c, values);
    const Tensor tb = tensor_of(ctx, F32, 1, 1, 1, like.c, bias);
    const Tensor ty = in_place ? tx : tensor_new(ctx, out.dtype, out.n, out.h, out.w, out.c);
    bias_relu(ctx, tx, tb.data, stride, ty);
    float *actual = tensor_download(ctx, ty);
    /* The sum is rounded once to float32, and once to the type. */
    const double epsilon = like.dtype == F32 ? 0 : dtype_epsilon(like.dtype);
    expect_close(what, actual, expected, elements(out), epsilon + 0x1p-24, epsilon > 0 ? 0x1p-25 : 0);
    free(values), free(bias), free(expected), free(actual);
    if (!in_place) tensor_free(ctx, ty);
    tensor_free(ctx, tx), tensor_free(ctx, tb);
}

static void test_values(void **state) {
    (void)state;
    static const int shapes[][4] = {{2, 4, 6, 32},    {3, 5, 7, 9},   {1, 1, 1, 8},
                                    {2, 3, 2, 264},   {0, 2, 2, 16},  {3, 10, 14, 72},
                                    {3, 10, 12, 165}, {9, 34, 34, 3}, {9, 34, 34, 1}};
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < 9; ++i) {
            const Tensor x = shape(DTYPES[t], shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
            check(ctx, x, 1, false);
            check(ctx, x, 1, true);
            check(ctx, x, 2, false);
            check(ctx, x, 3, false);
        }
    test_context_close(ctx);
}

static void test_not_a_number(void **state) {
    (void)state;
    Context *ctx = test_context();
    const float values[4] = {NAN, -INFINITY, INFINITY, -0.0f}, bias[4] = {1, 1, 1, 0};
    const double expected[4] = {NAN, 0, INFINITY, 0};
    const Tensor x = tensor_of(ctx, F32, 1, 1, 1, 4, values), b = tensor_of(ctx, F32, 1, 1, 1, 4, bias);
    bias_relu(ctx, x, b.data, 1, x);
    float *actual = tensor_download(ctx, x);
    for (int i = 0; i < 4; ++i)
        assert_true(isnan(expected[i]) ? isnan(actual[i]) : actual[i] == expected[i]);
    free(actual), tensor_free(ctx, x), tensor_free(ctx, b);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F16, 2, 5, 4, 8);
    context_plan_begin(ctx);
    bias_relu(ctx, x, NULL, 2, shape(F16, 2, 3, 2, 8));
    assert_true(context_ok(ctx));
    bias_relu(ctx, x, NULL, 2, shape(F16, 2, 2, 2, 8));
    expect_error(ctx, "bias_relu: out is [2,2,2,8] F16, expected [2,3,2,8] F16");
    bias_relu(ctx, x, NULL, 1, shape(F32, 2, 5, 4, 8));
    expect_error(ctx, "bias_relu: out is [2,5,4,8] F32, expected [2,5,4,8] F16");
    bias_relu(ctx, x, NULL, 0, x);
    expect_error(ctx, "bias_relu: the stride is 0");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_not_a_number),
                                       cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
