#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tensors.h"

/* |x^[ky, kx]|^2 of one plane, orthonormal, in double precision: rows first, then columns. */
static double *power_of(const float *plane, int h, int w) {
    const double tau = 6.283185307179586;
    const int half = w / 2 + 1;
    double complex *rows = malloc((size_t)h * half * sizeof *rows);
    double *power = malloc((size_t)h * half * sizeof *power);
    for (int y = 0; y < h; ++y)
        for (int kx = 0; kx < half; ++kx) {
            double complex sum = 0;
            for (int x = 0; x < w; ++x) sum += plane[y * w + x] * cexp(-tau * I * ((kx * x) % w) / w);
            rows[y * half + kx] = sum;
        }
    for (int ky = 0; ky < h; ++ky)
        for (int kx = 0; kx < half; ++kx) {
            double complex sum = 0;
            for (int y = 0; y < h; ++y)
                sum += rows[y * half + kx] * cexp(-tau * I * ((ky * y) % h) / h);
            power[ky * half + kx] = pow(cabs(sum), 2) / ((double)h * w);
        }
    free(rows);
    return power;
}

/* Adds the spectra of planes [n,c,h,w] in batches of `batch`; sum has room for c h (w/2+1). */
static void run(Context *ctx, const float *planes, int n, int c, int h, int w, int batch,
                SpectrumValue value, double *sum) {
    const size_t image = (size_t)c * h * w, directions = (size_t)c * h * (w / 2 + 1);
    Transform *transform = transform_create(ctx, batch, c, h, w);
    const Tensor part = tensor_new(ctx, F32, batch, c, h, w);
    memset(sum, 0, directions * sizeof *sum);
    double *device_sum = bytes_to_device(ctx, sum, directions * sizeof *sum);
    context_plan_begin(ctx);
    spectrum_add(ctx, transform, part, batch, value, device_sum);
    context_reserve_workspace(ctx, context_plan_end(ctx).workspace_bytes);
    for (int i = 0; i < n; i += batch) {
        const int count = n - i < batch ? n - i : batch;
        device_upload(ctx, part.data, planes + i * image, count * image * sizeof *planes);
        spectrum_add(ctx, transform, part, count, value, device_sum);
    }
    spectrum_add(ctx, transform, part, 0, value, device_sum); /* does nothing */
    device_download(ctx, sum, device_sum, directions * sizeof *sum);
    tensor_free(ctx, part), device_free(ctx, device_sum);
    transform_destroy(transform);
}

/* The sum over the full spectrum: all but the columns kx = 0 and w/2 (if w is even) count twice. */
static double full_sum(const double *half, int rows, int w) {
    double sum = 0;
    const int columns = w / 2 + 1;
    for (int i = 0; i < rows * columns; ++i) {
        const int kx = i % columns;
        sum += kx == 0 || 2 * kx == w ? half[i] : 2 * half[i];
    }
    return sum;
}

static void check(Context *ctx, int n, int c, int h, int w, int batch) {
    char what[80];
    snprintf(what, sizeof what, "%d images [%d,%d,%d] by %d", n, c, h, w, batch);
    const int half = w / 2 + 1, directions = c * h * half;
    const size_t count = (size_t)n * c * h * w;
    float *planes = random_floats(count, 1);
    double *power = calloc(directions, sizeof *power), *amplitude = calloc(directions, sizeof *power);
    double *actual = malloc(directions * sizeof *actual), squares = 0;
    for (size_t i = 0; i < count; ++i) squares += (double)planes[i] * planes[i];
    for (int i = 0; i < n * c; ++i) {
        double *plane = power_of(planes + (size_t)i * h * w, h, w);
        for (int k = 0; k < h * half; ++k) {
            power[i % c * h * half + k] += plane[k];
            amplitude[i % c * h * half + k] += sqrt(plane[k]);
        }
        free(plane);
    }
    /* An error of float32's epsilon times log2(h w) times the mean amplitude in each coefficient. */
    const double bound = 0x1p-24 * (2 + log2((double)h * w)), mean = sqrt(squares / n / c / h / w);
    run(ctx, planes, n, c, h, w, batch, SPECTRUM_AMPLITUDE, actual);
    for (int k = 0; k < directions; ++k)
        if (!(fabs(actual[k] - amplitude[k]) <= bound * (amplitude[k] + n * mean)))
            fail_msg("%s: the amplitude of direction %d is %.12g, expected %.12g", what, k, actual[k],
                     amplitude[k]);
    run(ctx, planes, n, c, h, w, batch, SPECTRUM_POWER, actual);
    for (int k = 0; k < directions; ++k)
        if (!(fabs(actual[k] - power[k]) <= 2 * bound * (power[k] + amplitude[k] * mean)))
            fail_msg("%s: the power of direction %d is %.12g, expected %.12g", what, k, actual[k],
                     power[k]);
    if (!(fabs(full_sum(actual, c * h, w) - squares) <= 1e-6 * squares))
        fail_msg("%s: the power is %.12g, the squares %.12g", what, full_sum(actual, c * h, w),
                 squares);
    free(planes), free(power), free(amplitude), free(actual);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    check(ctx, 3, 2, 8, 8, 3);
    check(ctx, 5, 3, 7, 5, 2);
    check(ctx, 2, 1, 9, 12, 4);
    check(ctx, 4, 1, 32, 32, 3);
    check(ctx, 2, 3, 1, 1, 1);
    check(ctx, 3, 1, 13, 2, 2);
    check(ctx, 7, 1, 3, 4, 7);
    check(ctx, 1, 5, 64, 64, 1);
    test_context_close(ctx);
}

