#include "quality/statistics.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

bool statistics_create(Statistics *statistics, int features, Error *error) {
    const size_t d = (size_t)features;
    *statistics = (Statistics){.features = features,
                               .sum = calloc(d, sizeof(double)),
                               .products = calloc(d * d, sizeof(double))};
    if (statistics->sum != NULL && statistics->products != NULL) return true;
    statistics_free(statistics);
    return fail(error, "out of memory for the covariance of %d features", features);
}

void statistics_free(Statistics *statistics) {
    free(statistics->sum);
    free(statistics->products);
    *statistics = (Statistics){.features = 0};
}

/* A row of the products stays in the cache while the images pass by. */
void statistics_add(Statistics *statistics, const float *values, int n) {
    const int d = statistics->features;
    for (int row = 0; row < d; row++) {
        double *products = statistics->products + (size_t)row * d;
        for (int i = 0; i < n; i++) {
            const float *image = values + (size_t)i * d;
            const double value = image[row];
            statistics->sum[row] += value;
            for (int c = row; c < d; c++) products[c] += value * image[c];
        }
    }
    statistics->images += n;
}

bool gaussian_create(Gaussian *gaussian, int features, Error *error) {
    const size_t d = (size_t)features;
    *gaussian = (Gaussian){
        .features = features, .mu = calloc(d, sizeof(double)), .sigma = calloc(d * d, sizeof(double))};
    if (gaussian->mu != NULL && gaussian->sigma != NULL) return true;
    gaussian_free(gaussian);
    return fail(error, "out of memory for the covariance of %d features", features);
}

void gaussian_free(Gaussian *gaussian) {
    free(gaussian->mu);
    free(gaussian->sigma);
    *gaussian = (Gaussian){.features = 0};
}

double gaussian_rounding(const Gaussian *gaussian, double largest) {
    const int d = gaussian->features;
    double square = 0; /* |mu|^2 */
    for (int i = 0; i < d; i++) square += gaussian->mu[i] * gaussian->mu[i];
    return DBL_EPSILON * (d * fmax(largest, 0) + square * (double)gaussian->images / 8);
}

bool statistics_gaussian(const Statistics *statistics, Gaussian *gaussian, Error *error) {
    const int d = statistics->features;
    const double n = (double)statistics->images;
    if (statistics->images < 2)
        return fail(error, "a covariance of %" PRId64 " images: expected at least 2",
                    statistics->images);
    for (int i = 0; i < d; i++)
        if (!isfinite(statistics->sum[i]) || !isfinite(statistics->products[(size_t)i * d + i]))
            return fail(error, "feature %d is infinite or not a number in some image", i);
    if (!gaussian_create(gaussian, d, error)) return false;
    gaussian->images = statistics->images;
    for (int i = 0; i < d; i++) gaussian->mu[i] = statistics->sum[i] / n;
    for (int row = 0; row < d; row++)
        for (int c = row; c < d; c++) {
            /* One of the two factors is a sum, so that a constant feature's covariance is 0. */
            const double products = statistics->products[(size_t)row * d + c];
            const double sigma = (products - statistics->sum[row] * gaussian->mu[c]) / (n - 1);
            gaussian->sigma[(size_t)row * d + c] = gaussian->sigma[(size_t)c * d + row] = sigma;
        }
    return true;
}
