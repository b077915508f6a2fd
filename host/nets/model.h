/* A model as a user names it: a file of weights, or "random:NAME" for a preset of configs/ with weights
 * made up (for benchmarks). */
#ifndef KAIROS_MODEL_H
#define KAIROS_MODEL_H

#include "nets/network.h"

typedef struct {
    char *name;       /* as it was given */
    char encoder[16]; /* "rgb": samples are images in [-1,1]; "sd-vae": latents */
    uint64_t hash;    /* of the file's config and weights, or of the preset's name */
    Network *net;
} Model;

/* Loads the weights onto the context's device. */
bool model_load(Model *model, Context *ctx, const char *name, DType dtype, Error *error);
void model_free(Model *model);

#endif
