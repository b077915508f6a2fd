/* times.h against closed forms: data whose squared error is known. */
#include "schedule/times.h"

#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const double SIGMA_MIN = 0.002, SIGMA_MAX = 80;
static const double C_OF[] = {0.05, 0.1, 0.2, 0.5, 1, 2, 5};
enum { LEVELS = 128, DIMS = 784, CS = sizeof C_OF / sizeof *C_OF };

/* The grid that curves are measured on: EDM's levels, increasing. */
static Curve edm_curve(int levels) {
    Curve curve;
    Schedule grid;
    Error error = {""};
    assert_true(curve_create(&curve, levels, &error));
    assert_true(schedule_edm(&grid, levels, SIGMA_MIN, SIGMA_MAX, 7, &error));
    for (int i = 0; i < levels; i++) curve.sigma[i] = grid.sigma[levels - 1 - i];
    curve.dims = DIMS;
    schedule_free(&grid);
    return curve;
}

/* Data N(0, c^2) in every dimension: the posterior variance is c^2 sigma^2 / (c^2 + sigma^2). */
static void fill_gaussian(Curve *curve, double c) {
    for (int i = 0; i < curve->levels; i++) {
        const double s = curve->sigma[i];
        curve->squared_error[i] = curve->dims * c * c * s * s / (c * c + s * s);
    }
}

/* Two points at -1 and 1: E[1 - tanh^2(x / sigma^2)] over x = 1 + sigma n, by the trapezoidal rule,
 * which for such an integrand converges faster than any power of the step. */
static double two_point_error(double sigma) {
    const double step = fmin(0.01, sigma / 32), reach = 12;
    double sum = 0;
    for (double n = -reach; n <= reach; n += step) {
        const double hyperbolic = 1 / cosh(fmin((fabs(1 + sigma * n)) / (sigma * sigma), 700));
        sum += exp(-n * n / 2) * hyperbolic * hyperbolic;
    }
    return sum * step / sqrt(2 * M_PI);
}

static double *time_of(const Curve *curve, double order, IntegrationRule rule) {
    double *time = malloc((size_t)curve->levels * sizeof *time);
    Error error = {""};
    assert_true(entropic_time(curve, order, rule, time, &error));
    return time;
}

static Schedule levels_of(const Curve *curve, double order, IntegrationRule rule, int steps) {
    Schedule schedule;
    Error error = {""};
    double *time = time_of(curve, order, rule);
    if (!schedule_from_time(&schedule, curve->sigma, time, curve->levels, steps, SIGMA_MIN, SIGMA_MAX,
                            &error))
        fail_msg("%s", error.text);
    free(time);
    return schedule;
}

/* Largest |a / b - 1| over the levels. */
static double difference(const Schedule *a, const Schedule *b) {
    double most = 0;
    assert_int_equal(a->steps, b->steps);
    for (int i = 0; i < a->steps; i++) most = fmax(most, fabs(a->sigma[i] / b->sigma[i] - 1));
    return most;
}

/* S = D c (atan(sigma / c) - atan(sigma_min / c)). */
static void gaussian_time_is_arctan(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    for (int k = 0; k < CS; k++) {
        const double c = C_OF[k];
        fill_gaussian(&curve, c);
        double *time = time_of(&curve, ORDER_RESCALED, RULE_CUBIC);
        const double total = DIMS * c * (atan(SIGMA_MAX / c) - atan(SIGMA_MIN / c));
        for (int i = 0; i < LEVELS; i++) {
            const double exact = DIMS * c * (atan(curve.sigma[i] / c) - atan(SIGMA_MIN / c));
            assert_true(fabs(time[i] - exact) <= 2e-5 * total);
        }
        free(time);
    }
    curve_free(&curve);
}

