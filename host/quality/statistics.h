/* Means and covariances of features, accumulated image by image in double. */
#ifndef KAIROS_STATISTICS_H
#define KAIROS_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Every sum grows image after image in the order they come, whatever the batches, and the product of
 * two float32 is exact in double: so the sums are the same to the last bit however the images are
 * divided, also over a run that was killed and one that goes on from its file. */
typedef struct {
    int features;
    int64_t images;
    double *sum;      /* [features] */
    double *products; /* [features][features]: of each pair; only column >= row is kept */
} Statistics;

bool statistics_create(Statistics *statistics, int features, Error *error); /* of no images */
void statistics_free(Statistics *statistics);

/* values: [n][features]. */
void statistics_add(Statistics *statistics, const float *values, int n);

/* A mean and a covariance, which the Frechet distance compares. */
typedef struct {
    int features;
    int64_t images;    /* that they are of; 0 = not known */
    uint64_t detector; /* hash of the feature network's file; 0 = not known */
    double *mu;        /* [features] */
    double *sigma;     /* [features][features], symmetric */
} Gaussian;

bool gaussian_create(Gaussian *gaussian, int features, Error *error); /* zeros */
void gaussian_free(Gaussian *gaussian);

/* Eigenvalues of sigma below this are 0 up to rounding; `largest`: the largest of them.  sigma is a
 * difference of sums of squares as large as |mu|^2 for each image, and copies of one image round alike:
 * 10,000 copies have eigenvalues of 200 times the precision of double, times |mu|^2; this is six times
 * that. */
double gaussian_rounding(const Gaussian *gaussian, double largest);

/* mu = the mean; sigma = the covariance, divided by images - 1 as in published FID code.  Fails with
 * less than two images, or if a feature is not finite. */
bool statistics_gaussian(const Statistics *statistics, Gaussian *gaussian, Error *error);

#endif
