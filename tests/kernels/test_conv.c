/* Convolutions and matrix products of both engines against double-precision loops. */
#include "support/tensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *engine_label(Engine engine) {
    return engine == ENGINE_NATIVE ? "native" : "library";
}

typedef struct {
    int n, h, w, cin, cout, size;
    float beta;
} Case;

/* The convolution in double precision, and in `spread` the root of the sum of its terms' squares: the
 * size of such sums when the terms have random signs.  y: the old values. */
static void reference(const Case *t, const float *x, const float *weights, const float *y,
                      double *expected, double *spread) {
    const int pad = t->size / 2, taps = t->size * t->size;
    for (size_t at = 0; at < (size_t)t->n * t->h * t->w * t->cout; ++at) {
        const size_t o = at % t->cout, pixel = at / t->cout;
        const int j = pixel % t->w, i = pixel / t->w % t->h, n = pixel / t->w / t->h;
        double sum = t->beta == 0 ? 0 : (double)t->beta * y[at], squares = sum * sum;
        for (int tap = 0; tap < taps; ++tap) {
            const int row = i + tap / t->size - pad, column = j + tap % t->size - pad;
            if (row < 0 || row >= t->h || column < 0 || column >= t->w) continue;
            const float *from = x + (((size_t)n * t->h + row) * t->w + column) * t->cin;
            for (int c = 0; c < t->cin; ++c) {
                const double term = (double)from[c] * weights[(o * taps + tap) * t->cin + c];
                sum += term;
                squares += term * term;
            }
        }
        expected[at] = sum;
        spread[at] = sqrt(squares);
    }
}

static void reserve(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    context_plan_begin(ctx);
    conv2d(ctx, x, filter, 0, y);
    context_reserve_workspace(ctx, context_plan_end(ctx).workspace_bytes);
}

/* conv(x) + beta y; malloc'd. */
static float *convolved(Context *ctx, const Case *t, DType dtype, const float *x_values,
                        const float *weights, const float *y_values) {
    Filter *filter = filter_create(ctx, weights, t->cout, t->size, t->cin, dtype);
    const Tensor x = tensor_of(ctx, dtype, t->n, t->h, t->w, t->cin, x_values);
    const Tensor y = tensor_of(ctx, dtype, t->n, t->h, t->w, t->cout, y_values);
    reserve(ctx, x, filter, y);
    conv2d(ctx, x, filter, t->beta, y);
    float *result = tensor_download(ctx, y);
    tensor_free(ctx, x);
    tensor_free(ctx, y);
    filter_destroy(filter);
    if (!context_ok(ctx)) fail_msg("%s", context_error(ctx)->text);
    return result;
}

/* The old values of y: NaN if they may not be read. */
static float *old_values(const Case *t, size_t count, DType dtype) {
    float *values = random_values(count, 3, 1, dtype);
    for (size_t i = 0; i < count && t->beta == 0; ++i) values[i] = NAN;
    return values;
}

/* Rounding `depth` partial sums in float32, which grow like a random walk to `spread`, gives an error
 * with a standard deviation of about 0.4 2^-24 sqrt(depth) spread.  16 instead of 0.4 has room for the
 * largest of 10^5 elements and for the transforms of Winograd's method; factors rounded to TF32 or
 * bfloat16 would be far outside.  16-bit results are rounded once more. */
static void check_case(Context *ctx, Engine engine, const Case *t, DType dtype) {
    const size_t x_count = (size_t)t->n * t->h * t->w * t->cin;
    const size_t y_count = (size_t)t->n * t->h * t->w * t->cout;
    const size_t depth = (size_t)t->size * t->size * t->cin;
    float *x = random_values(x_count, 1, 1, dtype), *old = old_values(t, y_count, dtype);
    float *weights = random_values(depth * t->cout, 2, 1, dtype);
    double *expected = calloc(y_count, sizeof *expected), *spread = calloc(y_count, sizeof *spread);
    reference(t, x, weights, old, expected, spread);
    float *actual = convolved(ctx, t, dtype, x, weights, old);
    const double rounding = dtype == F32 ? 0 : dtype_epsilon(dtype);
    for (size_t i = 0; i < y_count; ++i) {
        const double sums = 16 * 0x1p-24 * sqrt((double)depth + 1) * spread[i];
        const double bound =
            sums + rounding * (fabs(expected[i]) + sums) + (dtype == F16 ? 0x1p-25 : 0);
        if (!(fabs(actual[i] - expected[i]) <= bound))
            fail_msg(
                "%s %s %dx%d [%d,%d,%d,%d] to %d, beta %g: element %zu is %.9g, expected %.9g +- %.3g",
                engine_label(engine), dtype_label(dtype), t->size, t->size, t->n, t->h, t->w, t->cin,
                t->cout, t->beta, i, actual[i], expected[i], bound);
    }
    free(x), free(old), free(weights), free(expected), free(spread), free(actual);
}

