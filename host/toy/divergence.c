#include "toy/divergence.h"

#include <math.h>
#include <stdlib.h>

bool bins_create(Bins *bins, const Mixture *mixture, int count, Error *error) {
    const bool points = mixture->width == 0;
    bins->count = points ? mixture->components : count;
    bins->edge = malloc(((size_t)bins->count + 1) * sizeof *bins->edge);
    if (bins->edge == NULL) return fail(error, "out of memory for %d bins", bins->count);
    bins->edge[0] = -INFINITY;
    bins->edge[bins->count] = INFINITY;
    for (int i = 1; i < bins->count; i++)
        bins->edge[i] = points ? (mixture->centre[i - 1] + mixture->centre[i]) / 2
                               : mixture_quantile(mixture, (double)i / bins->count);
    return true;
}

void bins_free(Bins *bins) {
    free(bins->edge);
    bins->edge = NULL;
}

int bins_find(const Bins *bins, double x) {
    int low = 0, high = bins->count - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (x < bins->edge[middle + 1])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

double divergence_of_masses(const double *mass, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum -= log(fmax(mass[i], 1e-300) * count);
    return sum / count;
}

double divergence_of_counts(const long long *n, int count, long long total) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum -= log(((double)n[i] + 0.5) / (double)total * count);
    return sum / count;
}
