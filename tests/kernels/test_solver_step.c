#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/philox.h"
#include "support/tensors.h"

enum { N = 3, H = 6, W = 5, C = 3, IMAGE = H * W * C, COUNT = N * IMAGE };

static const float SIGMA[N] = {0.01f, 0.7f, 60};
static const uint64_t SEEDS[N] = {3, (UINT64_C(1) << 40) + 9, 4000000000};

typedef struct {
    DType dtype;
    bool guided, carried, noisy, in_place;
} Variant;

static SolverStep step_of(Variant v) {
    SolverStep step = {.prediction = {.guidance = v.guided ? 1.75f : 1, .sigma_data = 0.5f}};
    step.a = 0.75f, step.b = 0.5f, step.k = v.carried ? -0.25f : 0, step.noise = v.noisy ? 2 : 0;
    step.carry_a = 0.125f, step.carry_b = -1.5f, step.draw = 4;
    return step;
}

/* The values of out and of carry, and in `scale` the sum of the magnitudes of what is added up. */
static void expected_step(const SolverStep *step, Variant v, const float *x, const float *f,
                          const float *f_ref, const float *carry, double *out, double *next_carry,
                          double *scale) {
    const double sd = step->prediction.sigma_data;
    for (int i = 0; i < COUNT; ++i) {
        const int n = i / IMAGE, pixel = i % IMAGE / C, c = i % C;
        const double s = SIGMA[n], variance = s * s + sd * sd;
        double denoised = sd * sd / variance * x[i] + s * sd / sqrt(variance) * f[i];
        const double reference = sd * sd / variance * x[i] + s * sd / sqrt(variance) * f_ref[i];
        if (v.guided) denoised = reference + step->prediction.guidance * (denoised - reference);
        const double normal = v.noisy ? random_normal(SEEDS[n], step->draw, c * H * W + pixel) : 0;
        out[i] = step->a * x[i] + step->b * denoised + step->k * carry[i] + step->noise * normal;
        next_carry[i] = step->carry_a * x[i] + step->carry_b * denoised;
        scale[i] = fabs(x[i]) + 5 * (fabs(f[i]) + fabs(f_ref[i])) + fabs(carry[i]) + 2 * fabs(normal);
    }
}

static void expect_within(const char *what, const float *actual, const double *expected,
                          const double *scale) {
    for (int i = 0; i < COUNT; ++i)
        if (!(fabs(actual[i] - expected[i]) <= 8 * 0x1p-24 * scale[i]))
            fail_msg("%s: element %d is %.9g, expected %.9g", what, i, actual[i], expected[i]);
}

static void check(Context *ctx, Variant v) {
    char what[80];
    snprintf(what, sizeof what, "%s%s%s%s%s", dtype_label(v.dtype), v.guided ? " guided" : "",
             v.carried ? " carried" : "", v.noisy ? " noisy" : "", v.in_place ? " in place" : "");
    float *x = random_values(COUNT, 1, 3, F32), *carry = random_values(COUNT, 2, 1, F32);
    float *f = random_values(COUNT, 3, 1, v.dtype), *f_ref = random_values(COUNT, 4, 1, v.dtype);
    if (!v.carried) memset(carry, 0, COUNT * sizeof *carry);
    double out[COUNT], next_carry[COUNT], scale[COUNT];
    SolverStep step = step_of(v);
    expected_step(&step, v, x, f, f_ref, carry, out, next_carry, scale);

    const Tensor tx = tensor_of(ctx, F32, N, H, W, C, x);
    const Tensor tout = v.in_place ? tx : tensor_new(ctx, F32, N, H, W, C);
    step.prediction.f = tensor_of(ctx, v.dtype, N, H, W, C, f);
    if (v.guided) step.prediction.f_ref = tensor_of(ctx, v.dtype, N, H, W, C, f_ref);
    if (v.carried) step.carry = tensor_of(ctx, F32, N, H, W, C, carry);
    step.prediction.sigma = bytes_to_device(ctx, SIGMA, sizeof SIGMA);
    uint64_t *seeds = bytes_to_device(ctx, SEEDS, sizeof SEEDS);
    step.seeds = v.noisy ? seeds : NULL; /* without noise the seeds are not read */
    solver_step(ctx, tx, &step, tout);
    float *actual = tensor_download(ctx, tout);
    expect_within(what, actual, out, scale);
    if (v.carried) {
        float *actual_carry = tensor_download(ctx, step.carry);
        expect_within(what, actual_carry, next_carry, scale);
        free(actual_carry);
    }
    free(x), free(carry), free(f), free(f_ref), free(actual);
    if (!v.in_place) tensor_free(ctx, tout);
    tensor_free(ctx, tx), tensor_free(ctx, step.prediction.f), tensor_free(ctx, step.prediction.f_ref);
    tensor_free(ctx, step.carry), device_free(ctx, (void *)step.prediction.sigma),
        device_free(ctx, seeds);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int bits = 0; bits < 16; ++bits)
            check(ctx, (Variant){DTYPES[t], bits & 1, bits & 2, bits & 4, bits & 8});
    test_context_close(ctx);
}

