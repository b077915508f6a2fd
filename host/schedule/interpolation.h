/* Monotone cubic interpolation (PCHIP): a cubic between each two points whose slopes at the points are
 * chosen so that it rises wherever the points rise. */
#ifndef KAIROS_INTERPOLATION_H
#define KAIROS_INTERPOLATION_H

#include <stdbool.h>

#include "error.h"

typedef struct {
    int n;
    double *x, *y, *slope; /* [n] each */
} Pchip;

/* Through (x[i], y[i]), which are copied: n >= 2 finite points, x increasing.
 *
 * Slopes: Fritsch and Butland, "A method for constructing local monotone piecewise cubic interpolants",
 * SIAM J. Sci. Stat. Comput. 5 (1984), the weighted harmonic mean of the two secants beside a point, 0
 * at a turn.  Ends: the three-point formula kept in shape, Moler, "Numerical Computing with MATLAB"
 * (2004), section 3.6.  These are the choices of SciPy's PchipInterpolator.  Two points give a straight
 * line. */
bool pchip_create(Pchip *p, const double *x, const double *y, int n, Error *error);
void pchip_free(Pchip *p);

/* The value at x; beyond the ends, the cubic of the end. */
double pchip_at(const Pchip *p, double x);

/* The x at which a nowhere falling interpolant has this value: to rounding, and the end if it is
 * beyond. */
double pchip_solve(const Pchip *p, double value);

/* integral[i] = the interpolant's integral from x[0] to x[i], exactly; [n]. */
void pchip_integrate(const Pchip *p, double *integral);

/* The interpolant's integral from x[0] to any x; `integral` is what pchip_integrate gives. */
double pchip_integral_at(const Pchip *p, const double *integral, double x);

#endif
