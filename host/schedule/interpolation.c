#include "schedule/interpolation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The slope at a point between intervals of lengths h0, h1 with secants m0, m1. */
static double inner_slope(double h0, double h1, double m0, double m1) {
    if (!((m0 > 0 && m1 > 0) || (m0 < 0 && m1 < 0))) return 0;
    const double w0 = 2 * h1 + h0, w1 = h1 + 2 * h0;
    return (w0 + w1) / (w0 / m0 + w1 / m1);
}

/* The slope at an end: h0, m0 belong to the interval beside it, h1, m1 to the next one. */
static double end_slope(double h0, double h1, double m0, double m1) {
    const double slope = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1);
    if ((slope > 0) != (m0 > 0) || (slope < 0) != (m0 < 0)) return 0;
    const bool turns = (m0 > 0) != (m1 > 0) || (m0 < 0) != (m1 < 0);
    return turns && fabs(slope) > 3 * fabs(m0) ? 3 * m0 : slope;
}

static double length(const Pchip *p, int i) { return p->x[i + 1] - p->x[i]; }
static double secant(const Pchip *p, int i) { return (p->y[i + 1] - p->y[i]) / length(p, i); }

static void find_slopes(Pchip *p) {
    const int last = p->n - 2; /* interval */
    if (last == 0) {
        p->slope[0] = p->slope[1] = secant(p, 0);
        return;
    }
    for (int i = 1; i <= last; i++)
        p->slope[i] = inner_slope(length(p, i - 1), length(p, i), secant(p, i - 1), secant(p, i));
    p->slope[0] = end_slope(length(p, 0), length(p, 1), secant(p, 0), secant(p, 1));
    p->slope[p->n - 1] =
        end_slope(length(p, last), length(p, last - 1), secant(p, last), secant(p, last - 1));
}

bool pchip_create(Pchip *p, const double *x, const double *y, int n, Error *error) {
    *p = (Pchip){0};
    if (n < 2) return fail(error, "%d points to interpolate: expected 2 or more", n);
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i]))
            return fail(error, "point %d to interpolate is (%g, %g): expected finite numbers", i, x[i],
                        y[i]);
        if (i > 0 && x[i] <= x[i - 1])
            return fail(error,
                        "point %d to interpolate is at %.17g, the one before at %.17g: expected "
                        "increasing places",
                        i, x[i], x[i - 1]);
    }
    const size_t size = (size_t)n * sizeof(double);
    double *block = malloc(3 * size);
    if (block == NULL) return fail(error, "out of memory for %d points to interpolate", n);
    *p = (Pchip){n, block, block + n, block + 2 * (size_t)n};
    memcpy(p->x, x, size);
    memcpy(p->y, y, size);
    find_slopes(p);
    return true;
}

void pchip_free(Pchip *p) {
    free(p->x);
    *p = (Pchip){0};
}

/* The last point of `points` (increasing) that is not above the value, and has a successor. */
static int interval_of(const double *points, int n, double value) {
    int low = 0, high = n - 1;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (points[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The coefficients of the cubic of Hermite on interval i: y + s (c1 + s (c2 + s c3)) at a distance s
 * from its left end. */
typedef struct {
    double c1, c2, c3;
} Cubic;

static Cubic cubic_of(const Pchip *p, int i) {
    const double h = length(p, i), m = secant(p, i), d0 = p->slope[i], d1 = p->slope[i + 1];
    return (Cubic){d0, (3 * m - 2 * d0 - d1) / h, (d0 + d1 - 2 * m) / (h * h)};
}

static double cubic(const Pchip *p, int i, double s) {
    const Cubic c = cubic_of(p, i);
    return p->y[i] + s * (c.c1 + s * (c.c2 + s * c.c3));
}

double pchip_at(const Pchip *p, double x) {
    const int i = interval_of(p->x, p->n, x);
    return cubic(p, i, x - p->x[i]);
}

double pchip_solve(const Pchip *p, double value) {
    if (value <= p->y[0]) return p->x[0];
    if (value >= p->y[p->n - 1]) return p->x[p->n - 1];
    const int i = interval_of(p->y, p->n, value);
    double low = 0, high = length(p, i);
    /* Halving ends when no number is left between the two. */
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) return p->x[i] + low;
        if (cubic(p, i, middle) <= value)
            low = middle;
        else
            high = middle;
    }
}

void pchip_integrate(const Pchip *p, double *integral) {
    integral[0] = 0;
    for (int i = 0; i + 1 < p->n; i++) {
        const double h = length(p, i);
        integral[i + 1] =
            integral[i] + h * ((p->y[i] + p->y[i + 1]) / 2 + h * (p->slope[i] - p->slope[i + 1]) / 12);
    }
}

double pchip_integral_at(const Pchip *p, const double *integral, double x) {
    const int i = interval_of(p->x, p->n, x);
    const Cubic c = cubic_of(p, i);
    const double s = x - p->x[i];
    return integral[i] + s * (p->y[i] + s * (c.c1 / 2 + s * (c.c2 / 3 + s * c.c3 / 4)));
}
