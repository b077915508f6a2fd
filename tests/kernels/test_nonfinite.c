#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/tensors.h"

static void check(Context *ctx, const float *values, int n, int h, int w, int c) {
    const Tensor x = tensor_of(ctx, F32, n, h, w, c, values);
    const size_t image = (size_t)h * w * c;
    int32_t *counts = device_alloc(ctx, n * sizeof *counts), *actual = malloc(n * sizeof *actual);
    count_nonfinite(ctx, x, counts);
    device_download(ctx, actual, counts, n * sizeof *actual);
    assert_true(context_ok(ctx));
    for (int i = 0; i < n; ++i) {
        int expected = 0;
        for (size_t k = 0; k < image; ++k) expected += !isfinite(values[i * image + k]);
        if (actual[i] != expected)
            fail_msg("image %d of %d [%d,%d,%d]: %d, expected %d", i, n, h, w, c, actual[i], expected);
    }
    free(actual);
    device_free(ctx, counts), tensor_free(ctx, x);
}

/* The largest and the smallest numbers are finite; NaN may have any sign and any bits behind it. */
static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    const uint32_t bits[8] = {0x7f7fffff, 0xff7fffff, 0x00000001, 0x80000000,
                              0x7f800000, 0xff800000, 0x7f800001, 0xffffffff};
    float values[8];
    memcpy(values, bits, sizeof bits);
    check(ctx, values, 1, 1, 2, 4);
    check(ctx, values, 2, 2, 2, 1);
    check(ctx, values, 8, 1, 1, 1);
    test_context_close(ctx);
}

/* One bad value anywhere is found, and belongs to its image: also at the ends of images that are no
 * multiple of a block or of 16 bytes. */
static void test_places(void **state) {
    (void)state;
    static const int shapes[][4] = {
        {3, 5, 7, 3}, {2, 32, 32, 1}, {5, 16, 16, 4}, {5000, 1, 3, 1}, {2, 64, 64, 3}};
    Context *ctx = test_context();
    for (int s = 0; s < 5; ++s) {
        const int n = shapes[s][0], h = shapes[s][1], w = shapes[s][2], c = shapes[s][3];
        const int image = h * w * c;
        float *values = random_floats((size_t)n * image, s);
        check(ctx, values, n, h, w, c);
        values[image - 1] = NAN;
        values[(n - 1) * image] = INFINITY;
        values[n * image - 1] = -INFINITY;
        check(ctx, values, n, h, w, c);
        for (int i = 0; i < n * image; ++i) values[i] = NAN;
        check(ctx, values, n, h, w, c);
        free(values);
    }
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    count_nonfinite(ctx, shape(F32, 1, 2, 2, 3), NULL);
    assert_true(context_ok(ctx));
    count_nonfinite(ctx, shape(F16, 1, 2, 2, 3), NULL);
    expect_error(ctx, "count_nonfinite: x is [1,2,2,3] F16, expected [1,2,2,3] F32");
    count_nonfinite(ctx, shape(F32, 1, 1 << 15, 1 << 15, 2), NULL);
    expect_error(ctx, "count_nonfinite: an image is [32768,32768,2], expected at most 2^30 values");
    context_plan_end(ctx);
    const Tensor x = tensor_new(ctx, F32, 1, 2, 2, 3);
    count_nonfinite(ctx, x, NULL);
    expect_error(ctx, "count_nonfinite: no place for the counts");
    tensor_free(ctx, x);
    count_nonfinite(ctx, shape(F32, 0, 2, 2, 3), NULL);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
