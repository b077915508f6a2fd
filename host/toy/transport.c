/* process_transport: the distribution itself, step by step.
 *
 * It is held as the masses of cells, each spread evenly over its cell.  A step moves the edges of the
 * cells, which keep their masses because the step without its noise is monotone; then the masses are
 * dealt onto a grid that resolves the noise of this step, and folded with it.
 *
 * To look upon a smooth density as cells inflates its variance: by 1/12 of a squared cell when masses
 * are taken to the middles of cells (Sheppard's correction), and by 1/12 when a cell's mass is spread
 * over it. A step does the first twice, before and after folding, and the second once.  The noise that
 * is folded in is smaller by as much, which leaves errors of fourth order. */
#include <stdlib.h>
#include <string.h>

#include "toy/process_step.h"

enum { CELL_LIMIT = 1 << 20, DETERMINISTIC_CELLS = 1 << 16 };
static const double INFLATION = 4 / 12.0; /* squared cells a step */
static const double REACH = 8.5; /* standard deviations of a Gaussian that matter: beyond lies 2e-17 */

typedef struct {
    int cells;
    double *edge; /* [cells + 1], not decreasing */
    double *mass; /* [cells] */
} Density;

static bool density_create(Density *density, int cells, Error *error) {
    density->cells = cells;
    density->edge = malloc((2 * (size_t)cells + 1) * sizeof *density->edge);
    if (density->edge == NULL) return fail(error, "out of memory for a density of %d cells", cells);
    density->mass = density->edge + cells + 1;
    return true;
}

static void density_free(Density *density) {
    free(density->edge);
    density->edge = NULL;
}

/* The mass of a standard Gaussian between a and b. */
static double gaussian_mass(double a, double b) {
    if (a + b > 0) return gaussian_mass(-b, -a); /* the tail on the left keeps its digits */
    return 0.5 * (erfc(-b * M_SQRT1_2) - erfc(-a * M_SQRT1_2));
}

static bool density_gaussian(Density *density, double deviation, int cells, Error *error) {
    if (!density_create(density, cells, error)) return false;
    for (int i = 0; i <= cells; i++) density->edge[i] = deviation * REACH * (2.0 * i / cells - 1);
    for (int i = 0; i < cells; i++)
        density->mass[i] =
            gaussian_mass(density->edge[i] / deviation, density->edge[i + 1] / deviation);
    return true;
}

/* Deals the masses of `from`, each spread evenly over its cell, onto the intervals between
 * edge[0..count], outside of which nothing may lie.  With `nodes`, each interval's mass goes on to its
 * two ends, so that its centre of mass stays: mass has count + 1 elements then, else count. */
static void deal(const Density *from, const double *edge, int count, bool nodes, double *mass) {
    memset(mass, 0, (size_t)(count + nodes) * sizeof *mass);
    int j = 0;
    for (int i = 0; i < from->cells; i++) {
        const double low = from->edge[i], high = from->edge[i + 1];
        while (j < count - 1 && edge[j + 1] <= low) j++;
        for (int k = j; k < count && (k == j || edge[k] < high); k++) {
            const double a = fmax(low, edge[k]), b = fmin(high, edge[k + 1]);
            const double share = high > low ? from->mass[i] * ((b - a) / (high - low)) : from->mass[i];
            const double right = nodes ? ((a + b) / 2 - edge[k]) / (edge[k + 1] - edge[k]) : 0;
            mass[k] += share * (1 - right);
            if (nodes) mass[k + 1] += share * right;
        }
    }
}

/* out = in folded with a Gaussian that is `deviation` cells wide, in [cells] with `margin` empty cells
 * at both ends. Over the taps outside, over the cells inside: a loop without a sum, which vectorizes.
 */
static void fold(const double *in, int cells, double deviation, int margin, double *out) {
    const double centre = gaussian_mass(-0.5 / deviation, 0.5 / deviation);
    for (int i = 0; i < cells; i++) out[i] = centre * in[i];
    for (int d = 1; d <= margin; d++) {
        const double tap = gaussian_mass((d - 0.5) / deviation, (d + 0.5) / deviation);
        for (int i = d; i < cells; i++) out[i] += tap * in[i - d];
        for (int i = 0; i < cells - d; i++) out[i] += tap * in[i + d];
    }
}

/* Replaces the density by itself folded with a Gaussian of standard deviation `noise`. */
static bool add_noise(Density *density, double noise, int per_noise, Error *error) {
    const int margin = (int)ceil(REACH * per_noise) + 1;
    const double size = noise / per_noise, low = density->edge[0] - margin * size;
    const double needed = (density->edge[density->cells] - density->edge[0]) / size + 2 * margin + 1;
    Density next = {0};
    if (!(needed < CELL_LIMIT))
        return fail(error,
                    "a step adds noise of %g only: its distribution needs %.0f cells, of %d at most; "
                    "take fewer steps, or sample paths",
                    noise, needed, CELL_LIMIT);
    const int cells = (int)needed + 1;
    double *node = malloc(2 * (size_t)cells * sizeof *node), *dealt = node + cells;
    bool ok = node != NULL || fail(error, "out of memory for a density of %d cells", cells);
    if (ok && (ok = density_create(&next, cells, error))) {
        for (int i = 0; i <= cells; i++) next.edge[i] = low + i * size;
        for (int i = 0; i < cells; i++) node[i] = low + (i + 0.5) * size;
        deal(density, node, cells - 1, true, dealt);
        fold(dealt, cells, sqrt(per_noise * (double)per_noise - INFLATION), margin, next.mass);
        density_free(density);
        *density = next;
    }
    free(node);
    return ok;
}

bool process_transport(const Process *process, int cells, const Bins *bins, double *mass,
                       Error *error) {
    /* Without noise no later grid replaces the first. */
    const int first = process->eta > 0 ? 4096 : DETERMINISTIC_CELLS;
    Density density = {0};
    if (!density_gaussian(&density, process->initial, first, error)) return false;
    bool ok = true;
    for (int i = 0; ok && i < process->schedule->steps; i++) {
        const Step step = process_step(process, i);
        for (int k = 0; k <= density.cells; k++)
            density.edge[k] = process_mean(process, step, density.edge[k]);
        if (step.noise > 0) ok = add_noise(&density, step.noise, cells, error);
    }
    if (ok) deal(&density, bins->edge, bins->count, false, mass);
    density_free(&density);
    return ok;
}
