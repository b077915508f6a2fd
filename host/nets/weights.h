/* Where a network's weights come from: a model file, or numbers made up for a benchmark. */
#ifndef KAIROS_WEIGHTS_H
#define KAIROS_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "io/safetensors.h"

typedef struct WeightSource WeightSource;
struct WeightSource {
    /* Fills `values` with the tensor `name` as float32, row-major; shape has `rank` sizes.
     * Fails if the source has no such tensor, or one of another shape. */
    bool (*read)(WeightSource *self, const char *name, int rank, const int64_t *shape, float *values,
                 Error *error);
    /* Fails if the source has tensors that were never read: they belong to some other network. */
    bool (*finish)(WeightSource *self, Error *error);
    void (*close)(WeightSource *self);
};

/* Tensors of an open file, which stays the caller's and must outlive the source. */
WeightSource *weights_from_file(const Safetensors *file, Error *error);

/* Uniform weights of variance 1, gains of 0.5: every layer works on numbers of the usual size. */
WeightSource *weights_random(Error *error);

#endif
