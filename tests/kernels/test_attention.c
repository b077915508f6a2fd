#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/tensors.h"

typedef struct {
    int n, h, w, heads, d;
} Size;

/* Few and many tokens, more than one tile of queries and of keys, odd head sizes, one token; heads so
 * wide that few queries fit into shared memory. */
static const Size SIZES[] = {{2, 2, 3, 2, 5},   {1, 8, 8, 2, 32},  {1, 5, 7, 3, 33},
                             {2, 1, 1, 1, 16},  {1, 9, 16, 1, 64}, {1, 3, 3, 1, 128},
                             {1, 17, 19, 1, 8}, {0, 2, 2, 1, 8},   {1, 13, 20, 1, 250}};
enum { SIZE_COUNT = sizeof SIZES / sizeof SIZES[0] };

/* The d values of one token and head, normalized; part 0, 1, 2 is q, k, v. */
static void normalized(const float *qkv, Size s, int token, int part, int head, double *to) {
    const float *from = qkv + ((size_t)token * 3 + part) * s.heads * s.d + head * s.d;
    double squares = 0;
    for (int c = 0; c < s.d; ++c) squares += (double)from[c] * from[c];
    for (int c = 0; c < s.d; ++c) to[c] = from[c] / (1e-4 + sqrt(squares / s.d));
}

/* One image's output. */
static void attend(const float *qkv, Size s, double *out) {
    const int tokens = s.h * s.w;
    double *q = malloc(tokens * s.d * sizeof *q), *k = malloc(tokens * s.d * sizeof *k);
    double *v = malloc(tokens * s.d * sizeof *v), *weights = malloc(tokens * sizeof *weights);
    for (int head = 0; head < s.heads; ++head) {
        for (int token = 0; token < tokens; ++token) {
            normalized(qkv, s, token, 0, head, q + token * s.d);
            normalized(qkv, s, token, 1, head, k + token * s.d);
            normalized(qkv, s, token, 2, head, v + token * s.d);
        }
        for (int i = 0; i < tokens; ++i) {
            double total = 0, *to = out + ((size_t)i * s.heads + head) * s.d;
            for (int j = 0; j < tokens; ++j) {
                double score = 0;
                for (int c = 0; c < s.d; ++c) score += q[i * s.d + c] * k[j * s.d + c];
                total += weights[j] = exp(score / sqrt(s.d));
            }
            for (int c = 0; c < s.d; ++c) {
                to[c] = 0;
                for (int j = 0; j < tokens; ++j) to[c] += weights[j] / total * v[j * s.d + c];
            }
        }
    }
    free(q), free(k), free(v), free(weights);
}

/* By Cauchy and Schwarz, the magnitudes that a score adds up come to at most sqrt(d); so it is off by
 * less than d/2 + 4 roundings of that, and its exponential by as much, relatively.  The sums over the
 * tokens are off by tokens/2 roundings of |v| < 5, twice: of the weights and of the products. */
static double bound(Size s) {
    const double weight = sqrt(s.d) * (s.d / 2.0 + 8) + 8, sum = s.h * s.w / 2.0 + s.d / 4.0 + 4;
    return 2 * 5 * (weight + sum) * 0x1p-24;
}

static void check(Context *ctx, DType dtype, Size s) {
    char what[80];
    snprintf(what, sizeof what, "%d images of %dx%d, %d heads of %d, %s", s.n, s.h, s.w, s.heads, s.d,
             dtype_label(dtype));
    const int c = s.heads * s.d;
    const size_t image = (size_t)s.h * s.w * c;
    float *values = random_values(s.n * 3 * image, s.d, 2, dtype);
    double *expected = malloc((s.n * image + 1) * sizeof *expected);
    for (int n = 0; n < s.n; ++n) attend(values + n * 3 * image, s, expected + n * image);
    const Tensor qkv = tensor_of(ctx, dtype, s.n, s.h, s.w, 3 * c, values);
    const Tensor out = tensor_new(ctx, dtype, s.n, s.h, s.w, c);
    attention(ctx, qkv, s.heads, out);
    float *actual = tensor_download(ctx, out);
    expect_close(what, actual, expected, s.n * image, dtype == F32 ? 0 : dtype_epsilon(dtype),
                 bound(s));
    free(values), free(expected), free(actual);
    tensor_free(ctx, qkv), tensor_free(ctx, out);
}

/* Heads of 250 channels need more shared memory than small GPUs give to a block; narrower ones fit
 * everywhere. */
