/* sampler.h: solvers reach the known transport of a mixture, at their order; the stochastic one its
 * distribution; an image depends on its seed alone. */
#include "support/files.h"

#include "sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/mixture_network.h"
#include "support/tensors.h"

enum { H = 3, W = 4, C = 2, VALUES = H * W * C, IMAGES = 12 };
static const double SIGMA_MIN = 1e-3, SIGMA_MAX = 40, CENTRE = 1, WIDTH = 0.3;

typedef struct {
    Context *ctx;
    MixtureNetwork *net;
    uint64_t seeds[IMAGES];
    int32_t labels[IMAGES];
} Fixture;

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->ctx = test_context();
    f->net = mixture_network_create(f->ctx, H, W, C, CENTRE, WIDTH, 2);
    for (int i = 0; i < IMAGES; ++i) {
        f->seeds[i] = 1000 + 17 * i;
        f->labels[i] = i % 3 - 1;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    network_destroy(&f->net->base);
    test_context_close(f->ctx);
    free(f);
    return 0;
}

static void count(void *user) { ++*(int *)user; }

typedef struct {
    float noise[IMAGES * VALUES], samples[IMAGES * VALUES];
    int evaluations;
} Run;

/* Images first ... first + n - 1 of the fixture, in batches of `batch`. */
static void sample(Fixture *f, Solver solver, double eta, int steps, int first, int n, int batch,
                   Run *run) {
    Schedule schedule;
    Denoiser denoiser;
    Sampler sampler;
    Error error = {""};
    assert_true(schedule_edm(&schedule, steps, SIGMA_MIN, SIGMA_MAX, 7, &error));
    assert_true(denoiser_create(&denoiser, f->ctx, &f->net->base, NULL, 1, batch, &error));
    const SamplerOptions options = {solver, eta, &schedule};
    assert_true(sampler_create(&sampler, &denoiser, options, &error));
    run->evaluations = 0;
    for (int i = first; i < first + n; i += batch) {
        const int m = first + n - i < batch ? first + n - i : batch;
        sampler_run(&sampler, f->seeds + i, f->labels + i, m, run->noise + i * VALUES, count,
                    &run->evaluations);
        device_download(f->ctx, run->samples + i * VALUES, sampler.x.data,
                        m * VALUES * sizeof *run->samples);
    }
    assert_int_equal(run->evaluations, (n + batch - 1) / batch * sampler_nfe(options));
    if (!context_ok(f->ctx)) fail_msg("%s", context_error(f->ctx)->text);
    sampler_destroy(&sampler);
    denoiser_destroy(&denoiser);
    schedule_free(&schedule);
}

/* Largest distance of a sample from where the probability flow takes its noise. */
static double distance_from_transport(const Fixture *f, const Run *run) {
    double most = 0;
    for (int i = 0; i < IMAGES; ++i) {
        float x[VALUES];
        double expected[VALUES], squares = 0;
        for (int k = 0; k < VALUES; ++k) x[k] = (float)(SIGMA_MAX * run->noise[i * VALUES + k]);
        mixture_network_transport(f->net, x, SIGMA_MAX, f->labels[i], expected);
        for (int k = 0; k < VALUES; ++k) squares += pow(run->samples[i * VALUES + k] - expected[k], 2);
        most = fmax(most, sqrt(squares));
    }
    return most;
}

/* With twice the steps, the distance falls by at least `factor`, down to `least` at `steps`. */
static void check_order(Fixture *f, Solver solver, int steps, double factor, double least) {
    Run run;
    double before = 0;
    for (int n = steps / 4; n <= steps; n *= 2) {
        sample(f, solver, 0, n, 0, IMAGES, IMAGES, &run);
        const double distance = distance_from_transport(f, &run);
        if (n > steps / 4 && !(distance < before / factor))
            fail_msg("%d steps end %.3g from the transport, %d %.3g: expected %.3g times less", n / 2,
                     before, n, distance, factor);
        before = distance;
    }
    if (!(before < least))
        fail_msg("%d steps end %.3g from the transport, expected %.3g", steps, before, least);
}

static void ddim_reaches_the_transport(void **state) {
    check_order(*state, SOLVER_DDIM, 400, 1.9, 0.02);
}

static void heun_reaches_it_sooner(void **state) { check_order(*state, SOLVER_HEUN, 100, 3.5, 4e-3); }

/* One step from pure noise is the mean of the data, or of the class. */
static void one_step_is_the_denoiser(void **state) {
    Fixture *f = *state;
    for (Solver solver = SOLVER_DDIM; solver <= SOLVER_HEUN; ++solver) {
        Run run;
        sample(f, solver, 0, 1, 0, IMAGES, IMAGES, &run);
        for (int i = 0; i < IMAGES; ++i) {
            float x[VALUES];
            double expected[VALUES];
            for (int k = 0; k < VALUES; ++k) x[k] = (float)(SIGMA_MAX * run.noise[i * VALUES + k]);
            mixture_network_denoise(f->net, x, SIGMA_MAX, f->labels[i], expected);
            expect_close("D", run.samples + i * VALUES, expected, VALUES, 1e-6, 1e-6);
        }
    }
}

