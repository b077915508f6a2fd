/* interpolation.h against SciPy's PchipInterpolator (1.10.1), and what a monotone cubic must be. */
#include "schedule/interpolation.h"

#include "support/files.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 8 };

static const struct {
    const char *name;
    int n;
    double x[MOST], y[MOST];
    double between[2 * MOST]; /* 0.25 and 0.8125 of the way along each interval */
    double integral[MOST];    /* antiderivative() at x */
} golden[] = {
    {"rising",
     6,
     {0.1, 0.5, 0.6, 2.0, 3.5, 3.75},
     {-1.0, -0.75, 0.5, 0.625, 4.0, 4.125},
     {-0.9881904069767441, -0.8450359965479651, -0.5354098817991735, 0.38572679468219695,
      0.5571847959908461, 0.5939271498522602, 1.1382339877343015, 3.5638967783473463,
      4.0415810032894735, 4.110802098324425},
     {0.0, -0.3693798449612403, -0.38087519345680404, 0.41935748697570885, 3.7867496865991814,
      4.804773261160586}},
    {"turning",
     7,
     {-3.0, -1.0, 0.0, 0.25, 1.0, 2.5, 4.0},
     {2.0, 5.0, 1.0, 1.0, -2.0, 0.5, -8.0},
     {3.734375, 4.980224609375, 4.375, 1.369140625, 1.0, 1.0, 0.53125, -1.72314453125, -1.609375,
      0.26928710937499956, -0.1718750000000001, -5.482666015625001},
     {0.0, 8.5, 11.5, 11.75, 11.375, 10.25, 6.374999999999999}},
    {"steep_end",
     4,
     {0.0, 1.0, 1.5, 4.0},
     {0.0, 1.0, -30.0, -29.0},
     {0.578125, 0.993408203125, -3.84375, -27.13916015625, -29.984375, -29.463623046875},
     {0.0, 0.75, -6.5, -80.875}},
    {"flat",
     5,
     {1.0, 2.0, 4.0, 5.0, 9.0},
     {3.0, 3.0, 3.0, 7.0, 7.0},
     {3.0, 3.0, 3.0, 3.0, 3.625, 6.630859375, 7.0, 7.0},
     {0.0, 3.0, 9.0, 14.0, 42.0}},
    {"line", 2, {1.0, 3.0}, {2.0, -4.0}, {0.5, -2.875}, {0.0, -2.0}},
    {"three",
     3,
     {0.0, 1.0, 3.0},
     {0.0, 1.0, 9.0},
     {0.0859375, 0.7220458984375, 2.109375, 6.862060546875},
     {0.0, 0.375, 8.875}},
};
enum { CASES = sizeof golden / sizeof *golden };

static void expect_close(double value, double expected, double scale) {
    if (fabs(value - expected) > 8 * DBL_EPSILON * scale)
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void values_are_scipys(void **state) {
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const double *x = golden[k].x;
        Pchip p;
        Error error = {""};
        assert_true(pchip_create(&p, x, golden[k].y, golden[k].n, &error));
        for (int i = 0; i < p.n; i++) expect_close(pchip_at(&p, x[i]), golden[k].y[i], 32);
        for (int i = 0; i + 1 < p.n; i++) {
            const double h = x[i + 1] - x[i];
            expect_close(pchip_at(&p, x[i] + 0.25 * h), golden[k].between[2 * i], 32);
            expect_close(pchip_at(&p, x[i] + 0.8125 * h), golden[k].between[2 * i + 1], 32);
        }
        pchip_free(&p);
    }
}

static void integrals_are_scipys(void **state) {
    (void)state;
    for (int k = 0; k < CASES; k++) {
        double integral[MOST];
        Pchip p;
        Error error = {""};
        assert_true(pchip_create(&p, golden[k].x, golden[k].y, golden[k].n, &error));
        pchip_integrate(&p, integral);
        for (int i = 0; i < p.n; i++) expect_close(integral[i], golden[k].integral[i], 128);
        pchip_free(&p);
    }
}

static double random_unit(void) { return rand() / (RAND_MAX + 1.0); }

