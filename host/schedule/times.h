/* Entropic time (Stancevic, Handke, Ambrogioni 2025): integrals dT = err / sigma^order dsigma over a
 * curve, and schedules that take equal steps in them. */
#ifndef KAIROS_TIMES_H
#define KAIROS_TIMES_H

#include "schedule/curve.h"
#include "schedule/schedule.h"

#define ORDER_ENTROPIC 3.0 /* H, in nats */
#define ORDER_RESCALED 2.0 /* S */

typedef enum {
    RULE_CUBIC, /* sigma * rate as a monotone cubic (interpolation.h) of ln sigma, integrated exactly */
    RULE_LEFT   /* the plain left Riemann sum over sigma, as in the paper */
} IntegrationRule;

/* The rate err / sigma^order is by definition: dH/dsigma = err / sigma^3 is the derivative of the
 * conditional entropy H(x_0 | x_sigma) (the I-MMSE relation, Guo, Shamai, Verdu 2005), dS/dsigma = err
 * / sigma^2 the paper's rescaled entropy, sigma dH/dsigma.
 *
 * time[i] = integral of err / sigma^order from sigma[0] to sigma[i]; [curve->levels]. */
bool entropic_time(const Curve *curve, double order, IntegrationRule rule, double *time, Error *error);

/* Each direction's rescaled entropy above that at sigma_min, scaled to 1 at sigma_max, averaged by
 * amplitude; [spectrum->levels], negative below sigma_min.  The ends lie in the range of the levels.
 * Directions without error between them, or in which the data have no amplitude, are left out. */
bool spectral_time(const Spectrum *spectrum, IntegrationRule rule, double sigma_min, double sigma_max,
                   double *time, Error *error);

/* `steps` levels from sigma_max down to sigma_min, equally spaced in `time` (ln sigma as a monotone
 * cubic of time), then 0; one step is sigma_max alone.  time: increasing, on the n levels of `sigma`.
 * sigma_min and sigma_max must lie in the curve's range (to a relative 1e-6, so that 0.002 is the end
 * of a curve from 0.0020000000000000005).  Fails if the time does not increase between them. */
bool schedule_from_time(Schedule *schedule, const double *sigma, const double *time, int n, int steps,
                        double sigma_min, double sigma_max, Error *error);

/* The same in entropic_time, and in spectral_time, of those levels alone that lie between the ends or
 * next to them: what is further out changes nothing. */
bool schedule_from_curve(Schedule *schedule, const Curve *curve, double order, IntegrationRule rule,
                         int steps, double sigma_min, double sigma_max, Error *error);
bool schedule_from_spectrum(Schedule *schedule, const Spectrum *spectrum, IntegrationRule rule,
                            int steps, double sigma_min, double sigma_max, Error *error);

#endif
