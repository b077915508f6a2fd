/* measure/regression.h against what is known of least squares. */
#include "measure/regression.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { N = 50, P = 3 };

/* Three controls of every i. */
static void controls_of(int i, double controls[P]) {
    controls[0] = 1000 + sin(1.0 + i);
    controls[1] = 0.01 * cos(2.0 * i * i);
    controls[2] = i % 7;
}

typedef struct {
    double sums[P], products[P][P];
    double sum, square, together[P];
} Sample;

/* Of the first n of N; y: a quantity of them. */
static Sample sample_of(int n, const double *y) {
    Sample s = {0};
    double controls[N][P], population[P] = {0};
    for (int i = 0; i < N; i++) {
        controls_of(i, controls[i]);
        for (int k = 0; k < P; k++) population[k] += controls[i][k] / N;
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < P; k++) controls[i][k] -= population[k];
        for (int k = 0; k < P; k++) {
            s.sums[k] += controls[i][k];
            s.together[k] += controls[i][k] * y[i];
            for (int l = 0; l < P; l++) s.products[k][l] += controls[i][k] * controls[i][l];
        }
        s.sum += y[i];
        s.square += y[i] * y[i];
    }
    return s;
}

static Regression regression_of(int n, int controls, const double *sums, const double *products) {
    Regression r;
    Error error = {""};
    if (!regression_create(&r, n, controls, sums, products, &error)) fail_msg("%s", error.text);
    return r;
}

static Estimate estimate_of(int n, const double *y, int *rank) {
    const Sample s = sample_of(n, y);
    const Regression r = regression_of(n, P, s.sums, s.products[0]);
    *rank = r.rank;
    return regression_estimate(&r, s.sum, s.square, s.together);
}

static void expect_near(double actual, double expected, double bound) {
    if (!(fabs(actual - expected) <= bound))
        fail_msg("%.17g, expected %.17g within %g", actual, expected, bound);
}

/* Of a quantity that is linear in the controls, a few say all. */
static void a_linear_quantity_is_exact(void **state) {
    (void)state;
    double y[N], mean = 0;
    int rank;
    for (int i = 0; i < N; i++) {
        double controls[P];
        controls_of(i, controls);
        y[i] = 5 + 2 * controls[0] - 300 * controls[1] + 0.25 * controls[2];
        mean += y[i] / N;
    }
    const Estimate estimate = estimate_of(12, y, &rank);
    expect_near(estimate.mean, mean, 1e-6);
    expect_near(estimate.error, 0, 1e-3);
    assert_int_equal(rank, P);
}

static void without_controls_it_is_the_sample(void **state) {
    (void)state;
    const Regression r = regression_of(4, 0, NULL, NULL);
    const Estimate estimate = regression_estimate(&r, 16, 102, NULL); /* of 1, 2, 4 and 9 */
    expect_near(estimate.mean, 4, 0);
    expect_near(estimate.error, sqrt((9 + 4 + 0 + 25) / 3.0 / 4), 1e-15);
}

/* One control, by hand: slope S_fy / S_ff, and n - 2 degrees of freedom. */
static void one_control_by_hand(void **state) {
    (void)state;
    const double f[] = {1, 2, 3, 6}, y[] = {2, 3, 7, 8}, population = 5;
    double sums = 0, products = 0, sum = 0, square = 0, together = 0;
    for (int i = 0; i < 4; i++) {
        const double control = f[i] - population;
        sums += control;
        products += control * control;
        sum += y[i];
        square += y[i] * y[i];
        together += control * y[i];
    }
    const Regression r = regression_of(4, 1, &sums, &products);
    const Estimate estimate = regression_estimate(&r, sum, square, &together);
    const double slope = 17.0 / 14, rest = 26 - slope * 17; /* S_fy = 17, S_ff = 14, S_yy = 26 */
    expect_near(estimate.mean, 5 + slope * 2, 1e-12);
    expect_near(estimate.error, sqrt(rest / 2 * (1.0 / 4 + 4.0 / 14)), 1e-12);
    assert_int_equal(r.rank, 1);
}

/* A constant control (its mean off by rounding) and a doubled one leave the third's estimate as it is.
 */
static void dependent_controls_are_left_out(void **state) {
    (void)state;
    const double f[] = {1, 2, 3, 6}, y[] = {2, 3, 7, 8};
    double sums[3] = {0}, products[3][3] = {{0}}, sum = 0, square = 0, together[3] = {0};
    for (int i = 0; i < 4; i++) {
        const double all[3] = {1e-9, f[i] - 5, 2 * (f[i] - 5)};
        for (int k = 0; k < 3; k++) {
            sums[k] += all[k];
            together[k] += all[k] * y[i];
            for (int l = 0; l < 3; l++) products[k][l] += all[k] * all[l];
        }
        sum += y[i];
        square += y[i] * y[i];
    }
    const Regression r = regression_of(4, 3, sums, products[0]);
    const Estimate estimate = regression_estimate(&r, sum, square, together);
    const double slope = 17.0 / 14, rest = 26 - slope * 17;
    assert_int_equal(r.rank, 1);
    expect_near(estimate.mean, 5 + slope * 2, 1e-9);
    expect_near(estimate.error, sqrt(rest / 2 * (1.0 / 4 + 4.0 / 14)), 1e-9);
}

static void a_sample_too_small_has_no_error(void **state) {
    (void)state;
    double y[N];
    int rank;
    for (int i = 0; i < N; i++) y[i] = cos(3.0 * i);
    assert_true(isinf(estimate_of(P + 1, y, &rank).error));
    assert_true(isfinite(estimate_of(P + 2, y, &rank).error));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_linear_quantity_is_exact),
                                       cmocka_unit_test(without_controls_it_is_the_sample),
                                       cmocka_unit_test(one_control_by_hand),
                                       cmocka_unit_test(dependent_controls_are_left_out),
                                       cmocka_unit_test(a_sample_too_small_has_no_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
