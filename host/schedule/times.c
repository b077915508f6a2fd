#include "schedule/times.h"

#include <math.h>
#include <stdlib.h>

#include "schedule/interpolation.h"

/* ---- integrals ---------------------------------------------------------------------------------- */

typedef struct {
    int n;
    const double *sigma;
    double *log_sigma, *rate, *integrand; /* [n] each; the caller fills rate */
    double low, high;                     /* sigma, where the integral is wanted too */
    double at_low, at_high;               /* it */
} Integrator;

static bool integrator_create(Integrator *g, const double *sigma, int n, Error *error) {
    double *block = malloc((size_t)n * 3 * sizeof(double));
    *g = (Integrator){0};
    if (block == NULL) return fail(error, "out of memory to integrate over %d noise levels", n);
    *g = (Integrator){.n = n,
                      .sigma = sigma,
                      .log_sigma = block,
                      .rate = block + n,
                      .integrand = block + 2 * (size_t)n,
                      .low = sigma[0],
                      .high = sigma[n - 1]};
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
    g->at_low = pchip_integral_at(&cubic, time, log(g->low));
    g->at_high = pchip_integral_at(&cubic, time, log(g->high));
    pchip_free(&cubic);
    return true;
}

/* Of a rate that stays the same from each level to the next. */
static double left_sum_at(const Integrator *g, const double *time, double sigma) {
    int i = 0;
    while (i + 2 < g->n && g->sigma[i + 1] <= sigma) i++;
    return time[i] + g->rate[i] * (sigma - g->sigma[i]);
}

/* time[i] = integral of the rate from sigma[0] to sigma[i]. */
static bool integrate(Integrator *g, IntegrationRule rule, double *time, Error *error) {
    time[0] = 0;
    if (rule == RULE_CUBIC && g->n > 1) return integrate_cubic(g, time, error);
    for (int i = 1; i < g->n; i++)
        time[i] = time[i - 1] + g->rate[i - 1] * (g->sigma[i] - g->sigma[i - 1]);
    g->at_low = left_sum_at(g, time, g->low);
    g->at_high = left_sum_at(g, time, g->high);
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

/* Adds one direction's time, scaled to go from 0 to its weight; returns the weight that was added. */
static double add_direction(double *time, const Integrator *g, const double *own, double weight) {
    const double total = g->at_high - g->at_low;
    /* A direction without error is known before sampling begins: it asks for no step. */
    if (!(total > 0 && weight > 0)) return 0;
    for (int i = 0; i < g->n; i++) time[i] += weight * ((own[i] - g->at_low) / total);
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
        weights += add_direction(time, g, own, spectrum->amplitude[f]);
    }
    if (!(weights > 0))
        return fail(error,
                    "the spectrum has no error in any direction in which the data have amplitude");
    for (int i = 0; i < n; i++) time[i] /= weights;
    return true;
}

bool spectral_time(const Spectrum *spectrum, IntegrationRule rule, double sigma_min, double sigma_max,
                   double *time, Error *error) {
    const int n = spectrum->levels;
    Integrator g;
    if (!integrator_create(&g, spectrum->sigma, n, error)) return false;
    g.low = sigma_min;
    g.high = sigma_max;
    double *own = malloc((size_t)n * sizeof *own);
    const bool ok = own != NULL ? add_directions(spectrum, rule, &g, own, time, error)
                                : fail(error, "out of memory for the time of %d noise levels", n);
    free(own);
    integrator_free(&g);
    return ok;
}

/* ---- schedules ---------------------------------------------------------------------------------- */

/* The levels first to last. */
typedef struct {
    int first, last;
} Part;

/* The least part of n >= 2 levels that goes from sigma_min to sigma_max. */
static Part part_between(const double *sigma, int n, double sigma_min, double sigma_max) {
    Part part = {0, n - 1};
    while (part.first < n - 2 && sigma[part.first + 1] <= sigma_min) part.first++;
    while (part.last > part.first + 1 && sigma[part.last - 1] >= sigma_max) part.last--;
    return part;
}

