#include "entropy/times.h"

#include <math.h>
#include <stdlib.h>

#include "entropy/interpolation.h"

/* ---- integrals ---------------------------------------------------------------------------------- */

typedef struct {
    int n;
    const double *sigma;
    double *log_sigma, *rate, *integrand; /* [n] each; the caller fills rate */
} Integrator;

static bool integrator_create(Integrator *g, const double *sigma, int n, Error *error) {
    double *block = malloc((size_t)n * 3 * sizeof(double));
    *g = (Integrator){0};
    if (block == NULL) return fail(error, "out of memory to integrate over %d noise levels", n);
    *g = (Integrator){n, sigma, block, block + n, block + 2 * (size_t)n};
    for (int i = 0; i < n; i++) g->log_sigma[i] = log(sigma[i]);
    return true;
}

static void integrator_free(Integrator *g) { free(g->log_sigma); }

/* dT = rate dsigma = (sigma rate) d ln sigma: over ln sigma the integrand is smooth on any grid that
 * people measure on, over sigma it is not. */
static bool integrate_cubic(Integrator *g, double *time, Error *error) {
    Pchip cubic;
    for (int i = 0; i < g->n; i++) g->integrand[i] = g->sigma[i] * g->rate[i];
    if (!pchip_create(&cubic, g->log_sigma, g->integrand, g->n, error)) return false;
    pchip_integrate(&cubic, time);
    pchip_free(&cubic);
    return true;
}

/* time[i] = integral of the rate from sigma[0] to sigma[i]. */
static bool integrate(Integrator *g, IntegrationRule rule, double *time, Error *error) {
    time[0] = 0;
    if (rule == RULE_CUBIC && g->n > 1) return integrate_cubic(g, time, error);
    for (int i = 1; i < g->n; i++)
        time[i] = time[i - 1] + g->rate[i - 1] * (g->sigma[i] - g->sigma[i - 1]);
    return true;
}

bool entropic_time(const Curve *curve, double order, IntegrationRule rule, double *time, Error *error) {
    Integrator g;
    if (!integrator_create(&g, curve->sigma, curve->levels, error)) return false;
    for (int i = 0; i < g.n; i++) g.rate[i] = curve->squared_error[i] / pow(curve->sigma[i], order);
    const bool ok = integrate(&g, rule, time, error);
    integrator_free(&g);
    return ok;
}

/* Adds one direction's time, scaled to its weight at sigma_max; returns the weight that was added. */
static double add_direction(double *time, const double *own, int n, double weight) {
    const double total = own[n - 1];
    /* A direction without error is known before sampling begins: it asks for no step. */
    if (!(total > 0 && weight > 0)) return 0;
    for (int i = 0; i < n; i++) time[i] += weight * (own[i] / total);
    return weight;
}

static bool add_directions(const Spectrum *spectrum, IntegrationRule rule, Integrator *g, double *own,
                           double *time, Error *error) {
    const int n = spectrum->levels;
    double weights = 0;
    for (int i = 0; i < n; i++) time[i] = 0;
    for (int f = 0; f < spectrum->directions; f++) {
        for (int i = 0; i < n; i++)
            g->rate[i] = spectrum->power[(size_t)i * (size_t)spectrum->directions + (size_t)f] /
                         (spectrum->sigma[i] * spectrum->sigma[i]);
        if (!integrate(g, rule, own, error)) return false;
        weights += add_direction(time, own, n, spectrum->amplitude[f]);
    }
    if (!(weights > 0))
        return fail(error,
                    "the spectrum has no error in any direction in which the data have amplitude");
    for (int i = 0; i < n; i++) time[i] /= weights;
    return true;
}

bool spectral_time(const Spectrum *spectrum, IntegrationRule rule, double *time, Error *error) {
    const int n = spectrum->levels;
    Integrator g;
    if (!integrator_create(&g, spectrum->sigma, n, error)) return false;
    double *own = malloc((size_t)n * sizeof *own);
    const bool ok = own != NULL ? add_directions(spectrum, rule, &g, own, time, error)
                                : fail(error, "out of memory for the time of %d noise levels", n);
    free(own);
    integrator_free(&g);
    return ok;
}

/* ---- schedules ---------------------------------------------------------------------------------- */

static bool check_time(const double *sigma, const double *time, int n, Error *error) {
    for (int i = 0; i < n; i++) {
        if (!isfinite(time[i]))
            return fail(error, "the time at sigma = %.9g is %g, expected a finite number", sigma[i],
                        time[i]);
        if (i > 0 && time[i] <= time[i - 1])
            return fail(error,
                        "the time does not increase from sigma = %.9g to %.9g: there is no error "
                        "there, or too little of it to count at this order",
                        sigma[i - 1], sigma[i]);
    }
    return true;
}

/* The levels' ends are powers and logarithms that one asks for by their decimal name. */
static bool check_range(double wanted, const char *name, double low, double high, Error *error) {
    const double slack = 1e-6;
    return (wanted >= low * (1 - slack) && wanted <= high * (1 + slack)) ||
           fail(error, "%s is %.9g: the curve goes from %.9g to %.9g", name, wanted, low, high);
}

/* inverse: ln sigma as a function of time. */
static bool fill_levels(Schedule *schedule, const Pchip *inverse, Error *error) {
    const int last = schedule->steps - 1;
    const double start = pchip_solve(inverse, log(schedule->sigma[0]));
    const double end = pchip_solve(inverse, log(schedule->sigma[last]));
    for (int i = 1; i < last; i++)
        schedule->sigma[i] = exp(pchip_at(inverse, start + i * ((end - start) / last)));
    return schedule_finish(schedule, error);
}

bool schedule_from_time(Schedule *schedule, const double *sigma, const double *time, int n, int steps,
                        double sigma_min, double sigma_max, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (!check_time(sigma, time, n, error) ||
        !check_range(sigma_min, "sigma_min", sigma[0], sigma[n - 1], error) ||
        !check_range(sigma_max, "sigma_max", sigma[0], sigma[n - 1], error))
        return false;
    Pchip inverse = {0};
    double *log_sigma = malloc((size_t)n * sizeof *log_sigma);
    bool ok = log_sigma != NULL || fail(error, "out of memory for %d noise levels", n);
    for (int i = 0; ok && i < n; i++) log_sigma[i] = log(sigma[i]);
    ok = ok && schedule_create(schedule, steps, sigma_min, sigma_max, error) &&
         pchip_create(&inverse, time, log_sigma, n, error) && fill_levels(schedule, &inverse, error);
    pchip_free(&inverse);
    free(log_sigma);
    if (!ok) schedule_free(schedule);
    return ok;
}
