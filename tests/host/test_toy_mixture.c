/* toy/mixture.h, toy/divergence.h: against integrals summed in the test, and against known answers; the
 * curve of a mixture through the code that makes schedules of measured ones. */
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "schedule/times.h"
#include "toy/divergence.h"
#include "toy/experiment.h"

static double normal(double x, double deviation) {
    return exp(-x * x / (2 * deviation * deviation)) / (deviation * sqrt(2 * M_PI));
}

/* E[x_0^power | x], by a sum over x_0 (or over the points). */
static double posterior_moment(const Mixture *m, double x, double sigma, int power) {
    double total = 0, sum = 0;
    for (int i = 0; i < m->components; i++) {
        const int half = m->width > 0 ? 400 : 0;
        for (int k = -half; k <= half; k++) {
            const double x0 = m->centre[i] + k * m->width / 40;
            const double weight = normal(x - x0, sigma) * (half > 0 ? exp(-k * (double)k / 3200) : 1);
            total += weight;
            sum += weight * pow(x0, power);
        }
    }
    return sum / total;
}

static const double widths[] = {0, 0.05, 0.4, 0.95};

static void denoiser_is_the_posterior_mean(void **state) {
    (void)state;
    for (int w = 0; w < 4; w++) {
        const Mixture m = mixture_create(5, widths[w], LAYOUT_RANDOM, 7, 3);
        for (double sigma = 0.1; sigma < 50; sigma *= 3)
            for (double x = -2.5; x < 2.6; x += 0.37) {
                const double expected = posterior_moment(&m, x, sigma, 1);
                assert_true(fabs(mixture_denoise(&m, x, sigma) - expected) <= 1e-10);
            }
    }
}

static void far_from_all_points_the_nearest_counts(void **state) {
    (void)state;
    const Mixture m = mixture_create(15, 0, LAYOUT_EVEN, 0, 0);
    assert_true(fabs(mixture_denoise(&m, 1e6, 0.002) - m.centre[14]) < 1e-12);
    assert_true(fabs(mixture_denoise(&m, m.centre[3] + 1e-3, 0.002) - m.centre[3]) < 1e-12);
}

static void squared_error_is_the_mean_posterior_variance(void **state) {
    (void)state;
    for (int w = 0; w < 3; w++) {
        const Mixture m = mixture_create(4, widths[w], LAYOUT_JITTERED, 1, 0);
        for (double sigma = 0.08; sigma < 10; sigma *= 5) {
            double sum = 0, total = 0;
            const double deviation = hypot(sigma, m.width), step = 0.05;
            for (int i = 0; i < m.components; i++)
                for (double z = -8; z <= 8; z += step) {
                    const double x = m.centre[i] + z * deviation,
                                 mean = posterior_moment(&m, x, sigma, 1);
                    sum += normal(z, 1) * (posterior_moment(&m, x, sigma, 2) - mean * mean);
                    total += normal(z, 1);
                }
            assert_true(fabs(mixture_squared_error(&m, sigma) / (sum / total) - 1) <= 1e-6);
        }
    }
}

static void data_have_mean_0_and_variance_1(void **state) {
    (void)state;
    for (int layout = 0; layout < 3; layout++)
        for (int w = 0; w < 4; w++) {
            const Mixture m = mixture_create(15, widths[w], (MixtureLayout)layout, 5, 2);
            double mean = 0, square = m.width * m.width;
            for (int i = 0; i < 15; i++) {
                mean += m.centre[i] / 15;
                square += m.centre[i] * m.centre[i] / 15;
                assert_true(i == 0 || m.centre[i] > m.centre[i - 1]);
            }
            assert_true(fabs(mean) < 1e-14 && fabs(square - 1) < 1e-14);
        }
    /* Other repetitions and seeds have other centres. */
    const Mixture a = mixture_create(5, 0, LAYOUT_RANDOM, 5, 2),
                  b = mixture_create(5, 0, LAYOUT_RANDOM, 5, 3),
                  c = mixture_create(5, 0, LAYOUT_RANDOM, 6, 2);
    assert_true(a.centre[0] != b.centre[0] && a.centre[0] != c.centre[0]);
}

/* ---- entropic time ------------------------------------------------------------------------------ */

