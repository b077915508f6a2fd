/* The entropy curve of a model: its squared error at each noise level (curve.json). */
#ifndef KAIROS_CURVE_H
#define KAIROS_CURVE_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "io/safetensors.h"

typedef struct {
    int levels;
    double *sigma; /* [levels], increasing, positive */
    double
        *squared_error; /* [levels]: E||x_0 - D(x_0 + sigma n; sigma)||^2, summed over the dimensions */
    double *standard_error; /* [levels]: of squared_error; 0 where there is no sampling error */
    double *entropy_error;  /* [levels]: of the entropy (order 3, times.h) up to each level; likewise */
    double *rescaled_error; /* [levels]: of the rescaled entropy (order 2) */
    int dims;               /* dimensions of an image */
    long long images;       /* that the error was measured on; 0 = without data */
} Curve;

bool curve_create(Curve *curve, int levels, Error *error); /* zeros */
void curve_free(Curve *curve);

/* Refuses a curve that no schedule can be made of, naming the reason: too few levels (< 4), levels that
 * do not increase, a gap (two neighbours further apart than a factor of 4), NaN, negative values.
 * `name` stands for the curve in messages: its file. */
bool curve_check(const Curve *curve, const char *name, Error *error);

/* Of this, the part about the levels. */
bool curve_check_levels(const double *sigma, int levels, const char *name, Error *error);

/* curve.json: arrays sigma (increasing), squared_error, standard_error, entropy, rescaled_entropy,
 * entropy_error, rescaled_entropy_error; numbers dims, images; object provenance.  The entropies are
 * derived (times.h), so reading ignores them.  Required are sigma, squared_error and dims; errors that
 * are not there are 0.  What was read has passed curve_check. */
bool curve_read(Curve *curve, const char *path, Error *error);
/* The same from a JSON value; `name` stands for the file in messages. */
bool curve_parse(Curve *curve, const json_t *json, const char *name, Error *error);

/* Writes the curve with its entropies, whole or not at all.  Takes curves too coarse for a schedule
 * also (nothing measured is lost), but no NaN and no levels that do not increase.  `provenance`, an
 * object, stays the caller's; NULL = none. */
bool curve_write(const Curve *curve, const char *path, json_t *provenance, Error *error);

/* The spectrum beside a curve: tensors power [T,C,H,W], amplitude [C,H,W], sigma [T]. */
typedef struct {
    int levels, directions; /* directions = C H W */
    double *sigma;          /* [levels] */
    float *power;           /* [levels][directions]: squared error in each Fourier direction */
    float *amplitude;       /* [directions]: mean |x_0| of the data in each direction */
    int c, h, w;
} Spectrum;

/* Where the spectrum of the curve in this file lies: "curve.json" -> "curve.spectrum.safetensors".
 * Allocated; NULL if memory is out. */
char *spectrum_path(const char *curve_path);

/* Refuses levels as curve_check does, and NaN or negative power or amplitude. */
bool spectrum_read(Spectrum *spectrum, const char *path, Error *error);
bool spectrum_parse(Spectrum *spectrum, const Safetensors *file, Error *error);
bool spectrum_write(const Spectrum *spectrum, const char *path, Error *error);
void spectrum_free(Spectrum *spectrum);

#endif
