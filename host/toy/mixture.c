#include "toy/mixture.h"

#include <math.h>
#include <stdlib.h>

#include "device/philox.h"

static const double NEGLIGIBLE = 40; /* exp(-40) is below double's epsilon */

/* ---- the data ----------------------------------------------------------------------------------- */

/* No tensor of noise is drawn under this number. */
static const int CENTRES = 0x7FFFFFFF;

static uint64_t element(uint64_t repetition, int i) {
    return repetition * MIXTURE_CAPACITY + (uint64_t)i;
}

static double unscaled_centre(MixtureLayout layout, uint64_t seed, uint64_t repetition, int i) {
    if (layout == LAYOUT_RANDOM) return random_normal(seed, CENTRES, element(repetition, i));
    if (layout == LAYOUT_EVEN) return i;
    const double uniform =
        random_block(seed, CENTRES, element(repetition, i)).word[0] * 0x1p-32 + 0x1p-33;
    return i + 0.4 * (2 * uniform - 1);
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Mixture mixture_create(int components, double width, MixtureLayout layout, uint64_t seed,
                       uint64_t repetition) {
    Mixture m = {.components = components, .width = width};
    double mean = 0, variance = 0;
    for (int i = 0; i < components; i++) {
        m.centre[i] = unscaled_centre(layout, seed, repetition, i);
        mean += m.centre[i] / components;
    }
    qsort(m.centre, (size_t)components, sizeof *m.centre, compare);
    for (int i = 0; i < components; i++) {
        m.centre[i] -= mean;
        variance += m.centre[i] * m.centre[i] / components;
    }
    const double scale = components > 1 ? sqrt((1 - width * width) / variance) : 0;
    for (int i = 0; i < components; i++) m.centre[i] *= scale;
    return m;
}

double mixture_cdf(const Mixture *m, double x) {
    double sum = 0;
    for (int i = 0; i < m->components; i++)
        sum += 0.5 * erfc((m->centre[i] - x) / (m->width * M_SQRT2));
    return sum / m->components;
}

double mixture_quantile(const Mixture *m, double p) {
    double low = m->centre[0] - 40 * m->width, high = m->centre[m->components - 1] + 40 * m->width;
    for (int i = 0; i < 200 && low < high; i++) {
        const double middle = low + (high - low) / 2;
        if (middle == low || middle == high) break;
        if (mixture_cdf(m, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* ---- its posterior ------------------------------------------------------------------------------ */

typedef struct {
    double mean, variance;
} Moments;

static int nearest(const Mixture *m, double x) {
    int low = 0, high = m->components - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (2 * x < m->centre[middle] + m->centre[middle + 1])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Which centre x came from, after noise of `variance` about the centres: the moments of the centre. The
 * weight of centre a relative to the nearest, b, is exp(-((x - a)^2 - (x - b)^2) / 2 variance); it
 * falls on both sides of b. */
static Moments posterior(const Mixture *m, double x, double variance) {
    const int n = m->components, near = nearest(m, x);
    const double b = m->centre[near];
    double total = 1, first = 0, second = 0;
    for (int side = -1; side <= 1; side += 2)
        for (int i = near + side; i >= 0 && i < n; i += side) {
            const double d = m->centre[i] - b, exponent = d * (d - 2 * (x - b)) / (2 * variance);
            if (exponent > NEGLIGIBLE) break;
            const double weight = exp(-exponent);
            total += weight;
            first += weight * d;
            second += weight * d * d;
        }
    const double shift = first / total;
    return (Moments){b + shift, second / total - shift * shift};
}

/* Of a Gaussian about a centre a, x_0 given x and a is (sigma^2 a + width^2 x) / (sigma^2 + width^2) on
 * average, with variance width^2 sigma^2 / (sigma^2 + width^2). */
double mixture_denoise(const Mixture *m, double x, double sigma) {
    const double own = m->width * m->width, noise = sigma * sigma, variance = own + noise;
    return (noise * posterior(m, x, variance).mean + own * x) / variance;
}

/* The trapezoidal rule, whose error falls exponentially for such integrands: the posterior variance,
 * which has its poles at a distance of pi sqrt(variance) / (distance of centres) from the axis, or no
 * weight where that is small. */
double mixture_squared_error(const Mixture *m, double sigma) {
    const double own = m->width * m->width, noise = sigma * sigma, variance = own + noise;
    const double step = 0.1, deviation = sqrt(variance);
    const int half = 90;
    double sum = 0, total = 0;
    for (int k = -half; k <= half; k++) {
        const double z = k * step, weight = exp(-z * z / 2);
        for (int i = 0; i < m->components; i++)
            sum += weight * posterior(m, m->centre[i] + deviation * z, variance).variance;
        total += weight * m->components;
    }
    const double shrink = noise / variance;
    return own * shrink + shrink * shrink * sum / total;
}