static bool check_time(const double *sigma, const double *time, Part part, Error *error) {
    for (int i = part.first; i <= part.last; i++) {
        if (!isfinite(time[i]))
            return fail(error, "the time at sigma = %.9g is %g, expected a finite number", sigma[i],
                        time[i]);
        if (i > part.first && time[i] <= time[i - 1])
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

static bool check_ends(const double *sigma, int n, double sigma_min, double sigma_max, Error *error) {
    return check_range(sigma_min, "sigma_min", sigma[0], sigma[n - 1], error) &&
           check_range(sigma_max, "sigma_max", sigma[0], sigma[n - 1], error);
}

/* One level more on either side, if time increases there too: the slopes at the part's own ends are
 * then those of the whole curve. */
static Part with_neighbours(Part part, const double *time, int n) {
    if (part.first > 0 && isfinite(time[part.first - 1]) && time[part.first - 1] < time[part.first])
        part.first--;
    if (part.last < n - 1 && isfinite(time[part.last + 1]) && time[part.last + 1] > time[part.last])
        part.last++;
    return part;
}

bool schedule_from_time(Schedule *schedule, const double *sigma, const double *time, int n, int steps,
                        double sigma_min, double sigma_max, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (n < 2) return fail(error, "%d noise levels: expected 2 or more", n);
    Part part = part_between(sigma, n, sigma_min, sigma_max);
    if (!check_time(sigma, time, part, error) || !check_ends(sigma, n, sigma_min, sigma_max, error))
        return false;
    part = with_neighbours(part, time, n);
    const int count = part.last - part.first + 1;
    Pchip inverse = {0};
    double *log_sigma = malloc((size_t)count * sizeof *log_sigma);
    bool ok = log_sigma != NULL || fail(error, "out of memory for %d noise levels", count);
    for (int i = 0; ok && i < count; i++) log_sigma[i] = log(sigma[part.first + i]);
    ok = ok && schedule_create(schedule, steps, sigma_min, sigma_max, error) &&
         pchip_create(&inverse, time + part.first, log_sigma, count, error) &&
         fill_levels(schedule, &inverse, error);
    pchip_free(&inverse);
    free(log_sigma);
    if (!ok) schedule_free(schedule);
    return ok;
}

/* ---- of a part of a measurement ------------------------------------------------------------------ */

/* What lies further out does not matter, and would only add to the sums: two levels more on either side
 * give the integrand's slopes, and those of its inverse, that the whole would. */
static Part part_to_integrate(const double *sigma, int n, double sigma_min, double sigma_max) {
    const Part part = part_between(sigma, n, sigma_min, sigma_max);
    return (Part){part.first > 2 ? part.first - 2 : 0, part.last < n - 3 ? part.last + 2 : n - 1};
}

bool schedule_from_curve(Schedule *schedule, const Curve *curve, double order, IntegrationRule rule,
                         int steps, double sigma_min, double sigma_max, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (!check_ends(curve->sigma, curve->levels, sigma_min, sigma_max, error)) return false;
    const Part part = part_to_integrate(curve->sigma, curve->levels, sigma_min, sigma_max);
    Curve near = *curve;
    near.levels = part.last - part.first + 1;
    near.sigma += part.first;
    near.squared_error += part.first;
    double *time = malloc((size_t)near.levels * sizeof *time);
    const bool ok =
        (time != NULL || fail(error, "out of memory for %d noise levels", near.levels)) &&
        entropic_time(&near, order, rule, time, error) &&
        schedule_from_time(schedule, near.sigma, time, near.levels, steps, sigma_min, sigma_max, error);
    free(time);
    return ok;
}

bool schedule_from_spectrum(Schedule *schedule, const Spectrum *spectrum, IntegrationRule rule,
                            int steps, double sigma_min, double sigma_max, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (!check_ends(spectrum->sigma, spectrum->levels, sigma_min, sigma_max, error)) return false;
    const Part part = part_to_integrate(spectrum->sigma, spectrum->levels, sigma_min, sigma_max);
    Spectrum near = *spectrum;
    near.levels = part.last - part.first + 1;
    near.sigma += part.first;
    near.power += (size_t)part.first * (size_t)near.directions;
    double *time = malloc((size_t)near.levels * sizeof *time);
    const bool ok =
        (time != NULL || fail(error, "out of memory for %d noise levels", near.levels)) &&
        spectral_time(&near, rule, sigma_min, sigma_max, time, error) &&
        schedule_from_time(schedule, near.sigma, time, near.levels, steps, sigma_min, sigma_max, error);
    free(time);
    return ok;
}