/* sigma = 0 and a = 0, b = 1: the last step gives D = x whatever the network says. */
static void test_zero_sigma(void **state) {
    (void)state;
    Context *ctx = test_context();
    float *x = random_floats(IMAGE, 1), sigma = 0;
    const Tensor tx = tensor_of(ctx, F32, 1, H, W, C, x);
    SolverStep step = {.prediction = {.f = tx, .guidance = 1, .sigma_data = 0.5f}, .b = 1};
    step.prediction.sigma = bytes_to_device(ctx, &sigma, sizeof sigma);
    const Tensor out = tensor_new(ctx, F32, 1, H, W, C);
    solver_step(ctx, tx, &step, out);
    float *actual = tensor_download(ctx, out);
    expect_same("D at sigma 0", actual, x, IMAGE);
    free(x), free(actual);
    tensor_free(ctx, tx), tensor_free(ctx, out), device_free(ctx, (void *)step.prediction.sigma);
    test_context_close(ctx);
}

/* With k = 0 the carry may hold anything, as it does before the first step. */
static void test_fresh_carry(void **state) {
    (void)state;
    Context *ctx = test_context();
    float *x = random_floats(IMAGE, 1), sigma = 0, *garbage = random_floats(IMAGE, 2);
    for (int i = 0; i < IMAGE; ++i) garbage[i] = NAN;
    const Tensor tx = tensor_of(ctx, F32, 1, H, W, C, x);
    SolverStep step = {
        .prediction = {.f = tx, .guidance = 1, .sigma_data = 0.5f}, .b = 1, .carry_a = 1};
    step.carry = tensor_of(ctx, F32, 1, H, W, C, garbage);
    step.prediction.sigma = bytes_to_device(ctx, &sigma, sizeof sigma);
    const Tensor out = tensor_new(ctx, F32, 1, H, W, C);
    solver_step(ctx, tx, &step, out);
    float *actual = tensor_download(ctx, out), *carry = tensor_download(ctx, step.carry);
    expect_same("out", actual, x, IMAGE);
    expect_same("carry", carry, x, IMAGE);
    free(x), free(actual), free(carry), free(garbage);
    tensor_free(ctx, tx), tensor_free(ctx, out), tensor_free(ctx, step.carry);
    device_free(ctx, (void *)step.prediction.sigma);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    const Tensor x = shape(F32, 2, 8, 8, 3);
    SolverStep step = {.prediction.f = shape(F16, 2, 8, 8, 3), .noise = 1};
    context_plan_begin(ctx);
    solver_step(ctx, x, &step, x);
    assert_true(context_ok(ctx));
    solver_step(ctx, x, &step, shape(F32, 1, 8, 8, 3));
    expect_error(ctx, "solver_step: out is [1,8,8,3] F32, expected [2,8,8,3] F32");
    step.prediction.f.c = 4;
    solver_step(ctx, x, &step, x);
    expect_error(ctx, "solver_step: f is [2,8,8,4] F16, expected [2,8,8,3] F16");
    context_plan_end(ctx);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_zero_sigma),
        cmocka_unit_test(test_fresh_carry),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
