/* The Frechet distance against closed forms, numpy, and the shipped statistics. */
#include "quality/frechet.h"

#include <math.h>
#include <stdlib.h>

#include "support/files.h"

#include "device/philox.h"
#include "quality/floor.h"
#include "quality/statistics_file.h"
#include "support/tensors.h"

static Gaussian gaussian(int features) {
    Gaussian g;
    Error error = {""};
    assert_true(gaussian_create(&g, features, &error));
    return g;
}

static double distance(const Gaussian *a, const Gaussian *b) {
    double value;
    Error error = {""};
    if (!frechet_distance(a, b, &value, &error)) fail_msg("%s", error.text);
    return value;
}

static double trace(const Gaussian *g) {
    double sum = 0;
    for (int i = 0; i < g->features; ++i) sum += g->sigma[i * g->features + i];
    return sum;
}

/* sigma = A A^T with A[i][j] = sin(1 + phase + 3.7 i + 1.3 j^2 + 0.1 i j), [features][rank]. */
static Gaussian product_of(int features, int rank, double phase) {
    Gaussian g = gaussian(features);
    for (int i = 0; i < features; ++i) {
        g.mu[i] = phase > 0 ? sin(i) : cos(i);
        for (int k = 0; k < features; ++k)
            for (int j = 0; j < rank; ++j)
                g.sigma[i * features + k] += sin(1 + phase + 3.7 * i + 1.3 * j * j + 0.1 * i * j) *
                                             sin(1 + phase + 3.7 * k + 1.3 * j * j + 0.1 * k * j);
    }
    return g;
}

static void expect_near(double actual, double expected, double bound) {
    if (!(fabs(actual - expected) <= bound))
        fail_msg("%.17g, expected %.17g within %g", actual, expected, bound);
}

/* Exactly 0, also where the covariance is singular or 0. */
static void test_identical(void **state) {
    (void)state;
    const int ranks[] = {40, 12, 5, 1, 0};
    for (int i = 0; i < 5; ++i) {
        Gaussian g = product_of(12, ranks[i], 0);
        assert_true(distance(&g, &g) == 0);
        gaussian_free(&g);
    }
}

/* The features of `kinds` images, one after the other, n in all. */
static Gaussian copies(int features, int kinds, int n) {
    Statistics s;
    Gaussian g;
    Error error = {""};
    float x[64];
    assert_true(statistics_create(&s, features, &error));
    for (int k = 0; k < n; ++k) {
        for (int i = 0; i < features; ++i) x[i] = (float)(3 + 2 * sin(i + 17 * (k % kinds)));
        statistics_add(&s, x, 1);
    }
    assert_true(statistics_gaussian(&s, &g, &error));
    statistics_free(&s);
    return g;
}

/* Of few images, in many copies, a covariance is of few dimensions, and rounding fills the others. */
static void test_copies(void **state) {
    (void)state;
    enum { D = 64 };
    const int counts[] = {2, 3, 50, 1000, 20000};
    for (int i = 0; i < 5; ++i) {
        Gaussian one = copies(D, 1, counts[i]), two = copies(D, 2, counts[i]),
                 full = product_of(D, 80, 2);
        double means = 0;
        for (int k = 0; k < D; ++k) means += pow(one.mu[k] - full.mu[k], 2);
        expect_near(distance(&one, &full), means + trace(&full), 1e-9 * means);
        expect_near(distance(&full, &one), means + trace(&full), 1e-9 * means);
        assert_true(distance(&one, &one) == 0);
        assert_true(distance(&two, &two) == 0);
        /* A covariance s v v^T has the root sqrt(s / |v|^2) v v^T: sqrt(s v^T S v). */
        double v[D], size = 0, form = 0;
        for (int k = 0; k < D; ++k) v[k] = sin(k) - sin(k + 17), size += v[k] * v[k];
        for (int k = 0; k < D; ++k)
            for (int l = 0; l < D; ++l) form += v[k] * full.sigma[k * D + l] * v[l] / size;
        means = 0;
        for (int k = 0; k < D; ++k) means += pow(two.mu[k] - full.mu[k], 2);
        const double expected = means + trace(&two) + trace(&full) - 2 * sqrt(trace(&two) * form);
        expect_near(distance(&two, &full), expected, 1e-9 * expected);
        FrechetFloor floor;
        Error error = {""};
        assert_true(frechet_floor(&one, 50, 4, &floor, &error));
        assert_true(floor.mean == 0);
        gaussian_free(&one), gaussian_free(&two), gaussian_free(&full);
    }
}

