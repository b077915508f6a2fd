/* denoiser.h: D(x; sigma) of a network whose D is known, guided and not, in passes; squared errors and
 * spectra; what it refuses. */
#include "support/files.h"

#include "denoiser.h"

#include <math.h>
#include <stdlib.h>

#include "support/mixture_network.h"
#include "support/tensors.h"

enum { H = 4, W = 6, C = 2, VALUES = H * W * C, BATCH = 37 };
static const double DISTANCE = 1.3, WIDTH = 0.2;

typedef struct {
    Context *ctx;
    MixtureNetwork *net, *other;
    float x[BATCH * VALUES], x0[BATCH * VALUES], sigma[BATCH];
    int32_t labels[BATCH];
} Fixture;

/* Images with noise of many levels, of each class and of none. */
static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->ctx = test_context();
    f->net = mixture_network_create(f->ctx, H, W, C, DISTANCE, WIDTH, 2);
    f->other = mixture_network_create(f->ctx, H, W, C, DISTANCE, 2 * WIDTH, 2);
    float *noise = random_floats(BATCH * VALUES, 1);
    for (int i = 0; i < BATCH; ++i) {
        f->sigma[i] = (float)(0.002 * pow(40000, i / (BATCH - 1.0)));
        f->labels[i] = i % 3 - 1;
        mixture_network_image(f->net, i, f->x0 + i * VALUES);
        for (int k = 0; k < VALUES; ++k)
            f->x[i * VALUES + k] = f->x0[i * VALUES + k] + f->sigma[i] * noise[i * VALUES + k];
    }
    free(noise);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    network_destroy(&f->net->base);
    network_destroy(&f->other->base);
    test_context_close(f->ctx);
    free(f);
    return 0;
}

static Denoiser denoiser_of(Fixture *f, const MixtureNetwork *gnet, float guidance, int batch) {
    Denoiser d;
    Error error = {""};
    if (!denoiser_create(&d, f->ctx, &f->net->base, gnet != NULL ? &gnet->base : NULL, guidance, batch,
                         &error))
        fail_msg("%s", error.text);
    denoiser_set_sigma(&d, f->sigma, batch);
    denoiser_set_labels(&d, f->labels, batch);
    f->net->images = f->other->images = 0;
    return d;
}

/* D + guidance of image i, as the engine is to compute it. */
static void expected_of(const Fixture *f, const MixtureNetwork *ref, float guidance, int i, double *d) {
    double reference[VALUES];
    const float *x = f->x + i * VALUES;
    mixture_network_denoise(f->net, x, f->sigma[i], f->labels[i], d);
    mixture_network_denoise(ref != NULL ? ref : f->net, x, f->sigma[i], ref != NULL ? f->labels[i] : -1,
                            reference);
    for (int k = 0; k < VALUES; ++k) d[k] = reference[k] + guidance * (d[k] - reference[k]);
}

static void check_step(Fixture *f, const MixtureNetwork *ref, float guidance) {
    Denoiser d = denoiser_of(f, ref, guidance, BATCH);
    const Tensor x = tensor_of(f->ctx, F32, BATCH, H, W, C, f->x);
    denoiser_step(&d, x, (SolverStep){.b = 1}, x);
    float *actual = tensor_download(f->ctx, x);
    for (int i = 0; i < BATCH; ++i) {
        double expected[VALUES];
        expected_of(f, ref, guidance, i, expected);
        /* Roundings of c_skip x and c_out F, which may cancel. */
        expect_close("D", actual + i * VALUES, expected, VALUES, 1e-6, 1e-6 * (1 + fabs(guidance)));
    }
    free(actual);
    tensor_free(f->ctx, x);
    denoiser_destroy(&d);
}

static void the_network_is_what_is_known_of_it(void **state) {
    Fixture *f = *state;
    check_step(f, NULL, 1);
    assert_int_equal(f->net->images, BATCH); /* the reference is not run */
}

static void guidance_by_the_zero_label(void **state) {
    Fixture *f = *state;
    check_step(f, NULL, 1.75f);
    assert_int_equal(f->net->images, 2 * BATCH);
    check_step(f, NULL, 0);
}

static void guidance_by_another_network(void **state) {
    Fixture *f = *state;
    check_step(f, f->other, 2.5f);
    assert_int_equal(f->net->images, BATCH);
    assert_int_equal(f->other->images, BATCH);
}

/* ---- squared errors ------------------------------------------------------------------------------ */