static bool fits(Context *ctx, Size s) {
    const int c = s.heads * s.d;
    context_plan_begin(ctx);
    attention(ctx, shape(F32, s.n, s.h, s.w, 3 * c), s.heads, shape(F32, s.n, s.h, s.w, c));
    context_plan_end(ctx);
    if (context_ok(ctx)) return true;
    assert_true(s.d == 250 && !context_device(ctx).host_cores);
    expect_error(ctx, "of shared memory");
    return false;
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < SIZE_COUNT; ++i)
            if (fits(ctx, SIZES[i])) check(ctx, DTYPES[t], SIZES[i]);
    test_context_close(ctx);
}

/* Queries that are all alike one key, whose score is then the highest possible, sqrt(d). */
static void test_extreme_scores(void **state) {
    (void)state;
    enum { TOKENS = 70, D = 64 };
    Context *ctx = test_context();
    float *values = zero_floats(TOKENS * 3 * D);
    for (int token = 0; token < TOKENS; ++token)
        for (int c = 0; c < D; ++c) {
            values[token * 3 * D + c] = 1e4f;
            values[token * 3 * D + D + c] = token == 66 ? 1e4f : -1e4f;
            values[token * 3 * D + 2 * D + c] = token == 66 ? 3 : c % 2 ? 3 : -3;
        }
    const Tensor qkv = tensor_of(ctx, F32, 1, TOKENS, 1, 3 * D, values);
    const Tensor out = tensor_new(ctx, F32, 1, TOKENS, 1, D);
    attention(ctx, qkv, 1, out);
    float *actual = tensor_download(ctx, out);
    const double one = 3 / (3 + 1e-4), others = 69 * exp(-2 * sqrt(D));
    for (int i = 0; i < TOKENS * D; ++i) {
        const double expected = i % 2 ? one : one * (1 - others) / (1 + others);
        assert_true(fabs(actual[i] - expected) < 1e-6);
    }
    free(values), free(actual);
    tensor_free(ctx, qkv), tensor_free(ctx, out);
    test_context_close(ctx);
}

static void test_batch_split(void **state) {
    (void)state;
    enum { N = 3, H = 7, W = 11, HEADS = 2, C = 34, IMAGE = H * W * C };
    Context *ctx = test_context();
    float *values = random_floats(N * 3 * IMAGE, 1);
    const Tensor qkv = tensor_of(ctx, F32, N, H, W, 3 * C, values),
                 out = tensor_new(ctx, F32, N, H, W, C);
    attention(ctx, qkv, HEADS, out);
    float *all = tensor_download(ctx, out);
    for (int n = 0; n < N; ++n) {
        const Tensor one = tensor_of(ctx, F32, 1, H, W, 3 * C, values + n * 3 * IMAGE);
        const Tensor one_out = tensor_new(ctx, F32, 1, H, W, C);
        attention(ctx, one, HEADS, one_out);
        float *actual = tensor_download(ctx, one_out);
        expect_same("one image of a batch", actual, all + n * IMAGE, IMAGE);
        free(actual);
        tensor_free(ctx, one), tensor_free(ctx, one_out);
    }
    free(values), free(all);
    tensor_free(ctx, qkv), tensor_free(ctx, out);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    attention(ctx, shape(F16, 2, 16, 16, 3 * 384), 6, shape(F16, 2, 16, 16, 384));
    assert_true(context_ok(ctx));
    assert_int_equal(context_plan_end(ctx).macs, 2LL * 2 * 6 * 256 * 256 * 64);
    context_plan_begin(ctx);
    attention(ctx, shape(F16, 2, 4, 4, 96), 5, shape(F16, 2, 4, 4, 32));
    expect_error(ctx, "attention: 32 channels do not divide into 5 heads");
    attention(ctx, shape(F16, 2, 4, 4, 64), 2, shape(F16, 2, 4, 4, 32));
    expect_error(ctx, "attention: qkv is [2,4,4,64] F16, expected [2,4,4,96] F16");
    attention(ctx, shape(F16, 2, 4, 4, 3 * 4096), 1, shape(F16, 2, 4, 4, 4096));
    expect_error(ctx, "attention: heads of 4096 channels need");
    attention(ctx, shape(F16, 1 << 30, 1, 1, 3 * 64), 4, shape(F16, 1 << 30, 1, 1, 64));
    expect_error(ctx, "attention: 4294967296 tiles of 8 queries, expected at most 2^31 - 1");
    assert_int_equal(context_plan_end(ctx).macs, 0);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_extreme_scores),
        cmocka_unit_test(test_batch_split),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
