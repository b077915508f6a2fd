#include <math.h>

#include "measure/measure.h"

/* err(sigma) from u(sigma). */
static double error_of(double sigma, double sd, int dims, double u) {
    return dims * exp(u) * pow(sigma * sd, 2) / (sigma * sigma + sd * sd);
}

static bool measure_levels(Denoiser *denoiser, Curve *curve, Error *error) {
    const double sd = denoiser->net->sigma_data;
    for (int i = 0; i < curve->levels; i++) {
        const float level = (float)curve->sigma[i];
        float u = 0;
        denoiser_logvar(denoiser, &level, 1, &u);
        if (!context_ok(denoiser->ctx)) return fail(error, "%s", context_error(denoiser->ctx)->text);
        curve->squared_error[i] = error_of(curve->sigma[i], sd, curve->dims, u);
        if (!isfinite(curve->squared_error[i]))
            return fail(
                error,
                "the uncertainty at noise level %g is %g, its squared error %g, expected finite "
                "numbers: %s",
                level, u, curve->squared_error[i], denoiser_overflow_advice(denoiser));
    }
    return true;
}

bool measure_from_logvar(Denoiser *denoiser, const double *sigma, int levels, Curve *curve,
                         Error *error) {
    if (!curve_create(curve, levels, error)) return false;
    curve->dims = network_values(denoiser->net);
    for (int i = 0; i < levels; i++) curve->sigma[i] = sigma[i];
    if (measure_levels(denoiser, curve, error)) return true;
    curve_free(curve);
    return false;
}
