#include <math.h>

#include "measure/controls.h"
#include "measure/measure.h"
#include "measure/regression.h"

_Static_assert((int)CONTROLS <= REGRESSION_CONTROLS, "a regression takes the control variates");

static bool create_regression(const MeasureSums *sums, Regression *regression, Error *error) {
    return regression_create(regression, sums->images, sums->controls, sums->control,
                             sums->control_product, error);
}

static Estimate estimate_level(const MeasureSums *sums, const Regression *regression, int level) {
    return regression_estimate(regression, sums->sum[level], sums->square[level],
                               sums->control_squared + level * sums->controls);
}

/* Of an integral of the images' own errors up to a level: sums [levels][2], products with the controls
 * [levels][controls]. */
static Estimate estimate_time(const Regression *regression, const double *sums, const double *products,
                              int level) {
    return regression_estimate(regression, sums[2 * level], sums[2 * level + 1],
                               products + level * regression->controls);
}

/* Few images whose controls are far from the whole data set's may extrapolate too far.  -1 = none. */
static int negative_level(const MeasureSums *sums, const Regression *regression) {
    for (int i = 0; i < sums->levels; i++)
        if (estimate_level(sums, regression, i).mean < 0) return i;
    return -1;
}

bool measure_relative_error(const MeasureSums *sums, double *relative, Error *error) {
    Regression regression;
    if (!create_regression(sums, &regression, error)) return false;
    const Estimate total =
        estimate_time(&regression, sums->rescaled, sums->control_rescaled, sums->levels - 1);
    *relative = total.error > 0 ? total.error / total.mean : 0;
    if (negative_level(sums, &regression) >= 0) *relative = INFINITY;
    return true;
}

bool measure_check(const MeasureSums *sums, const MeasureOptions *options, Error *error) {
    Regression regression;
    if (!create_regression(sums, &regression, error)) return false;
    const int level = negative_level(sums, &regression);
    return level < 0 ||
           fail(error,
                "%s: the control variates take the squared error at noise level %g to %g, below 0: "
                "remove %s, and measure more than %lld images or without them",
                options->name, options->sigma[level], estimate_level(sums, &regression, level).mean,
                options->state, (long long)sums->images);
}

bool measure_curve(const MeasureSums *sums, const double *sigma, int dims, Curve *curve, Error *error) {
    Regression regression;
    if (!create_regression(sums, &regression, error) || !curve_create(curve, sums->levels, error))
        return false;
    curve->dims = dims;
    curve->images = sums->images;
    for (int i = 0; i < sums->levels; i++) {
        const Estimate squared = estimate_level(sums, &regression, i);
        curve->sigma[i] = sigma[i];
        curve->squared_error[i] = squared.mean;
        curve->standard_error[i] = squared.error;
        curve->entropy_error[i] =
            estimate_time(&regression, sums->entropy, sums->control_entropy, i).error;
        curve->rescaled_error[i] =
            estimate_time(&regression, sums->rescaled, sums->control_rescaled, i).error;
    }
    return true;
}
