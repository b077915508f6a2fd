#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nets/weights.h"

typedef struct {
    WeightSource base;
    uint64_t state;
} RandomSource;

/* splitmix64 (Steele, Lea, Flood 2014): a full-period counter with a finalizer, so that each thread
 * makes its part of the numbers. */
static const uint64_t STEP = 0x9E3779B97F4A7C15u;

static uint64_t finalized(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool read_random(WeightSource *self, const char *name, int rank, const int64_t *shape,
                        float *values, Error *error) {
    RandomSource *source = (RandomSource *)self;
    (void)error;
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= shape[i];
    const bool phases = strstr(name, "phases") != NULL, freqs = strstr(name, "freqs") != NULL;
    const double two_pi = 6.283185307179586;
#pragma omp parallel for
    for (int64_t i = 0; i < count; i++) {
        const double u = (finalized(source->state + (i + 1) * STEP) >> 11) * 0x1p-53;
        values[i] = (float)(phases ? two_pi * u : (2 * u - 1) * sqrt(3) * (freqs ? two_pi : 1));
    }
    source->state += count * STEP;
    if (rank == 0) values[0] = 0.5f;
    return true;
}

static bool finish_random(WeightSource *self, Error *error) {
    (void)self;
    (void)error;
    return true;
}

static void close_random(WeightSource *self) { free(self); }

WeightSource *weights_random(Error *error) {
    RandomSource *source = calloc(1, sizeof *source);
    if (source == NULL) {
        fail(error, "out of memory");
        return NULL;
    }
    source->base = (WeightSource){read_random, finish_random, close_random};
    return &source->base;
}
