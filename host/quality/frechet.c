#include "quality/frechet.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Eigenvalues below -NEGATIVE times the largest, or below those of a covariance's own rounding, are no
 * rounding errors. */
static const double NEGATIVE = 1e-6;

/* root = the d columns sqrt(w_k) v_k of the eigenvalues and eigenvectors of sigma, so that root root^T
 * = sigma.  What lies below the rounding of the eigenvalues is 0: the square root would make of 1e-16 a
 * 1e-8. root [d][d], row-major. */
static bool square_root(const Gaussian *g, double *root, Error *error) {
    const int d = g->features;
    double *w = malloc(d * sizeof *w);
    if (w == NULL) return fail(error, "out of memory for %d eigenvalues", d);
    memcpy(root, g->sigma, (size_t)d * d * sizeof *root);
    /* A symmetric matrix is its own transpose; by columns, so that LAPACKE makes no copy.  root then
     * holds an eigenvector a column, which is a row here. */
    const lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', d, root, d, w);
    bool ok = info == 0 || fail(error, "the eigenvalues of the covariance did not converge (%d)", info);
    const double rounding = gaussian_rounding(g, w[d - 1]);
    if (ok && w[0] < -fmax(NEGATIVE * w[d - 1], rounding))
        ok = fail(error, "the covariance has the negative eigenvalue %g (the largest is %g)", w[0],
                  w[d - 1]);
    for (int k = 0; ok && k < d; k++) {
        const double scale = w[k] > rounding ? sqrt(w[k]) : 0;
        for (int i = 0; i < d; i++) root[(size_t)k * d + i] *= scale;
    }
    free(w);
    return ok;
}

/* product[i][j] = the dot product of row i of a and row j of b: [d][d] each. */
static void multiply(const double *a, const double *b, int d, double *product) {
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++) {
            double sum = 0;
            for (int k = 0; k < d; k++) sum += a[(size_t)i * d + k] * b[(size_t)j * d + k];
            product[(size_t)i * d + j] = sum;
        }
}

/* With S1 = A A^T and S2 = B B^T, the eigenvalues of S1 S2 are the squared singular values of A^T B, so
 * Tr (S1 S2)^1/2 is the sum of those.  Unlike the square roots of eigenvalues of a product, singular
 * values near 0 are as exact as the others. */
static bool trace_of_root(const Gaussian *a, const Gaussian *b, double *trace, Error *error) {
    const int d = a->features;
    const size_t size = (size_t)d * d;
    double *memory = malloc((3 * size + d) * sizeof *memory), unused;
    if (memory == NULL) return fail(error, "out of memory for covariances of %d features", d);
    double *root_a = memory, *root_b = memory + size, *product = memory + 2 * size;
    double *singular = memory + 3 * size;
    bool ok = square_root(a, root_a, error) && square_root(b, root_b, error);
    if (ok) {
        multiply(root_a, root_b, d, product);
        const lapack_int info =
            LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', d, d, product, d, singular, &unused, 1, &unused, 1);
        ok = info == 0 || fail(error, "the singular values did not converge (%d)", info);
    }
    *trace = 0;
    for (int k = d - 1; ok && k >= 0; k--) *trace += singular[k]; /* the smallest first */
    free(memory);
    return ok;
}

static double trace_of(const Gaussian *g) {
    double trace = 0;
    for (int i = 0; i < g->features; i++) trace += g->sigma[(size_t)i * g->features + i];
    return trace;
}

bool frechet_distance(const Gaussian *a, const Gaussian *b, double *distance, Error *error) {
    const int d = a->features;
    const double trace_a = trace_of(a), trace_b = trace_of(b);
    double means = 0, cross = 0;
    if (b->features != d)
        return fail(error, "statistics of %d features cannot be compared with those of %d", d,
                    b->features);
    if (!trace_of_root(a, b, &cross, error)) return false;
    for (int i = 0; i < d; i++) {
        const double difference = a->mu[i] - b->mu[i];
        means += difference * difference;
    }
    *distance = means + (trace_a + trace_b - 2 * cross);
    /* A distance is not negative, and one of d eigenvalues that are all rounding is 0. */
    if (*distance < d * (gaussian_rounding(a, trace_a) + gaussian_rounding(b, trace_b))) *distance = 0;
    return isfinite(*distance) ||
           fail(error, "the Frechet distance is %g: the statistics are too large", *distance);
}
