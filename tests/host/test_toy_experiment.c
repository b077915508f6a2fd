/* toy/experiment.h: what a run of several repetitions says, against each repetition done by hand. */
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schedule/times.h"
#include "toy/experiment.h"
#include "toy/process.h"

enum { REPETITIONS = 5, BINS = 20, LEVELS = 256, CELLS = 16 };

static ToyOptions options(void) {
    return (ToyOptions){.components = 5,
                        .width = 0.2,
                        .layout = LAYOUT_RANDOM,
                        .sigma_min = 0.01,
                        .sigma_max = 50,
                        .eta = 0.7,
                        .samples = 500,
                        .repetitions = REPETITIONS,
                        .bins = BINS,
                        .seed = 11,
                        .time_count = 5,
                        .step_count = 2,
                        .time = {{TIME_STANDARD, 0},
                                 {TIME_EDM, 0},
                                 {TIME_ORDER, ORDER_RESCALED},
                                 {TIME_ORDER, 2.5},
                                 {TIME_ORDER, ORDER_ENTROPIC}},
                        .steps = {5, 9}};
}

static void levels(const ToyOptions *o, ToyTime time, const Mixture *m, int steps, Schedule *schedule) {
    Error error = {""};
    Curve curve;
    double integral[LEVELS];
    assert_true(toy_curve(&curve, m, LEVELS, o->sigma_min, o->sigma_max, &error));
    if (time.kind == TIME_ORDER)
        assert_true(entropic_time(&curve, time.order, RULE_CUBIC, integral, &error));
    assert_true(toy_schedule(schedule, time, o->sde, &curve, integral, steps, o->sigma_min,
                             o->sigma_max, &error));
    curve_free(&curve);
}

/* The divergence of one repetition, with the centres and the paths that are its own. */
static double divergence(const ToyOptions *o, ToyTime time, int steps, int repetition) {
    const Mixture m = mixture_create(o->components, o->width, o->layout, o->seed, (uint64_t)repetition);
    Error error = {""};
    Schedule schedule;
    Bins bins;
    double mass[BINS], kl;
    long long n[BINS];
    levels(o, time, &m, steps, &schedule);
    assert_true(bins_create(&bins, &m, BINS, &error));
    const Process process = {&m, &schedule, o->eta, o->sigma_max};
    if (o->exact) {
        assert_true(process_transport(&process, CELLS, &bins, mass, &error));
        kl = divergence_of_masses(mass, BINS);
    } else {
        process_sample(&process, o->seed, (uint64_t)(repetition * o->samples), o->samples, &bins, n);
        kl = divergence_of_counts(n, BINS, o->samples);
    }
    bins_free(&bins);
    schedule_free(&schedule);
    return kl;
}

static void close_to(double value, double expected) {
    assert_true(fabs(value - expected) <= 1e-9 * fabs(expected));
}

static void expect_cell(const ToyOptions *o, int time, int step, const ToyCell *cell) {
    const Mixture first = mixture_create(o->components, o->width, o->layout, o->seed, 0);
    Schedule schedule;
    double kl[REPETITIONS], mean = 0, pairs = 0;
    for (int r = 0; r < REPETITIONS; r++) {
        kl[r] = divergence(o, o->time[time], o->steps[step], r);
        mean += kl[r] / REPETITIONS;
    }
    /* The variance is half of the mean squared difference of two. */
    for (int r = 0; r < REPETITIONS; r++)
        for (int s = 0; s < r; s++) pairs += (kl[r] - kl[s]) * (kl[r] - kl[s]);
    const double variance = pairs / (REPETITIONS * (REPETITIONS - 1));
    close_to(cell->mean, mean);
    close_to(cell->variance, variance);
    close_to(cell->standard_error, sqrt(variance / REPETITIONS));
    assert_true(variance > 1e-8);
    levels(o, o->time[time], &first, o->steps[step], &schedule);
    assert_int_equal(cell->schedule.steps, o->steps[step]);
    for (int i = 0; i <= schedule.steps; i++) assert_true(cell->schedule.sigma[i] == schedule.sigma[i]);
    schedule_free(&schedule);
}

static void expect_cells_by_hand(bool exact) {
    ToyOptions o = options();
    ToyCell cell[10];
    Error error = {""};
    o.exact = exact;
    assert_true(toy_run(&o, cell, true, &error));
    for (int i = 0; i < o.time_count; i++)
        for (int j = 0; j < o.step_count; j++) expect_cell(&o, i, j, &cell[i * o.step_count + j]);
    toy_free(&o, cell);
}

static void paths_by_hand(void **state) {
    (void)state;
    expect_cells_by_hand(false);
}

static void distributions_by_hand(void **state) {
    (void)state;
    expect_cells_by_hand(true);
}

/* The order of times is that of the levels: the higher it is, the more of them are low. */
static void orders_are_told_apart(void **state) {
    (void)state;
    ToyOptions o = options();
    ToyCell cell[10];
    Error error = {""};
    o.samples = 1;
    assert_true(toy_run(&o, cell, true, &error));
    for (int time = 2; time < 4; time++)
        for (int j = 0; j < 2; j++) {
            const Schedule *lower = &cell[time * 2 + j].schedule,
                           *higher = &cell[time * 2 + 2 + j].schedule;
            for (int i = 1; i < o.steps[j] - 1; i++)
                assert_true(higher->sigma[i] < 0.98 * lower->sigma[i]);
        }
    toy_free(&o, cell);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_by_hand),
        cmocka_unit_test(distributions_by_hand),
        cmocka_unit_test(orders_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