/* About its centre a class is a Gaussian, for which every step is linear: x' = g x + n z.  So mean and
 * variance of the samples follow from the formula of DDIM without any integral. */
static void moments_of_ddim(double eta, int steps, double *mean, double *variance) {
    Schedule schedule;
    Error error = {""};
    assert_true(schedule_edm(&schedule, steps, SIGMA_MIN, SIGMA_MAX, 7, &error));
    *mean = -CENTRE; /* of x - centre at SIGMA_MAX, where x is pure noise */
    *variance = SIGMA_MAX * SIGMA_MAX;
    for (int i = 0; i < steps; ++i) {
        const double s = schedule.sigma[i], t = schedule.sigma[i + 1];
        const double denoised = WIDTH * WIDTH / (WIDTH * WIDTH + s * s);
        const double n = eta * t * sqrt(1 - t * t / (s * s));
        const double g = denoised + sqrt(t * t - n * n) / s * (1 - denoised);
        *mean *= g;
        *variance = g * g * *variance + n * n;
    }
    schedule_free(&schedule);
}

static void stochastic_steps_have_their_distribution(void **state) {
    Fixture *f = *state;
    enum { ROUNDS = 100, COUNT = ROUNDS * IMAGES, STEPS = 12 };
    for (int i = 0; i < IMAGES; ++i) f->labels[i] = 1;
    for (double eta = 0; eta <= 1; eta += 0.5) {
        double sum = 0, squares = 0, mean, variance;
        moments_of_ddim(eta, STEPS, &mean, &variance);
        for (int round = 0; round < ROUNDS; ++round) {
            Run run;
            for (int i = 0; i < IMAGES; ++i) f->seeds[i] = round * IMAGES + i;
            sample(f, SOLVER_DDIM, eta, STEPS, 0, IMAGES, IMAGES, &run);
            for (int i = 0; i < IMAGES * VALUES; ++i) {
                const double e = f->net->direction[i % VALUES], x = run.samples[i] - CENTRE * e;
                sum += x * e;
                squares += pow(x - mean * e, 2);
            }
        }
        /* Four standard errors. */
        const double actual = squares / (COUNT * VALUES), actual_mean = sum / COUNT;
        if (!(fabs(actual / variance - 1) < 4 * sqrt(2.0 / (COUNT * VALUES))))
            fail_msg("eta %g: a variance of %.6f, expected %.6f", eta, actual, variance);
        if (!(fabs(actual_mean - mean) < 4 * sqrt(variance / COUNT)))
            fail_msg("eta %g: a mean of %.6f, expected %.6f", eta, actual_mean, mean);
    }
}

static void an_image_depends_on_its_seed_alone(void **state) {
    Fixture *f = *state;
    Run whole, parts;
    for (int eta = 0; eta <= 1; ++eta) {
        sample(f, SOLVER_DDIM, eta, 9, 0, IMAGES, IMAGES, &whole);
        sample(f, SOLVER_DDIM, eta, 9, 0, IMAGES, 5, &parts);
        expect_same("batches of 5", parts.samples, whole.samples, IMAGES * VALUES);
        expect_same("their noise", parts.noise, whole.noise, IMAGES * VALUES);
        sample(f, SOLVER_DDIM, eta, 9, 7, 1, 1, &parts);
        expect_same("alone", parts.samples + 7 * VALUES, whole.samples + 7 * VALUES, VALUES);
    }
}

/* The draw of a label comes before those of the steps, if the network has labels. */
static void labels_take_a_draw(void **state) {
    Fixture *f = *state;
    Run with, without;
    for (int i = 0; i < IMAGES; ++i) f->labels[i] = -1;
    sample(f, SOLVER_DDIM, 1, 9, 0, IMAGES, IMAGES, &with);
    f->net->base.label_dim = 0;
    sample(f, SOLVER_DDIM, 1, 9, 0, IMAGES, IMAGES, &without);
    expect_same("noise", with.noise, without.noise, IMAGES * VALUES);
    assert_memory_not_equal(with.samples, without.samples, sizeof with.samples);
    sample(f, SOLVER_DDIM, 0, 9, 0, IMAGES, IMAGES, &without);
    f->net->base.label_dim = 2;
    sample(f, SOLVER_DDIM, 0, 9, 0, IMAGES, IMAGES, &with);
    expect_same("without draws", with.samples, without.samples, IMAGES * VALUES);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(ddim_reaches_the_transport),         TEST(heun_reaches_it_sooner),
        TEST(one_step_is_the_denoiser),           TEST(stochastic_steps_have_their_distribution),
        TEST(an_image_depends_on_its_seed_alone), TEST(labels_take_a_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
