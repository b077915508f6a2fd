#include <math.h>

#include "measure/measure.h"

bool measure_from_logvar(Denoiser *denoiser, const double *sigma, int levels, Curve *curve,
                         Error *error) {
    Context *ctx = denoiser->ctx;
    const double sd = denoiser->net->sigma_data;
    if (!curve_create(curve, levels, error)) return false;
    curve->dims = network_values(denoiser->net);
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