/* Diagonal covariances: the sum of (sqrt(a) - sqrt(b))^2, here over 12 orders of magnitude and with
 * zeros in one, the other and both. */
static void test_diagonal(void **state) {
    (void)state;
    enum { D = 12 };
    Gaussian a = gaussian(D), b = gaussian(D);
    double expected = 0;
    for (int i = 0; i < D; ++i) {
        const double s = i % 4 == 1 ? 0 : pow(10, -i), t = i % 4 == 1 || i == 2 ? 0 : pow(9, i - D);
        a.mu[i] = i, b.mu[i] = i + 0.25;
        a.sigma[i * D + i] = s, b.sigma[i * D + i] = t;
        expected += 0.0625 + pow(sqrt(s) - sqrt(t), 2);
    }
    expect_near(distance(&a, &b), expected, 1e-12 * expected);
    expect_near(distance(&b, &a), expected, 1e-12 * expected);
    gaussian_free(&a), gaussian_free(&b);
}

/* From numpy: Tr (S1 S2)^1/2 as the sum of the singular values of A^T B, from the factors themselves.
 */
static void test_golden(void **state) {
    (void)state;
    static const struct {
        int rank_a, rank_b;
        double distance;
    } cases[] = {{20, 20, 32.13088584440408},
                 {12, 12, 32.26911649228968},
                 {5, 12, 50.493730684495716},
                 {5, 4, 18.388668812776807}};
    for (int i = 0; i < 4; ++i) {
        Gaussian a = product_of(12, cases[i].rank_a, 0), b = product_of(12, cases[i].rank_b, 2);
        expect_near(distance(&a, &b), cases[i].distance, 1e-9 * cases[i].distance);
        expect_near(distance(&b, &a), cases[i].distance, 1e-9 * cases[i].distance);
        gaussian_free(&a), gaussian_free(&b);
    }
}

/* The test images of Fashion-MNIST to its training images: 0.298 (the digits by numpy). */
static void test_shipped(void **state) {
    (void)state;
    static const char path[] = "weights/fashion-mnist-reference.safetensors";
    Gaussian train, test;
    Error error = {""};
    assert_true(gaussian_read(&train, path, "", &error));
    assert_true(gaussian_read(&test, path, "test.", &error));
    assert_int_equal(train.features, 128);
    assert_int_equal(train.images, 60000);
    expect_near(distance(&train, &test), 0.2981344991, 1e-8);
    assert_true(distance(&train, &train) == 0);
    gaussian_free(&train), gaussian_free(&test);
}

static void test_refused(void **state) {
    (void)state;
    Gaussian a = product_of(4, 4, 0), b = product_of(5, 5, 0);
    double value;
    Error error = {""};
    assert_false(frechet_distance(&a, &b, &value, &error));
    expect_message(&error, "4 features", "5", NULL);
    b.features = 4; /* of other numbers, which are no covariance */
    for (int i = 0; i < 4; ++i) b.sigma[i * 5] = -1;
    assert_false(frechet_distance(&a, &b, &value, &error));
    expect_message(&error, "negative eigenvalue", NULL);
    Gaussian far = product_of(4, 4, 0);
    far.mu[0] = 1e200; /* whose square is no number */
    assert_false(frechet_distance(&a, &far, &value, &error));
    expect_message(&error, "distance is inf", NULL);
    gaussian_free(&far);
    gaussian_free(&a), gaussian_free(&b);
}

/* ---- the floor ------------------------------------------------------------------------------------
 */

/* Of one feature: E of (mean^2 + (s - s')^2) is s^2 (1/n + 2 - 2 c4), with c4 that of a standard
 * deviation's bias. */
