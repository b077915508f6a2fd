/* Means and covariances: against two passes in double, in any batches, through files. */
#include "support/files.h"

#include "quality/statistics_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/tensors.h"

enum { IMAGES = 101, FEATURES = 13 };

/* Features whose scales and means differ, as those of a network do; the last is constant. */
static float *features_of_images(void) {
    float *values = random_floats(IMAGES * FEATURES, 7);
    for (int i = 0; i < IMAGES; ++i)
        for (int c = 0; c < FEATURES; ++c) {
            float *v = &values[i * FEATURES + c];
            *v = c == FEATURES - 1 ? 0.3f : 5 + ldexpf(*v, c - 6);
        }
    return values;
}

static Statistics added(const float *values, int batch) {
    Statistics s;
    Error error = {""};
    assert_true(statistics_create(&s, FEATURES, &error));
    for (int i = 0; i < IMAGES; i += batch)
        statistics_add(&s, values + i * FEATURES, IMAGES - i < batch ? IMAGES - i : batch);
    return s;
}

static void test_values(void **state) {
    (void)state;
    float *values = features_of_images();
    Statistics s = added(values, IMAGES);
    Gaussian g;
    Error error = {""};
    assert_true(statistics_gaussian(&s, &g, &error));
    assert_int_equal(g.images, IMAGES);
    double mean[FEATURES] = {0};
    for (int i = 0; i < IMAGES * FEATURES; ++i) mean[i % FEATURES] += values[i] / (double)IMAGES;
    for (int a = 0; a < FEATURES; ++a) {
        assert_true(fabs(g.mu[a] - mean[a]) <= 1e-13 * fabs(mean[a]));
        for (int b = 0; b < FEATURES; ++b) {
            double sum = 0, scale = 0;
            for (int i = 0; i < IMAGES; ++i) {
                const float *v = values + i * FEATURES;
                sum += (v[a] - mean[a]) * (v[b] - mean[b]);
                scale += fabs((double)v[a] * v[b]);
            }
            /* The sum of the products is exact to about 1e-16 of their size. */
            assert_true(fabs(g.sigma[a * FEATURES + b] * (IMAGES - 1) - sum) <= 1e-14 * scale);
            assert_true(g.sigma[a * FEATURES + b] == g.sigma[b * FEATURES + a]);
        }
    }
    gaussian_free(&g), statistics_free(&s), free(values);
}

static void expect_equal(const Statistics *a, const Statistics *b) {
    assert_int_equal(a->images, b->images);
    assert_memory_equal(a->sum, b->sum, FEATURES * sizeof(double));
    assert_memory_equal(a->products, b->products, FEATURES * FEATURES * sizeof(double));
}

/* To the last bit the same however the images are divided, also over files. */
static void test_batches(void **state) {
    (void)state;
    float *values = features_of_images();
    Statistics whole = added(values, IMAGES);
    const int batches[] = {1, 2, 7, 64};
    for (int i = 0; i < 4; ++i) {
        Statistics parts = added(values, batches[i]);
        expect_equal(&parts, &whole);
        statistics_free(&parts);
    }
    const char *path = test_path("sums.safetensors");
    Statistics first, second;
    Error error = {""};
    assert_true(statistics_create(&first, FEATURES, &error));
    assert_true(statistics_create(&second, FEATURES, &error));
    statistics_add(&first, values, 40);
    assert_true(statistics_write(&first, path, "this run", &error));
    assert_false(statistics_read(&second, path, "that run", &error));
    expect_message(&error, path, "begun with other settings", NULL);
    char *text = statistics_settings(path, &error);
    assert_string_equal(text, "this run");
    assert_true(statistics_read(&second, path, text, &error));
    free(text);
    statistics_add(&second, values + 40 * FEATURES, IMAGES - 40);
    expect_equal(&second, &whole);
    statistics_free(&first), statistics_free(&second), statistics_free(&whole), free(values);
}

static void test_refused(void **state) {
    (void)state;
    float values[2 * FEATURES] = {0};
    Statistics s;
    Gaussian g;
    Error error = {""};
    assert_true(statistics_create(&s, FEATURES, &error));
    statistics_add(&s, values, 1);
    assert_false(statistics_gaussian(&s, &g, &error));
    expect_message(&error, "a covariance of 1 images", "at least 2", NULL);
    values[3] = NAN;
    statistics_add(&s, values, 1);
    assert_false(statistics_gaussian(&s, &g, &error));
    expect_message(&error, "feature 3", NULL);
    statistics_free(&s);
}

/* ---- files of reference statistics --------------------------------------------------------------- */

static Gaussian example(void) {
    Gaussian g;
    Error error = {""};
    assert_true(gaussian_create(&g, 2, &error));
    g.images = 60000, g.detector = 0xfedcba9876543210u;
    g.mu[0] = 0.1, g.mu[1] = -3;
    g.sigma[0] = 2, g.sigma[1] = g.sigma[2] = 0.3, g.sigma[3] = 1e-9;
    return g;
}

static void test_file(void **state) {
    (void)state;
    const char *path = test_path("reference.safetensors");
    Gaussian g = example(), again = {0};
    Error error = {""};
    assert_true(gaussian_write(&g, path, &error));
    assert_true(gaussian_read(&again, path, "", &error));
    assert_int_equal(again.features, 2);
    assert_int_equal(again.images, g.images);
    assert_true(again.detector == g.detector);
    assert_memory_equal(again.mu, g.mu, 2 * sizeof(double));
    assert_memory_equal(again.sigma, g.sigma, 4 * sizeof(double));
    gaussian_free(&again);
    assert_false(gaussian_read(&again, path, "test.", &error));
    expect_message(&error, path, "test.mu", NULL);
    gaussian_free(&g);
}

static void expect_refused(Gaussian *g, const char *what) {
    const char *path = test_path("hostile.safetensors");
    Gaussian again;
    Error error = {""};
    assert_true(gaussian_write(g, path, &error));
    assert_false(gaussian_read(&again, path, "", &error));
    expect_message(&error, path, what, NULL);
    gaussian_free(g);
}

static void test_hostile(void **state) {
    (void)state;
    Gaussian g = example();
    g.mu[1] = INFINITY;
    expect_refused(&g, "value 1 of mu is not a finite number");
    g = example();
    g.sigma[2] = NAN;
    expect_refused(&g, "value 2 of sigma is not a finite number");
    g = example();
    g.sigma[2] = 0.4;
    expect_refused(&g, "sigma is not symmetric");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_batches),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_file),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