static double gaussian_difference(const Curve *curve, double c, IntegrationRule rule) {
    double most = 0;
    for (int steps = 8; steps <= 64; steps++) {
        Schedule exact, schedule = levels_of(curve, ORDER_RESCALED, rule, steps);
        Error error = {""};
        assert_true(schedule_gaussian(&exact, steps, SIGMA_MIN, SIGMA_MAX, c, &error));
        most = fmax(most, difference(&schedule, &exact));
        schedule_free(&schedule);
        schedule_free(&exact);
    }
    return most;
}

static void gaussian_schedule_is_arctan(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    for (int k = 0; k < CS; k++) {
        fill_gaussian(&curve, C_OF[k]);
        const double cubic = gaussian_difference(&curve, C_OF[k], RULE_CUBIC);
        const double left = gaussian_difference(&curve, C_OF[k], RULE_LEFT);
        print_message("c = %g: cubic within %.1e, left within %.1e\n", C_OF[k], cubic, left);
        assert_true(cubic <= 5e-4);
        assert_true(left > 10 * cubic); /* else the rule is not the one asked for */
    }
    curve_free(&curve);
}

/* Beyond sigma_max the error is 1, so the entropy beyond the grid is 1 / (2 sigma_max^2) to its first
 * order. */
static void two_points_have_ln_2(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    for (int i = 0; i < LEVELS; i++) curve.squared_error[i] = two_point_error(curve.sigma[i]);
    double *time = time_of(&curve, ORDER_ENTROPIC, RULE_CUBIC);
    const double total = time[LEVELS - 1], beyond = 1 / (2 * SIGMA_MAX * SIGMA_MAX);
    print_message("ln 2 %+.2e on the grid, %+.2e with what lies beyond\n", total - log(2),
                  total + beyond - log(2));
    assert_true(fabs(total - log(2)) <= 1e-4);
    assert_true(fabs(total + beyond - log(2)) <= 1e-5);
    free(time);
    curve_free(&curve);
}

/* Grids from SIGMA_MIN to SIGMA_MAX: log-uniform, the same with each level moved at random, EDM's with
 * rho 3. */
static void fill_grid(Curve *curve, int kind) {
    const int last = curve->levels - 1;
    Schedule edm;
    Error error = {""};
    assert_true(schedule_edm(&edm, curve->levels, SIGMA_MIN, SIGMA_MAX, 3, &error));
    srand(1);
    for (int i = 0; i <= last; i++) {
        const double shift = kind == 1 && i > 0 && i < last ? rand() / (RAND_MAX + 1.0) - 0.5 : 0;
        const double place = (i + shift) / last;
        curve->sigma[i] =
            kind == 2 ? edm.sigma[last - i] : SIGMA_MIN * pow(SIGMA_MAX / SIGMA_MIN, place);
        /* What dense means here. */
        if (i > 0) assert_true(curve->sigma[i] < 1.25 * curve->sigma[i - 1]);
    }
    schedule_free(&edm);
}

/* Largest difference between the levels of two curves of the same data, over orders and deviations. */
static double grids_differ(Curve *a, Curve *b) {
    static const double orders[] = {ORDER_RESCALED, 2.25, 2.5, ORDER_ENTROPIC};
    double most = 0;
    for (int k = 0; k < CS; k++) {
        fill_gaussian(a, C_OF[k]);
        fill_gaussian(b, C_OF[k]);
        for (int p = 0; p < 4; p++) {
            Schedule x = levels_of(a, orders[p], RULE_CUBIC, 32);
            Schedule y = levels_of(b, orders[p], RULE_CUBIC, 32);
            most = fmax(most, difference(&x, &y));
            schedule_free(&x);
            schedule_free(&y);
        }
    }
    return most;
}

/* Theorem 5.2 of the paper: levels depend on the error alone, not on the grid that it was measured on.
 */
static void any_dense_grid_gives_the_same_levels(void **state) {
    (void)state;
    static const int levels[] = {200, 300, 500};
    Curve edm = edm_curve(LEVELS), other;
    Error error = {""};
    for (int kind = 0; kind < 3; kind++) {
        assert_true(curve_create(&other, levels[kind], &error));
        other.dims = DIMS;
        fill_grid(&other, kind);
        const double most = grids_differ(&edm, &other);
        print_message("grid %d of %d levels: within %.1e\n", kind, levels[kind], most);
        assert_true(most <= 1e-3);
        curve_free(&other);
    }
    curve_free(&edm);
}

