#include <math.h>
#include <stdlib.h>

#include "support/reference.h"

static void test_fourier(void **state) {
    (void)state;
    enum { N = 5, C = 37 };
    Context *ctx = test_context();
    const float sigma[N] = {0.002f, 0.1f, 1, 7.5f, 80};
    float *freqs = random_values(C, 1, 6.2831853f, F32), *phases = random_values(C, 2, 3, F32);
    double expected[N * C];
    for (int i = 0; i < N * C; ++i)
        expected[i] = sqrt(2) * cos(log(sigma[i / C]) / 4 * freqs[i % C] + phases[i % C]);
    float *device_sigma = bytes_to_device(ctx, sigma, sizeof sigma);
    float *device_freqs = bytes_to_device(ctx, freqs, C * sizeof *freqs);
    float *device_phases = bytes_to_device(ctx, phases, C * sizeof *phases);
    const Tensor out = tensor_new(ctx, F32, N, 1, 1, C);
    fourier_embedding(ctx, device_sigma, device_freqs, device_phases, out);
    float *actual = tensor_download(ctx, out);
    /* The angle is below 64, and off by a rounding of its logarithm, product and sum. */
    expect_close("Fourier features", actual, expected, N * C, 0, sqrt(2) * (3 * 64 + 2) * 0x1p-24);
    free(freqs), free(phases), free(actual);
    device_free(ctx, device_sigma), device_free(ctx, device_freqs), device_free(ctx, device_phases);
    tensor_free(ctx, out);
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
    const int32_t labels[5] = {0, 9, -1, 4, 9};
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