static void check_cases(const Case *cases, size_t count) {
    for (Engine engine = ENGINE_NATIVE; engine <= ENGINE_LIBRARY; ++engine) {
        Context *ctx = test_context_of(engine);
        for (size_t i = 0; i < count; ++i)
            for (int d = 0; d < 3; ++d) check_case(ctx, engine, &cases[i], DTYPES[d]);
        test_context_close(ctx);
    }
}

static void test_3x3(void **state) {
    (void)state;
    const Case cases[] = {
        {1, 1, 1, 1, 1, 3, 0},      {2, 1, 1, 17, 33, 3, 0}, {2, 5, 7, 17, 33, 3, 0},
        {1, 4, 4, 3, 5, 3, -1},     {3, 8, 8, 64, 64, 3, 0}, {2, 9, 6, 96, 33, 3, 0.5f},
        {2, 3, 13, 2, 17, 3, 0.5f}, {2, 5, 5, 33, 1, 3, 0},  {1, 16, 12, 64, 32, 3, -1.25f},
        {1, 2, 3, 16, 16, 3, 1},    {1, 7, 4, 130, 70, 3, 0}};
    check_cases(cases, sizeof cases / sizeof *cases);
}

/* More values than a tensor of cuDNN's may have in the tests of the PTX runner, where the limit is
 * 20480: parts of three images, and one of a single image. */