static void left_rule_by_hand(void **state) {
    (void)state;
    Curve curve;
    Error error = {""};
    double time[3];
    assert_true(curve_create(&curve, 3, &error));
    curve.sigma[0] = 0.5, curve.sigma[1] = 1, curve.sigma[2] = 2;
    curve.squared_error[0] = 3, curve.squared_error[1] = 5, curve.squared_error[2] = 7;
    assert_true(entropic_time(&curve, 2, RULE_LEFT, time, &error));
    assert_true(time[0] == 0 && time[1] == 6 && time[2] == 11);
    assert_true(entropic_time(&curve, 3, RULE_LEFT, time, &error));
    assert_true(time[0] == 0 && time[1] == 12 && time[2] == 17);
    curve_free(&curve);
}

/* ---- spectral ----------------------------------------------------------------------------------- */

enum { DIRECTIONS = 4 };

typedef struct {
    float power[LEVELS * DIRECTIONS], amplitude[DIRECTIONS];
    Spectrum spectrum;
} Example;

/* Direction f: Gaussian data of deviation c[f]; 0 = no error. */
static void fill_spectrum(Example *e, double *sigma, const double *c, const float *amplitude) {
    for (int i = 0; i < LEVELS; i++)
        for (int f = 0; f < DIRECTIONS; f++) {
            const double s = sigma[i], v = c[f] * c[f];
            e->power[i * DIRECTIONS + f] = (float)(v * s * s / (v + s * s));
        }
    for (int f = 0; f < DIRECTIONS; f++) e->amplitude[f] = amplitude[f];
    e->spectrum = (Spectrum){LEVELS, DIRECTIONS, sigma, e->power, e->amplitude, 1, 2, 2};
}

static void spectral_time_is_the_weighted_mean(void **state) {
    (void)state;
    static const double c[DIRECTIONS] = {0.1, 0.5, 3, 0};
    static const float amplitude[DIRECTIONS] = {2, 1, 0.5f, 8};
    Curve grid = edm_curve(LEVELS);
    static Example e;
    double time[LEVELS];
    Error error = {""};
    fill_spectrum(&e, grid.sigma, c, amplitude);
    assert_true(spectral_time(&e.spectrum, RULE_CUBIC, SIGMA_MIN, SIGMA_MAX, time, &error));
    for (int i = 0; i < LEVELS; i++) {
        double exact = 0;
        for (int f = 0; f < 3; f++) {
            const double low = atan(SIGMA_MIN / c[f]), high = atan(SIGMA_MAX / c[f]);
            exact += amplitude[f] / 3.5 * (atan(grid.sigma[i] / c[f]) - low) / (high - low);
        }
        assert_true(fabs(time[i] - exact) <= 2e-5);
    }
    curve_free(&grid);
}

/* Between ends that are no levels, each direction is scaled to 1 there, and not at the curve's ends. */
static void spectral_time_of_a_part(void **state) {
    (void)state;
    static const double c[DIRECTIONS] = {0.1, 0.5, 3, 0}, low = 0.0314, high = 7.3;
    static const float amplitude[DIRECTIONS] = {2, 1, 0.5f, 8};
    Curve grid = edm_curve(LEVELS);
    static Example e;
    Schedule schedule;
    Error error = {""};
    fill_spectrum(&e, grid.sigma, c, amplitude);
    assert_true(schedule_from_spectrum(&schedule, &e.spectrum, RULE_CUBIC, 17, low, high, &error));
    for (int i = 0; i < 17; i++) {
        double exact = 0;
        for (int f = 0; f < 3; f++) {
            const double start = atan(low / c[f]), end = atan(high / c[f]);
            exact += amplitude[f] / 3.5 * (atan(schedule.sigma[i] / c[f]) - start) / (end - start);
        }
        assert_true(fabs(exact - (1 - i / 16.0)) <= 2e-5);
    }
    schedule_free(&schedule);
    curve_free(&grid);
}

