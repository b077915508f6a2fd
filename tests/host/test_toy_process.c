/* toy/process.h, toy/experiment.h: a Gaussian whose every step is known, the two methods against each
 * other, and runs on any number of threads. */
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "toy/experiment.h"
#include "toy/process.h"

enum { BINS = 64 };

static double phi(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

/* One Gaussian of variance 1: D(x; s) = x / (1 + s^2), so x stays Gaussian, and its variance follows by
 * hand. */
static double final_deviation(const Schedule *schedule, double eta) {
    double variance = schedule->sigma[0] * schedule->sigma[0];
    for (int i = 0; i < schedule->steps; i++) {
        const double s = schedule->sigma[i], t = schedule->sigma[i + 1], d = 1 / (1 + s * s);
        const double noise = eta * t * sqrt(1 - t * t / (s * s)),
                     keep = sqrt(t * t - noise * noise) / s;
        const double factor = d + keep * (1 - d);
        variance = factor * factor * variance + noise * noise;
    }
    return sqrt(variance);
}

static void transport_of_a_gaussian(void **state) {
    (void)state;
    const Mixture m = mixture_create(1, 1, LAYOUT_EVEN, 0, 0);
    const double etas[] = {0, 0.4, 1};
    for (int e = 0; e < 3; e++)
        for (int steps = 1; steps <= 16; steps *= 4) {
            Error error = {""};
            Bins bins;
            Schedule schedule;
            double mass[BINS], total = 0;
            assert_true(bins_create(&bins, &m, BINS, &error));
            assert_true(schedule_edm(&schedule, steps, 0.1, 20, 3, &error));
            const Process process = {&m, &schedule, etas[e], 20};
            assert_true(process_transport(&process, 16, &bins, mass, &error));
            const double deviation = final_deviation(&schedule, etas[e]);
            for (int i = 0; i < BINS; i++) {
                const double expected =
                    phi(bins.edge[i + 1] / deviation) - phi(bins.edge[i] / deviation);
                assert_true(fabs(mass[i] - expected) <= 5e-6);
                total += mass[i];
            }
            assert_true(fabs(total - 1) <= 1e-12);
            bins_free(&bins);
            schedule_free(&schedule);
        }
}

/* Twice as fine a grid changes the divergence by little. */
static void transport_converges(void **state) {
    (void)state;
    const Mixture m = mixture_create(5, 0.05, LAYOUT_RANDOM, 3, 0);
    Error error = {""};
    Bins bins;
    Schedule schedule;
    double mass[BINS], kl[2];
    assert_true(bins_create(&bins, &m, BINS, &error));
    assert_true(schedule_edm(&schedule, 12, 0.01, 80, 7, &error));
    const Process process = {&m, &schedule, 1, 80};
    for (int i = 0; i < 2; i++) {
        assert_true(process_transport(&process, i == 0 ? 16 : 32, &bins, mass, &error));
        kl[i] = divergence_of_masses(mass, BINS);
    }
    assert_true(kl[1] > 0.01 && fabs(kl[0] / kl[1] - 1) < 1e-3);
    bins_free(&bins);
    schedule_free(&schedule);
}

static void transport_refuses_too_fine_a_grid(void **state) {
    (void)state;
    const Mixture m = mixture_create(5, 0, LAYOUT_EVEN, 0, 0);
    Error error = {""};
    Bins bins;
    Schedule schedule;
    double mass[5];
    assert_true(bins_create(&bins, &m, 0, &error));
    assert_true(schedule_edm(&schedule, 3, 1e-7, 1, 7, &error));
    assert_false(process_transport(&(Process){&m, &schedule, 1, 1}, 16, &bins, mass, &error));
    expect_message(&error, "cells", "fewer steps", NULL);
    bins_free(&bins);
    schedule_free(&schedule);
}

static ToyOptions options(void) {
    ToyOptions o = {.components = 5,
                    .layout = LAYOUT_EVEN,
                    .sigma_min = 0.01,
                    .sigma_max = 50,
                    .eta = 1,
                    .samples = 2000,
                    .repetitions = 10,
                    .bins = 20,
                    .seed = 11,
                    .time_count = 2,
                    .step_count = 2};
    o.time[0] = (ToyTime){TIME_EDM, 0};
    o.time[1] = (ToyTime){TIME_ORDER, 2};
    o.steps[0] = 3;
    o.steps[1] = 6;
    return o;
}

/* The mean over the repetitions lies within 5 standard errors of the value without sampling. */
static void expect_agreement(double width, ToySde sde, double eta) {
    ToyOptions o = options();
    ToyCell paths[4], exact[4];
    Error error = {""};
    o.width = width;
    o.sde = sde;
    o.eta = eta;
    assert_true(toy_run(&o, paths, true, &error));
    o.exact = true;
    o.repetitions = 1;
    assert_true(toy_run(&o, exact, true, &error));
    for (int i = 0; i < 4; i++) {
        assert_true(paths[i].standard_error > 0 && exact[i].standard_error == 0);
        if (exact[i].mean < 1) /* above, bins are empty, and the estimate is bounded */
            assert_true(fabs(paths[i].mean - exact[i].mean) <= 5 * paths[i].standard_error);
    }
    assert_true(exact[3].mean < exact[2].mean && exact[3].mean < 1); /* more steps help */
    toy_free(&o, paths);
    toy_free(&o, exact);
}

static void paths_and_distribution_agree(void **state) {
    (void)state;
    expect_agreement(0, SDE_EDM, 1);
    expect_agreement(0, SDE_VP, 0.5);
    expect_agreement(0.3, SDE_EDM, 1);
    expect_agreement(0.3, SDE_VP, 0);
}

static void threads_do_not_matter(void **state) {
    (void)state;
    ToyOptions o = options();
    ToyCell first[4], again[4];
    Error error = {""};
    o.samples = 300;
    o.layout = LAYOUT_RANDOM;
    o.threads = 1;
    assert_true(toy_run(&o, first, true, &error));
    for (int threads = 2; threads <= 7; threads += 5) {
        o.threads = threads;
        assert_true(toy_run(&o, again, true, &error));
        for (int i = 0; i < 4; i++)
            assert_true(first[i].mean == again[i].mean && first[i].variance == again[i].variance);
        toy_free(&o, again);
    }
    o.seed++;
    assert_true(toy_run(&o, again, true, &error));
    assert_true(first[0].mean != again[0].mean);
    toy_free(&o, again);
    toy_free(&o, first);
}

static void errors_name_the_reason(void **state) {
    (void)state;
    ToyOptions o = options();
    ToyCell cell[4];
    Error error = {""};
    o.sigma_max = o.sigma_min;
    assert_false(toy_run(&o, cell, true, &error));
    expect_message(&error, "sigma_max > sigma_min", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transport_of_a_gaussian),
        cmocka_unit_test(transport_converges),
        cmocka_unit_test(transport_refuses_too_fine_a_grid),
        cmocka_unit_test(paths_and_distribution_agree),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(errors_name_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
