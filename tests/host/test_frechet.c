/* The Frechet distance against closed forms, numpy, and the shipped statistics. */
#include "quality/frechet.h"

#include <math.h>
#include <stdlib.h>

#include "support/files.h"

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

/* 0 to within 1e-9 of the traces, also where the covariance is singular or 0. */
static void test_identical(void **state) {
    (void)state;
    const int ranks[] = {40, 12, 5, 1, 0};
    for (int i = 0; i < 5; ++i) {
        Gaussian g = product_of(12, ranks[i], 0);
        expect_near(distance(&g, &g), 0, 1e-9 * trace(&g));
        gaussian_free(&g);
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
    expect_near(distance(&train, &train), 0, 1e-9 * trace(&train));
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_identical),
                                       cmocka_unit_test(test_diagonal), cmocka_unit_test(test_golden),
                                       cmocka_unit_test(test_shipped), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
