/* What a measurement adds up, image by image, and the file that keeps it when the run is killed. */
#ifndef KAIROS_MEASURE_SUMS_H
#define KAIROS_MEASURE_SUMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct {
    int levels;
    size_t directions; /* of the half spectrum, c h (w/2 + 1); 0 = no spectrum */
    int64_t images;    /* added up so far */
    double *sum;       /* [levels]: the images' squared errors */
    double *square;    /* [levels]: their squares */
    double *entropy;   /* [levels][2]: the images' entropies up to each level, and their squares */
    double *rescaled;  /* [levels][2]: the same of the rescaled entropy */
    double *power;     /* [levels][directions]: the errors' power */
    double *amplitude; /* [directions]: the data's amplitude */
    /* Of the control variates (controls.h), unless there are 0 of them: */
    int controls;
    double *control;          /* [controls]: the images' own */
    double *control_product;  /* [controls][controls]: their products with each other, */
    double *control_squared;  /* [levels][controls]: with the squared errors, */
    double *control_entropy;  /* [levels][controls]: with the entropies, */
    double *control_rescaled; /* [levels][controls]: and with the rescaled entropies */
    double *memory;           /* of all these */
} MeasureSums;

bool measure_sums_create(MeasureSums *sums, int levels, size_t directions, int controls,
                         Error *error); /* zeros */
void measure_sums_free(MeasureSums *sums);

/* The file is whole or not there.  `settings`: an object with all that the sums depend on. */
bool measure_sums_write(const MeasureSums *sums, const char *path, const json_t *settings,
                        Error *error);

/* Goes on from the file, if it is there and of any images.  Fails if it is damaged or was made with
 * other settings; any_device as in io/settings.h. */
bool measure_sums_read(MeasureSums *sums, const char *path, json_t *settings, bool any_device,
                       Error *error);

#endif