/* The sums have the same bytes whatever the batches; cuFFT promises that of no plane's transform. */
static void test_batches(void **state) {
    (void)state;
    enum { N = 11, C = 2, H = 6, W = 9, DIRECTIONS = C * H * (W / 2 + 1) };
    Context *ctx = test_context();
    float *planes = random_floats((size_t)N * C * H * W, 2);
    double expected[DIRECTIONS], actual[DIRECTIONS];
    run(ctx, planes, N, C, H, W, 1, SPECTRUM_AMPLITUDE, expected);
    for (int batch = 2; batch <= N + 1; ++batch) {
        run(ctx, planes, N, C, H, W, batch, SPECTRUM_AMPLITUDE, actual);
        if (context_device(ctx).host_cores) assert_memory_equal(actual, expected, sizeof expected);
        for (int i = 0; i < DIRECTIONS; ++i)
            assert_true(fabs(actual[i] - expected[i]) <= 1e-6 * fabs(expected[i]));
    }
    free(planes);
    test_context_close(ctx);
}

static void check_planes(Context *ctx, int n, int h, int w, int c) {
    const int count = n * h * w * c;
    float *x = random_floats(count, 3), *expected = zero_floats(count);
    for (int i = 0; i < count; ++i)
        expected[((i / (h * w * c)) * c + i % c) * h * w + i / c % (h * w)] = x[i];
    const Tensor in = tensor_of(ctx, F32, n, h, w, c, x), out = tensor_new(ctx, F32, n, c, h, w);
    image_planes(ctx, in, out);
    float *actual = tensor_download(ctx, out);
    expect_same("planes", actual, expected, count);
    free(x), free(expected), free(actual), tensor_free(ctx, in), tensor_free(ctx, out);
}

static void test_planes(void **state) {
    (void)state;
    Context *ctx = test_context();
    check_planes(ctx, 3, 4, 5, 3);
    check_planes(ctx, 70, 16, 17, 3);
    check_planes(ctx, 3, 90, 50, 4);
    test_context_close(ctx);
}

static void test_errors(void **state) {
    (void)state;
    Context *ctx = test_context();
    assert_null(transform_create(ctx, 0, 3, 8, 8));
    expect_error(ctx, "transform: 0 images of [3,8,8]");
    Transform *transform = transform_create(ctx, 2, 3, 8, 6);
    double *sum = device_alloc(ctx, 3 * 8 * 4 * sizeof *sum);
    const Tensor planes = tensor_new(ctx, F32, 2, 3, 8, 6);
    spectrum_add(ctx, transform, planes, 2, SPECTRUM_POWER, sum);
    expect_error(ctx, "spectrum_add: needs more workspace than was planned");
    spectrum_add(ctx, transform, planes, 3, SPECTRUM_POWER, sum);
    expect_error(ctx, "spectrum_add: 3 images, expected 0 to 2");
    spectrum_add(ctx, transform, shape(F32, 2, 3, 8, 8), 2, SPECTRUM_POWER, sum);
    expect_error(ctx, "spectrum_add: planes is [2,3,8,8] F32, expected [2,3,8,6] F32");
    context_plan_begin(ctx);
    image_planes(ctx, shape(F32, 2, 8, 6, 3), shape(F32, 2, 8, 6, 3));
    context_plan_end(ctx);
    expect_error(ctx, "image_planes: planes is [2,8,6,3] F32, expected [2,3,8,6] F32");
    transform_destroy(transform), transform_destroy(NULL);
    tensor_free(ctx, planes), device_free(ctx, sum);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_planes),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