static void spectrum_without_error_is_refused(void **state) {
    (void)state;
    static const double c[DIRECTIONS] = {0, 0.5, 0, 0.5};
    static const float amplitude[DIRECTIONS] = {2, 0, 0.5f, 0};
    Curve grid = edm_curve(LEVELS);
    static Example e;
    double time[LEVELS];
    Error error = {""};
    fill_spectrum(&e, grid.sigma, c, amplitude);
    assert_false(spectral_time(&e.spectrum, RULE_CUBIC, SIGMA_MIN, SIGMA_MAX, time, &error));
    expect_message(&error, "no error in any direction", NULL);
    curve_free(&grid);
}

/* ---- ranges and refusals ------------------------------------------------------------------------ */

/* Equal steps between the same ends of the same time are the same levels. */
static void part_of_the_range(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    Schedule whole, part;
    Error error = {""};
    fill_gaussian(&curve, 0.5);
    double *time = time_of(&curve, ORDER_RESCALED, RULE_CUBIC);
    assert_true(
        schedule_from_time(&whole, curve.sigma, time, LEVELS, 33, SIGMA_MIN, SIGMA_MAX, &error));
    assert_true(schedule_from_time(&part, curve.sigma, time, LEVELS, 21, whole.sigma[25],
                                   whole.sigma[5], &error));
    for (int i = 0; i <= 20; i++) assert_true(fabs(part.sigma[i] / whole.sigma[i + 5] - 1) <= 1e-10);
    assert_true(part.sigma[0] == whole.sigma[5] && part.sigma[20] == whole.sigma[25]);
    assert_true(part.sigma[21] == 0);
    schedule_free(&whole);
    schedule_free(&part);
    free(time);
    curve_free(&curve);
}

/* The integral of c^2 / (c^2 + sigma^2) / sigma^4, which is err / sigma^6 of Gaussian data. */
static double order_six(double sigma, double c) {
    return -1 / (3 * pow(sigma, 3)) + 1 / (c * c * sigma) + atan(sigma / c) / pow(c, 3);
}

/* At order 14 the time below sigma = 1 is 1e30 times that above: the levels must be those of a curve
 * that has none of it. */
static void expect_no_sum_from_below(const Curve *curve) {
    Schedule part, alone;
    Curve above = *curve;
    Error error = {""};
    while (above.sigma[0] < 0.5) above.sigma++, above.squared_error++, above.levels--;
    assert_true(schedule_from_curve(&part, curve, 14, RULE_CUBIC, 9, 1, 4, &error));
    assert_true(schedule_from_curve(&alone, &above, 14, RULE_CUBIC, 9, 1, 4, &error));
    assert_true(difference(&part, &alone) <= 1e-9);
    schedule_free(&part);
    schedule_free(&alone);
}