static void test_parts_of_a_batch(void **state) {
    (void)state;
    const Case cases[] = {{7, 8, 8, 96, 8, 3, 0}, {7, 8, 8, 8, 96, 3, 0.5f}};
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void test_1x1(void **state) {
    (void)state;
    const Case cases[] = {{1, 1, 1, 1, 1, 1, 0},    {5, 3, 2, 33, 96, 1, 0},  {2, 4, 4, 3, 5, 1, 0.5f},
                          {2, 5, 5, 64, 192, 1, 0}, {1, 9, 25, 17, 2, 1, -1}, {3, 8, 8, 300, 47, 1, 2}};
    check_cases(cases, sizeof cases / sizeof *cases);
}

/* cuDNN gets 16-bit channels in multiples of 8, from copies with zeros where the workspace lies. */
static void test_padding(void **state) {
    (void)state;
    const int channels[] = {1, 3, 4, 5, 7, 8, 9};
    Case cases[2 * 7 * 7];
    int count = 0;
    for (int i = 0; i < 7; ++i)
        for (int o = 0; o < 7; ++o)
            for (int size = 1; size <= 3; size += 2)
                cases[count++] = (Case){2, 3, 5, channels[i], channels[o], size, o % 2 ? 0.5f : 0};
    check_cases(cases, count);
}

/* What the workspace, and so the copies, held before does not show in the result. */
static void test_padding_after_nan(void **state) {
    (void)state;
    Context *ctx = test_context_of(ENGINE_LIBRARY);
    const Case small = {2, 3, 5, 5, 3, 3, 0.5f}, large = {4, 3, 5, 7, 7, 3, 1};
    const size_t x_count = 2 * 3 * 5 * 5, y_count = 2 * 3 * 5 * 3;
    float *nan = malloc(4 * 3 * 5 * 7 * sizeof *nan);
    float *weights = random_floats(7 * 9 * 7, 1);
    for (int i = 0; i < 4 * 3 * 5 * 7; ++i) nan[i] = NAN;
    for (int d = 0; d < 3; ++d) {
        float *x = random_values(x_count, 2, 1, DTYPES[d]),
              *y = random_values(y_count, 3, 1, DTYPES[d]);
        float *before = convolved(ctx, &small, DTYPES[d], x, weights, y);
        free(convolved(ctx, &large, DTYPES[d], nan, weights, nan));
        float *after = convolved(ctx, &small, DTYPES[d], x, weights, y);
        for (size_t i = 0; i < y_count; ++i) assert_true(isfinite(after[i]));
        expect_same("after NaN", after, before, y_count);
        free(x), free(y), free(before), free(after);
    }
    free(nan), free(weights);
    test_context_close(ctx);
}

static void keep_choice(void *user, const ConvolutionChoice *choice) {
    ConvolutionChoice *last = user;
    const int number = last->n;
    *last = *choice;
    last->n = number + 1;
}

/* Each choice is heard of once, with the channels that cuDNN sees. */
static void test_choices(void **state) {
    (void)state;
    for (int d = 0; d < 3; ++d) {
        Context *ctx = test_context_of(ENGINE_LIBRARY);
        ConvolutionChoice last = {0}; /* n: how many there were */
        float *weights = random_floats(3 * 9 * 5, 1);
        Filter *filter = filter_create(ctx, weights, 3, 3, 5, DTYPES[d]);
        float *values = random_floats(2 * 4 * 6 * 5, 2);
        const Tensor x = tensor_of(ctx, DTYPES[d], 2, 4, 6, 5, values),
                     y = tensor_new(ctx, DTYPES[d], 2, 4, 6, 3);
        conv2d(ctx, x, filter, 0, y);
        context_listen(ctx, keep_choice, &last);
        for (int i = 0; i < 2; ++i) {
            conv2d(ctx, tensor_images(x, 0, 1), filter, 0, tensor_images(y, 0, 1));
            conv2d(ctx, x, filter, 0, y);
        }
        device_synchronize(ctx);
        assert_int_equal(last.n, 2);
        assert_true(last.h == 4 && last.w == 6 && last.cin == 5 && last.cout == 3 && last.size == 3);
        assert_true(last.dtype == DTYPES[d] && strlen(last.algorithm) > 0 && strlen(last.math) > 0);
        if (!context_device(ctx).host_cores)
            assert_true(last.padded_cin == (d ? 8 : 5) && last.padded_cout == (d ? 8 : 3));
        tensor_free(ctx, x), tensor_free(ctx, y), filter_destroy(filter);
        free(weights), free(values);
        test_context_close(ctx);
    }
}

/* linear is a product whose images are one pixel. */
static void test_linear(void **state) {
    (void)state;
    const int n = 29, cin = 65, cout = 50;
    for (Engine engine = ENGINE_NATIVE; engine <= ENGINE_LIBRARY; ++engine) {
        Context *ctx = test_context_of(engine);
        for (int d = 0; d < 3; ++d) {
            float *values = random_values(n * cin, 1, 1, DTYPES[d]);
            float *weights = random_values(cout * cin, 2, 1, DTYPES[d]);
            double *expected = calloc(n * cout, sizeof *expected);
            for (int i = 0; i < n * cout; ++i)
                for (int c = 0; c < cin; ++c)
                    expected[i] += (double)values[i / cout * cin + c] * weights[i % cout * cin + c];
            Filter *filter = filter_create(ctx, weights, cout, 1, cin, DTYPES[d]);
            const Tensor x = tensor_of(ctx, DTYPES[d], n, 1, 1, cin, values);
            const Tensor y = tensor_new(ctx, DTYPES[d], n, 1, 1, cout);
            context_plan_begin(ctx);
            linear(ctx, x, filter, y);
            const Plan plan = context_plan_end(ctx);
            assert_true(plan.macs == n * cin * cout);
            context_reserve_workspace(ctx, plan.workspace_bytes);
            linear(ctx, x, filter, y);
            float *actual = tensor_download(ctx, y);
            expect_close("linear", actual, expected, n * cout,
                         DTYPES[d] == F32 ? 0 : dtype_epsilon(DTYPES[d]), 16 * 0x1p-24 * cin);
            tensor_free(ctx, x), tensor_free(ctx, y), filter_destroy(filter);
            free(values), free(weights), free(expected), free(actual);
        }
        test_context_close(ctx);
    }
}

/* The last image of a batch of 7 gives the same bytes alone, at each place of a batch that is worked on
 * in pieces, and from the library's several methods. */
static void check_batches(Context *ctx, DType dtype, int size, int pixels, int cin, int cout) {
    const int n = 7;
    /* 0.3: products with old values are rounded, so that a multiply-add that is fused only here shows.
     */
    const Case all = {n, pixels, pixels, cin, cout, size, 0.3f},
               one = {1, pixels, pixels, cin, cout, size, 0.3f};
    const size_t x_count = (size_t)pixels * pixels * cin, y_count = (size_t)pixels * pixels * cout;
    float *x = random_values(n * x_count, 1, 1, dtype), *old = random_values(n * y_count, 3, 1, dtype);
    float *weights = random_values((size_t)cout * size * size * cin, 2, 1, dtype);
    float *together = convolved(ctx, &all, dtype, x, weights, old);
    for (int i = 0; i < n; ++i) {
        float *alone = convolved(ctx, &one, dtype, x + i * x_count, weights, old + i * y_count);
        expect_same("an image of a batch", together + i * y_count, alone, y_count);
        free(alone);
    }
    free(x), free(old), free(weights), free(together);
}

static void test_batches(void **state) {
    (void)state;
    for (Engine engine = ENGINE_NATIVE; engine <= ENGINE_LIBRARY; ++engine) {
        Context *ctx = test_context_of(engine);
        /* On a GPU cuDNN and cuBLAS choose an algorithm for each size of batch. */
        const bool promised =
            engine == ENGINE_NATIVE || strstr(context_device(ctx).name, "simt") != NULL;
        for (int d = 0; d < 3 && promised; ++d) {
            check_batches(ctx, DTYPES[d], 3, 6, 33, 40);
            check_batches(ctx, DTYPES[d], 3, 12, 33, 40);
            check_batches(ctx, DTYPES[d], 3, 5, 2, 17);
            check_batches(ctx, DTYPES[d], 1, 5, 33, 70);
            check_batches(ctx, DTYPES[d], 1, 1, 65, 50);
        }
        if (promised) check_batches(ctx, F32, 3, 36, 48, 20); /* several groups of Winograd's tiles */
        test_context_close(ctx);
    }
}

/* A context without the workspace that planning asked for refuses Winograd (of the host's cores); with
 * it, it runs.  cuDNN's convolutions make room, as a smaller batch than the planned one may want more.
 */
static void test_workspace(void **state) {
    (void)state;
    Context *ctx = test_context_of(ENGINE_LIBRARY);
    float *weights = random_floats(32 * 9 * 32, 1);
    Filter *filter = filter_create(ctx, weights, 32, 3, 32, F32);
    float *values = random_floats(2 * 8 * 8 * 32, 2);
    const Tensor x = tensor_of(ctx, F32, 2, 8, 8, 32, values), y = tensor_new(ctx, F32, 2, 8, 8, 32);
    context_plan_begin(ctx);
    conv2d(ctx, shape(F32, 2, 8, 8, 32), filter, 0, shape(F32, 2, 8, 8, 32));
    const Plan plan = context_plan_end(ctx);
    assert_true(plan.macs == 2LL * 8 * 8 * 32 * 9 * 32);
    conv2d(ctx, x, filter, 0, y);
    if (context_device(ctx).host_cores) expect_error(ctx, "workspace");
    context_reserve_workspace(ctx, plan.workspace_bytes);
    conv2d(ctx, x, filter, 0, y);
    device_synchronize(ctx);
    tensor_free(ctx, x), tensor_free(ctx, y), filter_destroy(filter);
    free(weights), free(values);
    test_context_close(ctx);
}

/* A batch of more values than cuDNN's tensors may have, planned: H100s get there with EDM2-XL. */
static void test_large_batch(void **state) {
    (void)state;
    Context *ctx = test_context_of(ENGINE_LIBRARY);
    const int n = 130000, h = 10, w = 10, cin = 192, cout = 64;
    float *weights = random_floats(cout * cin, 1);
    Filter *filter = filter_create(ctx, weights, cout, 1, cin, F16);
    context_plan_begin(ctx);
    conv2d(ctx, shape(F16, n, h, w, cin), filter, 0, shape(F16, n, h, w, cout));
    const Plan plan = context_plan_end(ctx);
    if (!context_ok(ctx)) fail_msg("%s", context_error(ctx)->text);
    assert_true(plan.macs == (long long)n * h * w * cin * cout);
    filter_destroy(filter);
    free(weights);
    test_context_close(ctx);
}

static void test_errors(void **state) {
    (void)state;
    Context *ctx = test_context();
    float *weights = random_floats(5 * 9 * 3, 1);
    assert_null(filter_create(ctx, weights, 5, 2, 3, F32));
    expect_error(ctx, "filter: weights are [5][2][2][3]");
    Filter *filter = filter_create(ctx, weights, 5, 3, 3, F32);
    const Tensor x = tensor_new(ctx, F32, 2, 4, 4, 3), y = tensor_new(ctx, F32, 2, 4, 4, 5);
    conv2d(ctx, y, filter, 0, y);
    expect_error(ctx, "conv2d: x is [2,4,4,5]");
    conv2d(ctx, x, filter, 0, x);
    expect_error(ctx, "conv2d: y is [2,4,4,3]");
    linear(ctx, x, filter, y);
    expect_error(ctx, "linear: x is [2,4,4,3]");
    context_plan_begin(ctx);
    conv2d(ctx, shape(F32, 1, 1 << 15, 1 << 15, 3), filter, 0, shape(F32, 1, 1 << 15, 1 << 15, 5));
    context_plan_end(ctx);
    expect_error(ctx, "expected less than 2^31 values");
    Tensor none = x, result = y;
    none.n = result.n = 0;
    conv2d(ctx, none, filter, 0, result);
    tensor_free(ctx, x), tensor_free(ctx, y), filter_destroy(filter);
    free(weights);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3x3),
        cmocka_unit_test(test_1x1),
        cmocka_unit_test(test_parts_of_a_batch),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_padding_after_nan),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_large_batch),
        cmocka_unit_test(test_workspace),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