/* Rising points at random distances of very different sizes. */
static void random_points(double *x, double *y, int n) {
    x[0] = y[0] = 0;
    for (int i = 1; i < n; i++) {
        x[i] = x[i - 1] + exp(8 * random_unit() - 6);
        y[i] = y[i - 1] + exp(12 * random_unit() - 8);
    }
}

static void rises_between_rising_points(void **state) {
    (void)state;
    enum { N = 12, STEPS = 64 };
    for (int round = 0; round < 200; round++) {
        double x[N], y[N];
        Pchip p;
        Error error = {""};
        random_points(x, y, N);
        assert_true(pchip_create(&p, x, y, N, &error));
        double before = y[0];
        for (int i = 0; i + 1 < N; i++)
            for (int j = 1; j <= STEPS; j++) {
                const double value = pchip_at(&p, x[i] + (x[i + 1] - x[i]) * j / STEPS);
                assert_true(value >= before - 4 * DBL_EPSILON * y[N - 1]);
                before = value;
            }
        pchip_free(&p);
    }
}

/* A rounding of x moves the value by as much times the slope, which is at most 3 secants (Fritsch,
 * Carlson). */
static double rounding(const double *x, const double *y, int n) {
    double steepest = 0;
    for (int i = 0; i + 1 < n; i++)
        steepest = fmax(steepest, 3 * (y[i + 1] - y[i]) / (x[i + 1] - x[i]));
    return 8 * DBL_EPSILON * (y[n - 1] + x[n - 1] * steepest);
}

static void solve_inverts(void **state) {
    (void)state;
    enum { N = 12 };
    for (int round = 0; round < 200; round++) {
        double x[N], y[N];
        Pchip p;
        Error error = {""};
        random_points(x, y, N);
        assert_true(pchip_create(&p, x, y, N, &error));
        for (int j = 0; j <= 60; j++) {
            const double value = j < N ? y[j] : y[N - 1] * j / 60;
            assert_true(fabs(pchip_at(&p, pchip_solve(&p, value)) - value) <= rounding(x, y, N));
        }
        assert_true(pchip_solve(&p, y[0] - 1) == x[0] && pchip_solve(&p, y[N - 1] + 1) == x[N - 1]);
        assert_true(pchip_solve(&p, y[0]) == x[0] && pchip_solve(&p, y[N - 1]) == x[N - 1]);
        pchip_free(&p);
    }
}

/* Simpson's rule is exact for cubics. */
static void integral_is_the_interpolants(void **state) {
    (void)state;
    enum { N = 12 };
    double x[N], y[N], integral[N];
    Pchip p;
    Error error = {""};
    random_points(x, y, N);
    assert_true(pchip_create(&p, x, y, N, &error));
    pchip_integrate(&p, integral);
    assert_true(integral[0] == 0);
    for (int i = 0; i + 1 < N; i++) {
        const double h = x[i + 1] - x[i];
        const double simpson = h / 6 * (y[i] + 4 * pchip_at(&p, x[i] + h / 2) + y[i + 1]);
        expect_close(integral[i + 1] - integral[i], simpson, 8 * integral[N - 1]);
    }
    pchip_free(&p);
}

static void refuses_points(void **state) {
    (void)state;
    const double x[] = {0, 1, 1, 2}, y[] = {0, 1, 2, 3}, bad[] = {0, NAN, 1, 2};
    Pchip p;
    Error error = {""};
    assert_false(pchip_create(&p, x, y, 1, &error));
    expect_message(&error, "1 points", NULL);
    assert_false(pchip_create(&p, x, y, 4, &error));
    expect_message(&error, "point 2", "increasing", NULL);
    assert_false(pchip_create(&p, bad, y, 4, &error));
    expect_message(&error, "point 1", "finite", NULL);
    assert_false(pchip_create(&p, y, bad, 4, &error));
    expect_message(&error, "point 1", "finite", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_scipys),
        cmocka_unit_test(integrals_are_scipys),
        cmocka_unit_test(rises_between_rising_points),
        cmocka_unit_test(solve_inverts),
        cmocka_unit_test(integral_is_the_interpolants),
        cmocka_unit_test(refuses_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
