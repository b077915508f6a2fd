#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/tensors.h"

static void check(Context *ctx, Tensor like) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s", like.n, like.h, like.w, like.c,
             dtype_label(like.dtype));
    const int pixels = like.h * like.w;
    const size_t count = (size_t)like.n * like.c;
    float *values = random_values(elements(like), 1, 1, like.dtype);
    double *expected = calloc(count + 1, sizeof *expected), most = 0;
    for (size_t i = 0; i < elements(like); ++i) {
        const size_t image = i / ((size_t)pixels * like.c);
        expected[image * like.c + i % like.c] += values[i] / (double)pixels;
        if (fabs(values[i]) > most) most = fabs(values[i]);
    }
    const Tensor x = tensor_of(ctx, like.dtype, like.n, like.h, like.w, like.c, values);
    const Tensor out = tensor_new(ctx, F32, like.n, 1, 1, like.c);
    channel_mean(ctx, x, out);
    float *actual = tensor_download(ctx, out);
    /* A sum of p numbers in order is off by at most p - 1 roundings of a sum of at most p |x|. */
    expect_close(what, actual, expected, count, 0x1p-23, (pixels - 1) * most * 0x1p-24);
    free(values), free(expected), free(actual);
    tensor_free(ctx, x), tensor_free(ctx, out);
}

static void test_values(void **state) {
    (void)state;
    static const int shapes[][4] = {{2, 4, 6, 32},   {3, 5, 7, 9},     {1, 1, 1, 8},
                                    {5, 3, 2, 264},  {700, 1, 2, 3},   {0, 2, 2, 16},
                                    {3000, 1, 6, 5}, {1400, 1, 1, 64}, {2, 1, 3, 165}};
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < 9; ++i)
            check(ctx, shape(DTYPES[t], shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]));
    test_context_close(ctx);
}

static void test_batch(void **state) {
    (void)state;
    Context *ctx = test_context();
    float *values = random_floats(7 * 3 * 5 * 20, 3);
    const Tensor x = tensor_of(ctx, F32, 7, 3, 5, 20, values);
    const Tensor one = tensor_of(ctx, F32, 1, 3, 5, 20, values + 4 * 3 * 5 * 20);
    const Tensor all = tensor_new(ctx, F32, 7, 1, 1, 20), alone = tensor_new(ctx, F32, 1, 1, 1, 20);
    channel_mean(ctx, x, all);
    channel_mean(ctx, one, alone);
    float *a = tensor_download(ctx, all), *b = tensor_download(ctx, alone);
    expect_same("an image alone", b, a + 4 * 20, 20);
    free(values), free(a), free(b);
    tensor_free(ctx, x), tensor_free(ctx, one), tensor_free(ctx, all), tensor_free(ctx, alone);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F16, 2, 5, 4, 8);
    context_plan_begin(ctx);
    channel_mean(ctx, x, shape(F32, 2, 1, 1, 8));
    assert_true(context_ok(ctx));
    channel_mean(ctx, x, shape(F16, 2, 1, 1, 8));
    expect_error(ctx, "channel_mean: out is [2,1,1,8] F16, expected [2,1,1,8] F32");
    channel_mean(ctx, shape(F16, 2, 0, 4, 8), shape(F32, 2, 1, 1, 8));
    expect_error(ctx, "channel_mean: x is [2,0,4,8]");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_batch),
                                       cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
