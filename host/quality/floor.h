/* The floor of Frechet distances: what so many images have even if nothing is wrong with them. */
#ifndef KAIROS_FLOOR_H
#define KAIROS_FLOOR_H

#include "quality/statistics.h"

typedef struct {
    double mean;      /* distance of `images` draws from the reference */
    double deviation; /* standard deviation of a single set's; NAN = of one set */
    int sets;         /* of draws, of which this is the mean */
} FrechetFloor;

/* The distance that the mean and covariance (divided by images - 1) of `images` independent draws of
 * the Gaussian `reference` have from it, over `sets` sets of draws of a fixed seed.  Fails with less
 * than 2 images, and where LAPACK does.  Eigenvalues below rounding count as 0; frechet_distance
 * refuses what is clearly negative.
 *
 * No image is drawn.  In the eigenbasis of the reference, with w its eigenvalues, the draws' mean is
 * off by sqrt(w_i / n) z_i, and their covariance is W^1/2 A A^T W^1/2 / (n - 1), where A is Bartlett's
 * triangle of a Wishart matrix (Bartlett 1933; Anderson 2003, section 7.2): normals below a diagonal of
 * chi of n - 1, n - 2, ... degrees of freedom, and no more than n - 1 columns.  So the distance is
 *     sum w_i z_i^2 / n + sum w_i + sum w_i |A_i|^2 / (n - 1) - 2 Tr' (W A) / (n - 1)^1/2
 * with Tr' the sum of the singular values: for any n one values-only decomposition of a matrix of the
 * features' size for each set, and one of the reference. */
bool frechet_floor(const Gaussian *reference, int64_t images, int sets, FrechetFloor *floor,
                   Error *error);

/* As many sets as take little time: 64 up to 256 features (together 1 s), 16 up to 1,024, else 4 (2,048
 * features: half a minute on two processor cores); the more features, the less a set varies. */
int frechet_floor_sets(int features);

/* With fewer images for each feature than this, most of a good model's distance is the floor. */
enum { FRECHET_FEW = 10 };
bool frechet_few_images(int64_t images, int features);
/* A line on the standard error if so. */
void frechet_warn_of_few(int64_t images, int features);

#endif
