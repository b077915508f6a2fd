#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/reference.h"

static void check(Context *ctx, Tensor like, int offset, int width) {
    char what[96];
    snprintf(what, sizeof what, "[%d,%d,%d,%d] %s offset %d of %d", like.n, like.h, like.w, like.c,
             dtype_label(like.dtype), offset, width);
    const size_t count = elements(like), image = like.n > 0 ? count / like.n : 1;
    float *y = random_values(count, 1, 1, like.dtype);
    float *emb = random_values((size_t)like.n * width, 2, 0.5f, F32);
    double *expected = malloc((count + 1) * sizeof *expected);
    for (size_t i = 0; i < count; ++i)
        expected[i] = silu_of(y[i] * (1.0 + emb[i / image * width + offset + i % like.c]));
    const Tensor ty = tensor_of(ctx, like.dtype, like.n, like.h, like.w, like.c, y);
    const Tensor te = tensor_of(ctx, F32, like.n, 1, 1, width, emb);
    scale_silu(ctx, ty, te, offset);
    float *actual = tensor_download(ctx, ty);
    /* 1 + emb is off by 2^-24 however small it is, and |y| < 6; the rest as in test_cat_silu.c. */
    const double epsilon = like.dtype == F32 ? 0 : dtype_epsilon(like.dtype);
    expect_close(what, actual, expected, count, epsilon + 26 * 0x1p-24, 12 * 0x1p-24);
    free(y), free(emb), free(expected), free(actual);
    tensor_free(ctx, ty), tensor_free(ctx, te);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < SHAPE_COUNT; ++i) {
            const Tensor y = shape(DTYPES[t], SHAPES[i][0], SHAPES[i][1], SHAPES[i][2], SHAPES[i][3]);
            check(ctx, y, 0, y.c);
            check(ctx, y, 64, y.c + 128);
            check(ctx, y, 3, y.c + 4);
        }
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor y = shape(F16, 2, 4, 4, 8), emb = shape(F32, 2, 1, 1, 24);
    context_plan_begin(ctx);
    scale_silu(ctx, y, emb, 16);
    assert_true(context_ok(ctx));
    scale_silu(ctx, y, emb, 17);
    expect_error(ctx, "scale_silu: emb has 24 channels, expected at least 17 + 8");
    scale_silu(ctx, y, emb, -1);
    expect_error(ctx, "scale_silu: emb has 24 channels, expected at least -1 + 8");
    scale_silu(ctx, y, shape(F32, 1, 1, 1, 24), 0);
    expect_error(ctx, "scale_silu: emb is [1,1,1,24] F32, expected [2,1,1,24] F32");
    scale_silu(ctx, y, shape(F16, 2, 1, 1, 24), 0);
    expect_error(ctx, "scale_silu: emb is [2,1,1,24] F16, expected [2,1,1,24] F32");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