/* Below sigma_min there may be no error, or so much time that the rest is lost in its sum. */
static void what_lies_outside_does_not_matter(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    Schedule part, same;
    Error error = {""};
    fill_gaussian(&curve, 0.5);
    assert_true(schedule_from_curve(&part, &curve, 6, RULE_CUBIC, 9, 1, 20, &error));
    expect_no_sum_from_below(&curve);
    const double start = order_six(1, 0.5), end = order_six(20, 0.5);
    for (int i = 0; i < 9; i++)
        assert_true(fabs((order_six(part.sigma[i], 0.5) - start) / (end - start) - (1 - i / 8.0)) <=
                    1e-3);
    schedule_free(&part);

    double *time = time_of(&curve, ORDER_RESCALED, RULE_CUBIC);
    assert_true(schedule_from_time(&same, curve.sigma, time, LEVELS, 9, 0.1, 20, &error));
    assert_true(schedule_from_curve(&part, &curve, ORDER_RESCALED, RULE_CUBIC, 9, 0.1, 20, &error));
    assert_true(difference(&part, &same) <= 1e-12);
    schedule_free(&part);
    static const struct {
        double low, high, bound;
    } kept[] = {{0.06, 30, 1e-12},
                {0.09, 20.5, 2e-2}}; /* in the latter slopes at the ends are others */
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < LEVELS; i++)
            if (curve.sigma[i] < kept[k].low || curve.sigma[i] > kept[k].high)
                curve.squared_error[i] = 0;
        assert_true(schedule_from_curve(&part, &curve, ORDER_RESCALED, RULE_CUBIC, 9, 0.1, 20, &error));
        assert_true(difference(&part, &same) <= kept[k].bound);
        schedule_free(&part);
    }
    assert_false(schedule_from_curve(&part, &curve, ORDER_RESCALED, RULE_CUBIC, 9, 0.05, 20, &error));
    expect_message(&error, "does not increase from sigma = 0.0", NULL);
    assert_false(schedule_from_curve(&part, &curve, ORDER_RESCALED, RULE_CUBIC, 9, 0.001, 20, &error));
    expect_message(&error, "sigma_min is 0.001: the curve goes from 0.002 to 80", NULL);
    schedule_free(&same);
    free(time);
    curve_free(&curve);
}

static void few_steps(void **state) {
    (void)state;
    Curve curve = edm_curve(LEVELS);
    fill_gaussian(&curve, 0.5);
    Schedule one = levels_of(&curve, ORDER_RESCALED, RULE_CUBIC, 1);
    Schedule two = levels_of(&curve, ORDER_RESCALED, RULE_CUBIC, 2);
    assert_true(one.sigma[0] == SIGMA_MAX && one.sigma[1] == 0);
    assert_true(two.sigma[0] == SIGMA_MAX && two.sigma[1] == SIGMA_MIN && two.sigma[2] == 0);
    schedule_free(&one);
    schedule_free(&two);
    curve_free(&curve);
}

static void refuses(void **state) {
    (void)state;
    double sigma[] = {0.5, 1, 2, 4}, time[] = {0, 1, 2, 3};
    Schedule schedule;
    Error error = {""};
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 8, 0.4, 4, &error));
    expect_message(&error, "sigma_min is 0.4", "from 0.5 to 4", NULL);
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 8, 0.5, 5, &error));
    expect_message(&error, "sigma_max is 5", "from 0.5 to 4", NULL);
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 8, 2, 1, &error));
    expect_message(&error, "sigma_max > sigma_min", NULL);
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 0, 1, 2, &error));
    expect_message(&error, "0 steps", NULL);
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 9, 1, 1 + 4e-16, &error));
    expect_message(&error, "9 steps are too many", NULL);
    assert_true(schedule_from_time(&schedule, sigma, time, 4, 8, 0.5 * (1 - 1e-12), 4, &error));
    schedule_free(&schedule);
    time[2] = 1;
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 8, 0.5, 4, &error));
    expect_message(&error, "does not increase from sigma = 1 to 2", NULL);
    time[2] = NAN;
    assert_false(schedule_from_time(&schedule, sigma, time, 4, 8, 0.5, 4, &error));
    expect_message(&error, "sigma = 2", NULL);
    assert_null(schedule.sigma);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaussian_time_is_arctan),
        cmocka_unit_test(gaussian_schedule_is_arctan),
        cmocka_unit_test(two_points_have_ln_2),
        cmocka_unit_test(any_dense_grid_gives_the_same_levels),
        cmocka_unit_test(left_rule_by_hand),
        cmocka_unit_test(spectral_time_is_the_weighted_mean),
        cmocka_unit_test(spectral_time_of_a_part),
        cmocka_unit_test(spectrum_without_error_is_refused),
        cmocka_unit_test(part_of_the_range),
        cmocka_unit_test(what_lies_outside_does_not_matter),
        cmocka_unit_test(few_steps),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