static double total_time(const Mixture *m, int levels, double order) {
    Error error = {""};
    Curve curve;
    double time[1024];
    assert_true(toy_curve(&curve, m, levels, 0.002, 80, &error));
    assert_true(entropic_time(&curve, order, RULE_CUBIC, time, &error));
    curve_free(&curve);
    return time[levels - 1];
}

/* Above sigma_max the error is the variance, 1: the rest of the integral of err / sigma^3 is 1 / (2
 * sigma_max^2), up to sigma_max^-4.  What is left over falls with the fourth power of the number of
 * levels. */
static const double beyond = 1 / (2 * 80.0 * 80.0);

static void entropy_of_points_is_the_logarithm_of_their_number(void **state) {
    (void)state;
    const int numbers[] = {2, 5, 15};
    const double bounds[] = {2e-6, 1e-5, 2e-5};
    for (int i = 0; i < 3; i++) {
        const Mixture m = mixture_create(numbers[i], 0, LAYOUT_EVEN, 0, 0);
        assert_true(fabs(total_time(&m, 128, ORDER_ENTROPIC) + beyond - log(numbers[i])) <= bounds[i]);
        assert_true(fabs(total_time(&m, 256, ORDER_ENTROPIC) + beyond - log(numbers[i])) <=
                    bounds[i] / 10);
    }
}

/* The grid of `measure` goes on where no error is left. */
static void two_points_hold_ln_2(void **state) {
    (void)state;
    const Mixture m = mixture_create(2, 0, LAYOUT_EVEN, 0, 0);
    Error error = {""};
    Curve curve;
    Schedule grid;
    double time[128];
    assert_true(m.centre[0] == -1 && m.centre[1] == 1);
    assert_true(schedule_edm(&grid, 128, 0.002, 80, 7, &error) && curve_create(&curve, 128, &error));
    for (int i = 0; i < 128; i++) {
        curve.sigma[i] = grid.sigma[127 - i];
        curve.squared_error[i] = mixture_squared_error(&m, curve.sigma[i]);
    }
    assert_true(curve_check(&curve, "two points", &error));
    assert_true(entropic_time(&curve, ORDER_ENTROPIC, RULE_CUBIC, time, &error));
    assert_true(fabs(time[127] + beyond - log(2)) <= 1e-4);
    curve_free(&curve);
    schedule_free(&grid);
}

/* Equal steps in arctan(sigma / c), here with c = 1 (Sabour et al. 2024, theorem 3.1). */
static void one_gaussian_gives_the_arctan_schedule(void **state) {
    (void)state;
    const Mixture m = mixture_create(1, 1, LAYOUT_EVEN, 0, 0);
    const double high = atan(80), low = atan(0.002);
    for (int steps = 8; steps <= 64; steps *= 2) {
        Error error = {""};
        Curve curve;
        Schedule schedule;
        double time[128];
        assert_true(toy_curve(&curve, &m, 128, 0.002, 80, &error));
        assert_true(entropic_time(&curve, ORDER_RESCALED, RULE_CUBIC, time, &error));
        assert_true(toy_schedule(&schedule, (ToyTime){TIME_ORDER, ORDER_RESCALED}, SDE_EDM, &curve,
                                 time, steps, 0.002, 80, &error));
        for (int i = 0; i < steps; i++) {
            const double expected = tan(high + i * (low - high) / (steps - 1));
            assert_true(fabs(schedule.sigma[i] / expected - 1) <= 5e-4);
        }
        assert_true(schedule.sigma[steps] == 0);
        schedule_free(&schedule);
        curve_free(&curve);
    }
}

static void standard_times(void **state) {
    (void)state;
    Error error = {""};
    Schedule s;
    double low, high;
    assert_true(toy_schedule(&s, (ToyTime){TIME_STANDARD, 0}, SDE_EDM, NULL, NULL, 5, 1, 9, &error));
    for (int i = 0; i < 5; i++) assert_true(fabs(s.sigma[i] - (9 - 2 * i)) < 1e-12);
    schedule_free(&s);
    toy_range(SDE_VP, &low, &high);
    assert_true(
        toy_schedule(&s, (ToyTime){TIME_STANDARD, 0}, SDE_VP, NULL, NULL, 4, low, high, &error));
    for (int i = 0; i < 4; i++) {
        const double t = 1 + i * (1e-3 - 1) / 3; /* alpha_bar = exp(-integral of beta) */
        const double kept = exp(-(0.1 * t + 19.9 * t * t / 2));
        assert_true(fabs(s.sigma[i] / sqrt((1 - kept) / kept) - 1) < 1e-9);
    }
    schedule_free(&s);
}

