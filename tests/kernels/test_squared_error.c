#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/philox.h"
#include "support/tensors.h"

enum { MOST = 70 }; /* images: more than blocks */

static float sigma_of(size_t image) {
    static const float sigma[5] = {0.002f, 0.7f, 60, 0.05f, 5};
    return sigma[image % 5];
}
static const float SIGMA_DATA = 0.5f;

/* The inputs of one call: x = x0 + sigma noise, as the engine makes it. */
typedef struct {
    Tensor shape; /* without data */
    DType dtype;
    bool guided;
    float *x, *x0, *f, *f_ref;
} Inputs;

static Inputs inputs_of(DType dtype, bool guided, int n, int h, int w, int c) {
    Inputs in = {shape(F32, n, h, w, c), dtype, guided, NULL, NULL, NULL, NULL};
    const size_t count = elements(in.shape), image = (size_t)h * w * c;
    in.x0 = random_values(count, 1, 0.5f, F32), in.x = random_floats(count, 2);
    in.f = random_values(count, 3, 1, dtype), in.f_ref = random_values(count, 4, 1, dtype);
    for (size_t i = 0; i < count; ++i) in.x[i] = in.x0[i] + sigma_of(i / image) * in.x[i];
    return in;
}

static void inputs_free(Inputs in) { free(in.x0), free(in.x), free(in.f), free(in.f_ref); }

/* x0 - (c_skip x + c_out f), in double precision from the same float32 inputs. */
static double error_at(const Inputs *in, size_t i) {
    const size_t image = (size_t)in->shape.h * in->shape.w * in->shape.c;
    const double s = sigma_of(i / image), sd = SIGMA_DATA, variance = s * s + sd * sd;
    const double f = in->guided ? in->f_ref[i] + 1.75 * ((double)in->f[i] - in->f_ref[i]) : in->f[i];
    return in->x0[i] - (sd * sd / variance * in->x[i] + s * sd / sqrt(variance) * f);
}

/* Images [first, first + n) of the inputs, squared errors and planes (NULL = none) to host memory. */
static void run(Context *ctx, const Inputs *in, int first, int n, double *squared, float *planes) {
    const Tensor s = in->shape;
    const size_t at = (size_t)first * s.h * s.w * s.c;
    const Tensor x = tensor_of(ctx, F32, n, s.h, s.w, s.c, in->x + at);
    const Tensor x0 = tensor_of(ctx, F32, n, s.h, s.w, s.c, in->x0 + at);
    const Tensor f = tensor_of(ctx, in->dtype, n, s.h, s.w, s.c, in->f + at);
    const Tensor f_ref = tensor_of(ctx, in->dtype, n, s.h, s.w, s.c, in->f_ref + at);
    float sigmas[MOST];
    for (int i = 0; i < n; ++i) sigmas[i] = sigma_of(first + i);
    float *sigma = bytes_to_device(ctx, sigmas, n * sizeof *sigma);
    double *device_squared = device_alloc(ctx, n * sizeof *squared);
    Prediction p = {f, in->guided ? f_ref : shape(F32, 0, 1, 1, 1), 1.75f, sigma, SIGMA_DATA};
    Tensor out = planes != NULL ? tensor_new(ctx, F32, n, s.c, s.h, s.w) : shape(F32, 0, 1, 1, 1);
    squared_error(ctx, x, x0, &p, device_squared, out);
    device_download(ctx, squared, device_squared, n * sizeof *squared);
    if (planes != NULL) device_download(ctx, planes, out.data, tensor_bytes(out));
    tensor_free(ctx, x), tensor_free(ctx, x0), tensor_free(ctx, f), tensor_free(ctx, f_ref);
    tensor_free(ctx, out), device_free(ctx, sigma), device_free(ctx, device_squared);
}

static void check_planes(const char *what, const Inputs *in, const float *planes) {
    const Tensor s = in->shape;
    const size_t pixels = (size_t)s.h * s.w, image = pixels * s.c;
    for (size_t i = 0; i < elements(s); ++i) {
        const size_t pixel = i % image / s.c, c = i % s.c;
        const double e = error_at(in, i), sigma = sigma_of(i / image);
        /* Its terms, each of a few roundings, are at most of this size; f_ref and f to their sum. */
        const double scale =
            fmin(sigma, 1) * (fabs(in->x0[i]) + 8 + 5 * (fabs(in->f[i]) + fabs(in->f_ref[i])));
        const float actual = planes[i / image * image + c * pixels + pixel];
        if (!(fabs(actual - e) <= 8 * 0x1p-24 * scale))
            fail_msg("%s: the error of value %zu is %.9g, expected %.9g", what, i, actual, e);
    }
}