static void squared_errors_and_their_spectra(void **state) {
    Fixture *f = *state;
    enum { DIRECTIONS = C * H * (W / 2 + 1) };
    Denoiser d;
    Error error = {""};
    assert_true(denoiser_create_measuring(&d, f->ctx, &f->net->base, BATCH, true, 1000, &error));
    denoiser_set_sigma(&d, f->sigma, BATCH);
    denoiser_set_labels(&d, f->labels, BATCH);
    const Tensor x = tensor_of(f->ctx, F32, BATCH, H, W, C, f->x);
    const Tensor x0 = tensor_of(f->ctx, F32, BATCH, H, W, C, f->x0);
    double squared[BATCH], power[DIRECTIONS] = {0}, total = 0, spectrum = 0;
    double *device_squared = device_alloc(f->ctx, sizeof squared);
    double *device_power = bytes_to_device(f->ctx, power, sizeof power);
    denoiser_error(&d, x, x0, device_squared, device_power);
    device_download(f->ctx, squared, device_squared, sizeof squared);
    device_download(f->ctx, power, device_power, sizeof power);
    for (int i = 0; i < BATCH; ++i) {
        double denoised[VALUES], expected = 0;
        expected_of(f, NULL, 1, i, denoised);
        for (int k = 0; k < VALUES; ++k) expected += pow(f->x0[i * VALUES + k] - denoised[k], 2);
        if (!(fabs(squared[i] - expected) <= 1e-5 * expected))
            fail_msg("image %d: a squared error of %.9g, expected %.9g", i, squared[i], expected);
        total += squared[i];
    }
    /* The transform keeps sums of squares; columns between the first and the last stand for two. */
    for (int i = 0; i < DIRECTIONS; ++i) {
        const int column = i % (W / 2 + 1);
        spectrum += power[i] * (column == 0 || column == W / 2 ? 1 : 2);
    }
    if (!(fabs(spectrum - total) <= 1e-5 * total))
        fail_msg("the spectrum's sum is %.9g, the squared errors' %.9g", spectrum, total);
    tensor_free(f->ctx, x), tensor_free(f->ctx, x0);
    device_free(f->ctx, device_squared), device_free(f->ctx, device_power);
    denoiser_destroy(&d);
}

static void the_networks_own_estimate(void **state) {
    Fixture *f = *state;
    float u[BATCH];
    Denoiser d = denoiser_of(f, NULL, 1, 5);
    f->sigma[0] = 0.002f;
    for (int i = 0; i < BATCH; i += 5) {
        const int n = BATCH - i < 5 ? BATCH - i : 5;
        denoiser_logvar(&d, f->sigma + i, n, u + i);
    }
    for (int i = 0; i < BATCH; ++i) {
        const double s = f->sigma[i], sd = f->net->base.sigma_data;
        const double error = VALUES * exp(u[i]) * s * s * sd * sd / (s * s + sd * sd);
        const double expected = mixture_network_error(f->net, s, -1);
        if (!(fabs(error - expected) <= 2e-6 * expected))
            fail_msg("at noise level %g an error of %.9g, expected %.9g", s, error, expected);
    }
    f->net->base.logvar = NULL;
    denoiser_logvar(&d, f->sigma, 1, u);
    expect_error(f->ctx, "a network of architecture \"mixture\" makes no estimate of its own error");
    denoiser_destroy(&d);
}

/* ---- plans and refusals -------------------------------------------------------------------------- */

static void plans_need_no_estimate(void **state) {
    Fixture *f = *state;
    const DenoiserPlan with = denoiser_plan(f->ctx, &f->net->base, NULL, 1, BATCH);
    const long long images = f->net->images;
    f->net->base.logvar = NULL;
    const DenoiserPlan without = denoiser_plan(f->ctx, &f->net->base, NULL, 1, BATCH);
    assert_int_equal(f->net->images, images); /* planning evaluates nothing */
    assert_int_equal(with.activation_bytes, without.activation_bytes);
    const DenoiserPlan guided = denoiser_plan(f->ctx, &f->net->base, &f->other->base, 2, BATCH);
    assert_true(guided.activation_bytes > with.activation_bytes);
    check_step(f, NULL, 1);
}

static void expect_pair_error(Fixture *f, const char *expected) {
    Denoiser d;
    Error error = {""};
    assert_false(denoiser_create(&d, f->ctx, &f->net->base, &f->other->base, 2, BATCH, &error));
    expect_message(&error, expected, NULL);
}

static void networks_that_do_not_fit_together(void **state) {
    Fixture *f = *state;
    Network *other = &f->other->base;
    other->w = W + 1;
    expect_pair_error(f, "the guiding network makes 4x7x2 images, the network 4x6x2");
    other->w = W;
    other->sigma_data = 0.4;
    expect_pair_error(f, "the guiding network's sigma_data is 0.4, the network's 0.5");
    other->sigma_data = 0.5;
    other->label_dim = 3;
    expect_pair_error(f, "the guiding network has 3 labels, the network 2");
    other->label_dim = 0; /* a guide without classes is one */
    check_step(f, NULL, 2);
}

static void no_images(void **state) {
    Fixture *f = *state;
    Denoiser d;
    Error error = {""};
    assert_false(denoiser_create(&d, f->ctx, &f->net->base, NULL, 1, 0, &error));
    expect_message(&error, "a batch of 0 images: expected at least 1", NULL);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_network_is_what_is_known_of_it), TEST(guidance_by_the_zero_label),
        TEST(guidance_by_another_network),        TEST(squared_errors_and_their_spectra),
        TEST(the_networks_own_estimate),          TEST(plans_need_no_estimate),
        TEST(networks_that_do_not_fit_together),  TEST(no_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
