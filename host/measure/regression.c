#include "measure/regression.h"

#include <lapacke.h>
#include <math.h>

/* Of an eigenvalue of the controls' correlations: below it they are taken for linearly dependent. */
static const double LEAST_EIGENVALUE = 1e-9;
/* Of a control's variance to its mean square: below it, it is rounding. */
static const double LEAST_VARIANCE = 1e-12;

/* Of the controls' sums of squares, `spread` [p][p], whose diagonal has the roots `scale`. */
static bool invert(Regression *r, double *spread, const double *scale, Error *error) {
    const int p = r->controls;
    double eigenvalue[REGRESSION_CONTROLS];
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            spread[i * p + j] =
                scale[i] > 0 && scale[j] > 0 ? spread[i * p + j] / (scale[i] * scale[j]) : 0;
    const lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', p, spread, p, eigenvalue);
    if (info != 0)
        return fail(error, "the eigenvalues of the controls' correlations did not converge (%d)", info);
    for (int k = 0; k < p; k++) {
        if (eigenvalue[k] < LEAST_EIGENVALUE) continue;
        const double *vector = spread + k * p; /* column k; 0 where the scale is */
        r->rank++;
        for (int i = 0; i < p; i++)
            for (int j = 0; j < p; j++)
                if (scale[i] > 0 && scale[j] > 0)
                    r->inverse[i][j] += vector[i] * vector[j] / (eigenvalue[k] * scale[i] * scale[j]);
    }
    return true;
}

bool regression_create(Regression *r, int64_t n, int controls, const double *sums,
                       const double *products, Error *error) {
    const int p = controls;
    double spread[REGRESSION_CONTROLS * REGRESSION_CONTROLS], scale[REGRESSION_CONTROLS];
    *r = (Regression){.n = n, .controls = p};
    if (p == 0) return true;
    for (int i = 0; i < p; i++) r->sample_mean[i] = sums[i] / n;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            spread[i * p + j] = products[i * p + j] - r->sample_mean[i] * sums[j];
    for (int i = 0; i < p; i++) {
        const double variance = spread[i * p + i];
        scale[i] = variance > LEAST_VARIANCE * products[i * p + i] ? sqrt(variance) : 0;
    }
    if (!invert(r, spread, scale, error)) return false;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            r->leverage += r->sample_mean[i] * r->inverse[i][j] * r->sample_mean[j];
    return true;
}

Estimate regression_estimate(const Regression *r, double sum, double square, const double *products) {
    const int p = r->controls;
    const int64_t freedom = r->n - 1 - r->rank;
    Estimate estimate = {sum / r->n, INFINITY};
    double spread = square - sum * sum / r->n; /* in the end, what the controls do not explain */
    double together[REGRESSION_CONTROLS];
    for (int i = 0; i < p; i++) together[i] = products[i] - r->sample_mean[i] * sum;
    for (int i = 0; i < p; i++) {
        double slope = 0;
        for (int j = 0; j < p; j++) slope += r->inverse[i][j] * together[j];
        estimate.mean -= slope * r->sample_mean[i];
        spread -= slope * together[i];
    }
    if (freedom > 0)
        estimate.error = spread > 0 ? sqrt(spread / freedom / r->n * (1 + r->n * r->leverage)) : 0;
    return estimate;
}
