/* The constructor arguments of an EDM2 network, as its model file or a preset states them. */
#ifndef KAIROS_EDM2_CONFIG_H
#define KAIROS_EDM2_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"

enum { EDM2_MAX_LEVELS = 8, EDM2_MAX_ATTENTION = 16, EDM2_MAX_SKIPS = 256 };

typedef struct {
    int img_resolution; /* of square images; divisible by 2^(levels - 1) */
    int img_channels;
    int label_dim; /* classes; 0 = unconditional */
    double sigma_data;
    int logvar_channels; /* Fourier features of the uncertainty head */
    int model_channels;
    int levels;
    int channel_mult[EDM2_MAX_LEVELS]; /* width of level i = model_channels * channel_mult[i] */
    int num_blocks;                    /* a level of the encoder; the decoder has one more */
    int attention_count;
    int attn_resolutions[EDM2_MAX_ATTENTION];
    double label_balance, concat_balance, res_balance, attn_balance; /* t of the sums, Eq. 88, 103 */
    int channels_per_head;
    double clip_act;
} Edm2Config;

/* Reads a JSON object; absent keys get the defaults of the published models (img_resolution,
 * img_channels and label_dim have none).  `name` stands for the source in errors.  Fails on unknown
 * keys, wrong types and values that no network can have. */
bool edm2_config_read(Edm2Config *config, json_t *object, const char *name, Error *error);

/* The same as a JSON object with every key; NULL when out of memory. */
json_t *edm2_config_write(const Edm2Config *config);

#endif
