#include <math.h>
#include <stdlib.h>

#include "support/reference.h"

static void check_fourier(Context *ctx, int n, int c) {
    static const float levels[5] = {0.002f, 0.1f, 1, 7.5f, 80};
    float *sigma = zero_floats(n);
    for (int i = 0; i < n; ++i) sigma[i] = levels[i % 5];
    float *freqs = random_values(c, 1, 6.2831853f, F32), *phases = random_values(c, 2, 3, F32);
    double *expected = malloc((size_t)n * c * sizeof *expected);
    for (int i = 0; i < n * c; ++i)
        expected[i] = sqrt(2) * cos(log(sigma[i / c]) / 4 * freqs[i % c] + phases[i % c]);
    float *device_sigma = bytes_to_device(ctx, sigma, n * sizeof *sigma);
    float *device_freqs = bytes_to_device(ctx, freqs, c * sizeof *freqs);
    float *device_phases = bytes_to_device(ctx, phases, c * sizeof *phases);
    const Tensor out = tensor_new(ctx, F32, n, 1, 1, c);
    fourier_embedding(ctx, device_sigma, device_freqs, device_phases, out);
    float *actual = tensor_download(ctx, out);
    /* The angle is below 64, and off by a rounding of its logarithm, product and sum. */
    expect_close("Fourier features", actual, expected, (size_t)n * c, 0,
                 sqrt(2) * (3 * 64 + 2) * 0x1p-24);
    free(sigma), free(freqs), free(phases), free(expected), free(actual);
    device_free(ctx, device_sigma), device_free(ctx, device_freqs), device_free(ctx, device_phases);
    tensor_free(ctx, out);
}

static void test_fourier(void **state) {
    (void)state;
    Context *ctx = test_context();
    check_fourier(ctx, 5, 37);
    check_fourier(ctx, 300, 165);
    check_fourier(ctx, 2100, 3);
    check_fourier(ctx, 9, 128);
    test_context_close(ctx);
}

static void check_labels(Context *ctx, int n, int c, int label_dim, const int32_t *labels, float t) {
    float *noise = random_floats((size_t)n * c, 1),
          *weights = random_values(label_dim * c, 2, 0.3f, F32);
    double *expected = malloc((n * c + 1) * sizeof *expected);
    for (int i = 0; i < n * c; ++i) {
        const int label = labels == NULL ? -1 : labels[i / c];
        const double w = label < 0 ? 0 : sqrt(label_dim) * weights[label * c + i % c];
        const double blend =
            ((1.0 - t) * noise[i] + t * w) / sqrt((1.0 - t) * (1.0 - t) + (double)t * t);
        expected[i] = silu_of(labels == NULL ? noise[i] : blend);
    }
    const Tensor x = tensor_of(ctx, F32, n, 1, 1, c, noise);
    float *device_weights = bytes_to_device(ctx, weights, (size_t)label_dim * c * sizeof *weights);
    int32_t *device_labels = labels == NULL ? NULL : bytes_to_device(ctx, labels, n * sizeof *labels);
    label_embedding(ctx, x, labels == NULL ? NULL : device_weights, label_dim, device_labels, t);
    float *actual = tensor_download(ctx, x);
    /* Values below 8: three roundings of each of the two parts and of their sum, and SiLU. */
    expect_close("label embedding", actual, expected, (size_t)n * c, 16 * 0x1p-24, 8 * 7 * 0x1p-24);
    free(noise), free(weights), free(expected), free(actual);
    tensor_free(ctx, x), device_free(ctx, device_weights), device_free(ctx, device_labels);
}

static void test_labels(void **state) {
    (void)state;
    Context *ctx = test_context();
    enum { MOST = 2100 };
    int32_t labels[MOST];
    for (int i = 0; i < MOST; ++i) labels[i] = i * 7 % 11 - 1; /* -1 to 9 */
    check_labels(ctx, 300, 165, 10, labels, 0.5f);
    check_labels(ctx, MOST, 3, 10, labels, 0.5f);
    check_labels(ctx, MOST, 3, 10, NULL, 0.5f);
    check_labels(ctx, 9, 128, 10, labels, 0.5f);
    check_labels(ctx, 9, 128, 10, NULL, 0.5f);
    check_labels(ctx, 9, 300, 10, NULL, 0.5f);
    check_labels(ctx, 5, 33, 10, labels, 0.5f);
    check_labels(ctx, 5, 64, 10, labels, 0.2f);
    check_labels(ctx, 3, 33, 10, NULL, 0.5f);
    check_labels(ctx, 0, 33, 10, labels, 0.5f);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    fourier_embedding(ctx, NULL, NULL, NULL, shape(F32, 2, 1, 1, 64));
    label_embedding(ctx, shape(F32, 2, 1, 1, 64), NULL, 0, NULL, 0.5f);
    assert_true(context_ok(ctx));
    fourier_embedding(ctx, NULL, NULL, NULL, shape(F16, 2, 1, 1, 64));
    expect_error(ctx, "fourier_embedding: out is [2,1,1,64] F16, expected [2,1,1,64] F32");
    label_embedding(ctx, shape(F32, 2, 2, 1, 64), NULL, 0, NULL, 0.5f);
    expect_error(ctx, "label_embedding: noise is [2,2,1,64] F32, expected [2,1,1,64] F32");
    context_plan_end(ctx);
    const Tensor x = tensor_new(ctx, F32, 1, 1, 1, 4);
    label_embedding(ctx, x, x.data, 10, NULL, 0.5f);
    expect_error(ctx, "label_embedding: 10 classes without labels");
    tensor_free(ctx, x);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fourier),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