static void check(Context *ctx, DType dtype, bool guided, int n, int h, int w, int c) {
    char what[80];
    snprintf(what, sizeof what, "%s%s [%d,%d,%d,%d]", dtype_label(dtype), guided ? " guided" : "", n, h,
             w, c);
    const Inputs in = inputs_of(dtype, guided, n, h, w, c);
    const size_t count = elements(in.shape), image = (size_t)h * w * c;
    double squared[MOST + 1], plain[MOST + 1], expected[MOST + 1] = {0};
    float *planes = zero_floats(count);
    for (size_t i = 0; i < count; ++i) expected[i / image] += pow(error_at(&in, i), 2);
    run(ctx, &in, 0, n, squared, planes);
    run(ctx, &in, 0, n, plain, NULL);
    for (int i = 0; i < n; ++i) {
        if (!(fabs(squared[i] - expected[i]) <= 1e-6 * expected[i]))
            fail_msg("%s: image %d has %.12g, expected %.12g", what, i, squared[i], expected[i]);
        assert_true(fabs(plain[i] - expected[i]) <= 1e-6 * expected[i]);
    }
    check_planes(what, &in, planes);
    inputs_free(in), free(planes);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int guided = 0; guided < 2; ++guided) {
            check(ctx, DTYPES[t], guided, 5, 7, 5, 3);
            check(ctx, DTYPES[t], guided, 2, 16, 24, 1);
            check(ctx, DTYPES[t], guided, 3, 9, 33, 4);
            check(ctx, DTYPES[t], guided, 2, 40, 37, 3);
            check(ctx, DTYPES[t], guided, 1, 1, 1, 1);
            check(ctx, DTYPES[t], guided, MOST, 3, 5, 2);
            check(ctx, DTYPES[t], guided, 0, 2, 2, 4);
        }
    test_context_close(ctx);
}

/* An image's sum has the same bytes alone and in a batch. */
static void test_batches(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Inputs in = inputs_of(F16, false, MOST, 13, 11, 3);
    double whole[MOST], parts[MOST];
    run(ctx, &in, 0, MOST, whole, NULL);
    for (int i = 0; i < MOST; ++i) run(ctx, &in, i, 1, &parts[i], NULL);
    assert_memory_equal(whole, parts, sizeof whole);
    run(ctx, &in, 1, 33, parts + 1, NULL);
    assert_memory_equal(whole, parts, sizeof whole);
    inputs_free(in);
    test_context_close(ctx);
}

/* A perfect denoiser has no error, also where the noise is far below the image's own precision. */
static void test_no_error(void **state) {
    (void)state;
    Context *ctx = test_context();
    Inputs in = inputs_of(F32, false, 1, 8, 8, 1);
    for (int i = 0; i < 64; ++i) {
        const double s = sigma_of(0), sd = SIGMA_DATA, variance = s * s + sd * sd;
        in.f[i] = (float)((in.x0[i] - sd * sd / variance * in.x[i]) / (s * sd / sqrt(variance)));
    }
    double squared;
    run(ctx, &in, 0, 1, &squared, NULL);
    assert_true(squared < 64 * pow(4e-7 * sigma_of(0), 2));
    inputs_free(in);
    test_context_close(ctx);
}

static void test_noise_add(void **state) {
    (void)state;
    enum { N = 3, H = 5, W = 7, C = 2, IMAGE = H * W * C, COUNT = N * IMAGE };
    static const uint64_t SEEDS[N] = {3, (UINT64_C(1) << 40) + 9, 4000000000};
    Context *ctx = test_context();
    float *x0 = random_floats(COUNT, 1);
    double expected[COUNT];
    for (int i = 0; i < COUNT; ++i) {
        const int pixel = i % IMAGE / C, c = i % C;
        expected[i] = x0[i] + 2.5 * random_normal(SEEDS[i / IMAGE], 4, c * H * W + pixel);
    }
    const Tensor in = tensor_of(ctx, F32, N, H, W, C, x0), out = tensor_new(ctx, F32, N, H, W, C);
    uint64_t *seeds = bytes_to_device(ctx, SEEDS, sizeof SEEDS);
    noise_add(ctx, in, seeds, 4, 2.5f, out);
    float *actual = tensor_download(ctx, out);
    expect_close("noise_add", actual, expected, COUNT, 0x1p-22, 0x1p-21);
    noise_add(ctx, in, seeds, 4, 2.5f, in);
    float *in_place = tensor_download(ctx, in);
    expect_same("in place", in_place, actual, COUNT);
    free(x0), free(actual), free(in_place);
    tensor_free(ctx, in), tensor_free(ctx, out), device_free(ctx, seeds);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F32, 2, 8, 8, 3), none = {.data = NULL};
    Prediction p = {.f = shape(F16, 2, 8, 8, 3)};
    context_plan_begin(ctx);
    squared_error(ctx, x, x, &p, NULL, none);
    assert_true(context_ok(ctx));
    squared_error(ctx, x, shape(F32, 1, 8, 8, 3), &p, NULL, none);
    expect_error(ctx, "squared_error: x0 is [1,8,8,3] F32, expected [2,8,8,3] F32");
    p.f.c = 4;
    squared_error(ctx, x, x, &p, NULL, none);
    expect_error(ctx, "squared_error: f is [2,8,8,4] F16, expected [2,8,8,3] F16");
    noise_add(ctx, x, NULL, 0, 1, shape(F32, 2, 8, 8, 1));
    expect_error(ctx, "noise_add: out is [2,8,8,1] F32, expected [2,8,8,3] F32");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_batches),
        cmocka_unit_test(test_no_error), cmocka_unit_test(test_noise_add),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