/* ---- divergence --------------------------------------------------------------------------------- */

static void divergence_of_known_pairs(void **state) {
    (void)state;
    const double same[] = {0.25, 0.25, 0.25, 0.25}, other[] = {0.5, 0.125, 0.125, 0.25},
                 none[] = {1, 0};
    assert_true(fabs(divergence_of_masses(same, 4)) < 1e-15);
    /* (ln(1/2) + 2 ln 2 + 0) / 4 */
    assert_true(fabs(divergence_of_masses(other, 4) - log(2) / 4) < 1e-15);
    assert_true(isfinite(divergence_of_masses(none, 2)));
    const long long many[] = {500000000, 125000000, 125000000, 250000000};
    assert_true(fabs(divergence_of_counts(many, 4, 1000000000) - log(2) / 4) < 1e-7);
}

/* Counts of bin i are binomial: the mean of each -ln(n + 1/2) is a finite sum, and so is the bias. */
static void estimate_from_counts_has_little_bias(void **state) {
    (void)state;
    const int total = 1000;
    const double q[] = {0.02, 0.1, 0.25};
    for (int k = 0; k < 3; k++) {
        double mean = 0, plain = 0;
        for (int n = 1; n <= total; n++) {
            const double weight = exp(lgamma(total + 1.0) - lgamma(n + 1.0) - lgamma(total - n + 1.0) +
                                      n * log(q[k]) + (total - n) * log1p(-q[k]));
            /* divergence_of_counts of a single bin: -ln((n + 1/2) / total) */
            const long long count = n;
            mean += weight * divergence_of_counts(&count, 1, total);
            plain -= weight * log((double)n / total);
        }
        /* Left over: 1 / (2 total), and terms of second order in 1 / (q total). */
        const double bound = 0.5 / total + pow(q[k] * total, -2);
        assert_true(fabs(mean + log(q[k])) <= bound + 0.25 / total);
        assert_true(fabs(plain + log(q[k])) > 0.3 * (1 - q[k]) / (q[k] * total));
    }
}

static void bins_hold_equal_shares_of_the_data(void **state) {
    (void)state;
    Error error = {""};
    Bins bins;
    const Mixture m = mixture_create(5, 0.03, LAYOUT_RANDOM, 2, 0);
    assert_true(bins_create(&bins, &m, 100, &error));
    for (int i = 1; i < 100; i++) assert_true(fabs(mixture_cdf(&m, bins.edge[i]) - i / 100.0) < 1e-9);
    assert_int_equal(bins_find(&bins, -1e30), 0);
    assert_int_equal(bins_find(&bins, 1e30), 99);
    assert_int_equal(bins_find(&bins, bins.edge[50]), 50);
    assert_int_equal(bins_find(&bins, nextafter(bins.edge[50], -1)), 49);
    bins_free(&bins);
    const Mixture points = mixture_create(5, 0, LAYOUT_RANDOM, 2, 0);
    assert_true(bins_create(&bins, &points, 100, &error));
    assert_int_equal(bins.count, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(bins_find(&bins, points.centre[i]), i);
    bins_free(&bins);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denoiser_is_the_posterior_mean),
        cmocka_unit_test(far_from_all_points_the_nearest_counts),
        cmocka_unit_test(squared_error_is_the_mean_posterior_variance),
        cmocka_unit_test(data_have_mean_0_and_variance_1),
        cmocka_unit_test(entropy_of_points_is_the_logarithm_of_their_number),
        cmocka_unit_test(two_points_hold_ln_2),
        cmocka_unit_test(one_gaussian_gives_the_arctan_schedule),
        cmocka_unit_test(standard_times),
        cmocka_unit_test(divergence_of_known_pairs),
        cmocka_unit_test(estimate_from_counts_has_little_bias),
        cmocka_unit_test(bins_hold_equal_shares_of_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