static void test_floor_of_one_feature(void **state) {
    (void)state;
    enum { SETS = 20000 };
    const int images[] = {2, 3, 10, 1000};
    Gaussian g = gaussian(1);
    g.mu[0] = 5, g.sigma[0] = 9;
    for (int i = 0; i < 4; ++i) {
        const double n = images[i], c4 = sqrt(2 / (n - 1)) * exp(lgamma(n / 2) - lgamma((n - 1) / 2));
        const double expected = 9 * (1 / n + 2 - 2 * c4);
        FrechetFloor floor;
        Error error = {""};
        assert_true(frechet_floor(&g, images[i], SETS, &floor, &error));
        expect_near(floor.mean, expected, 4 * floor.deviation / sqrt(SETS));
        expect_near(floor.mean, expected, 0.04 * expected);
        assert_int_equal(floor.sets, SETS);
    }
    gaussian_free(&g);
}

/* The distance of n drawn vectors, by statistics and frechet_distance: that which the floor is short
 * for.
 */
static double drawn_distance(const Gaussian *g, int rank, double phase, int n, uint64_t set) {
    const int d = g->features;
    Statistics s;
    Gaussian own;
    Error error = {""};
    assert_true(statistics_create(&s, d, &error));
    for (int k = 0; k < n; ++k) {
        float x[16];
        for (int i = 0; i < d; ++i) {
            double value = g->mu[i];
            for (int j = 0; j < rank; ++j)
                value += sin(1 + phase + 3.7 * i + 1.3 * j * j + 0.1 * i * j) *
                         random_normal(set, k, (uint64_t)j);
            x[i] = (float)value;
        }
        statistics_add(&s, x, 1);
    }
    assert_true(statistics_gaussian(&s, &own, &error));
    const double value = distance(&own, g);
    statistics_free(&s);
    gaussian_free(&own);
    return value;
}

/* Fewer images than features, as many, and more; a covariance that is singular, and one that is not. */
static void test_floor_is_that_of_draws(void **state) {
    (void)state;
    enum { D = 6, SETS = 600 };
    const int ranks[] = {9, 9, 9, 3}, images[] = {3, 7, 40, 20};
    for (int i = 0; i < 4; ++i) {
        Gaussian g = product_of(D, ranks[i], 2);
        FrechetFloor floor;
        Error error = {""};
        assert_true(frechet_floor(&g, images[i], SETS, &floor, &error));
        double sum = 0, squares = 0;
        for (int set = 0; set < SETS; ++set) {
            const double value = drawn_distance(&g, ranks[i], 2, images[i], 1000 + set);
            sum += value, squares += value * value;
        }
        const double mean = sum / SETS, deviation = sqrt(squares / SETS - mean * mean);
        expect_near(floor.mean, mean, 4 * deviation * sqrt(2.0 / SETS));
        expect_near(floor.deviation, deviation, 0.2 * deviation);
        gaussian_free(&g);
    }
}

/* Draws of the shipped reference by numpy, 24 sets each, within 3 standard errors of theirs. */
static void test_floor_of_the_shipped_reference(void **state) {
    (void)state;
    static const struct {
        int images;
        double mean, standard_error;
    } known[] = {{100, 30.928, 0.756}, {1000, 2.857, 0.084}, {5000, 0.5613, 0.0149}};
    Gaussian g;
    Error error = {""};
    assert_true(gaussian_read(&g, "weights/fashion-mnist-reference.safetensors", "", &error));
    for (int i = 0; i < 3; ++i) {
        FrechetFloor floor, again;
        assert_true(frechet_floor(&g, known[i].images, frechet_floor_sets(128), &floor, &error));
        assert_true(frechet_floor(&g, known[i].images, frechet_floor_sets(128), &again, &error));
        assert_true(floor.mean == again.mean && floor.deviation == again.deviation);
        expect_near(floor.mean, known[i].mean, 3 * known[i].standard_error);
    }
    assert_true(frechet_few_images(1279, 128) && !frechet_few_images(1280, 128));
    assert_false(frechet_floor(&g, 1, 4, &(FrechetFloor){0}, &error));
    expect_message(&error, "floor of 1 images", NULL);
    gaussian_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_identical),
                                       cmocka_unit_test(test_copies),
                                       cmocka_unit_test(test_diagonal),
                                       cmocka_unit_test(test_golden),
                                       cmocka_unit_test(test_shipped),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_floor_of_one_feature),
                                       cmocka_unit_test(test_floor_is_that_of_draws),
                                       cmocka_unit_test(test_floor_of_the_shipped_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
