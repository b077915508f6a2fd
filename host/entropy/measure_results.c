/* What the sums of a measurement say. */
#include <math.h>
#include <stdlib.h>

#include "entropy/measure.h"
#include "entropy/regression.h"

static bool create_regression(const MeasureSums *sums, Regression *regression, Error *error) {
    return regression_create(regression, sums->images, sums->controls, sums->control,
                             sums->control_product, sums->control_mean, error);
}

/* Of an integral of the images' own errors up to a level: sums [levels][2], products with the controls
 * [levels][controls]. */
static Estimate estimate_time(const Regression *regression, const double *sums, const double *products,
                              int level) {
    return regression_estimate(regression, sums[2 * level], sums[2 * level + 1],
                               products + level * regression->controls);
}

bool measure_relative_error(const MeasureSums *sums, double *relative, Error *error) {
    Regression regression;
    if (!create_regression(sums, &regression, error)) return false;
    const Estimate total =
        estimate_time(&regression, sums->rescaled, sums->control_rescaled, sums->levels - 1);
    *relative = total.error > 0 ? total.error / total.mean : 0;
    return true;
}

/* Few images whose controls are far from the whole data set's may extrapolate too far. */
static bool check_positive(const MeasureSums *sums, const Curve *curve, Error *error) {
    for (int i = 0; i < curve->levels; i++)
        if (sums->controls > 0 && curve->squared_error[i] < 0)
            return fail(error,
                        "the control variates take the squared error at noise level %g to %g, below 0: "
                        "measure more than %lld images, or without them",
                        curve->sigma[i], curve->squared_error[i], curve->images);
    return true;
}

bool measure_curve(const MeasureSums *sums, const double *sigma, int dims, Curve *curve, Error *error) {
    Regression regression;
    if (!create_regression(sums, &regression, error) || !curve_create(curve, sums->levels, error))
        return false;
    curve->dims = dims;
    curve->images = sums->images;
    for (int i = 0; i < sums->levels; i++) {
        const Estimate squared = regression_estimate(&regression, sums->sum[i], sums->square[i],
                                                     sums->control_sum + i * sums->controls);
        curve->sigma[i] = sigma[i];
        curve->squared_error[i] = squared.mean;
        curve->standard_error[i] = squared.error;
        curve->entropy_error[i] =
            estimate_time(&regression, sums->entropy, sums->control_entropy, i).error;
        curve->rescaled_error[i] =
            estimate_time(&regression, sums->rescaled, sums->control_rescaled, i).error;
    }
    if (check_positive(sums, curve, error)) return true;
    curve_free(curve);
    return false;
}

/* full[c][ky][kx] = half / images, of which columns beyond w/2 are those of the opposite direction. */
static void expand(const double *half, int64_t images, int c, int h, int w, float *full) {
    const int columns = w / 2 + 1;
    for (int k = 0; k < c; k++)
        for (int ky = 0; ky < h; ky++)
            for (int kx = 0; kx < w; kx++) {
                const bool there = kx < columns;
                const int row = there ? ky : (h - ky) % h, column = there ? kx : w - kx;
                *full++ = (float)(half[((size_t)k * h + row) * columns + column] / images);
            }
}

bool measure_spectrum(const MeasureSums *sums, const double *sigma, int c, int h, int w,
                      Spectrum *spectrum, Error *error) {
    const size_t directions = (size_t)c * h * w, levels = sums->levels;
    *spectrum =
        (Spectrum){.levels = sums->levels, .directions = (int)directions, .c = c, .h = h, .w = w};
    spectrum->sigma = malloc(levels * sizeof *spectrum->sigma);
    spectrum->power = malloc(levels * directions * sizeof *spectrum->power);
    spectrum->amplitude = malloc(directions * sizeof *spectrum->amplitude);
    if (spectrum->sigma == NULL || spectrum->power == NULL || spectrum->amplitude == NULL) {
        spectrum_free(spectrum);
        return fail(error, "out of memory for the spectrum");
    }
    for (size_t i = 0; i < levels; i++) {
        spectrum->sigma[i] = sigma[i];
        expand(sums->power + i * sums->directions, sums->images, c, h, w,
               spectrum->power + i * directions);
    }
    expand(sums->amplitude, sums->images, c, h, w, spectrum->amplitude);
    return true;
}

bool measure_from_logvar(Denoiser *denoiser, const double *sigma, int levels, Curve *curve,
                         Error *error) {
    Context *ctx = denoiser->ctx;
    const Edm2Config *config = &denoiser->net->config;
    const double sd = config->sigma_data;
    if (!curve_create(curve, levels, error)) return false;
    curve->dims = config->img_channels * config->img_resolution * config->img_resolution;
    for (int i = 0; i < levels; i++) {
        const float level = (float)sigma[i];
        float u = 0;
        denoiser_logvar(denoiser, &level, 1, &u);
        curve->sigma[i] = sigma[i];
        curve->squared_error[i] =
            curve->dims * exp(u) * pow(sigma[i] * sd, 2) / (sigma[i] * sigma[i] + sd * sd);
    }
    if (context_ok(ctx)) return true;
    curve_free(curve);
    return fail(error, "%s", context_error(ctx)->text);
}
