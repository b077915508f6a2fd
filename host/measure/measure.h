/* A model's squared error at each noise level, measured on data: err(sigma) = E||x_0 - D(x_0 + sigma n;
 * sigma)||^2, summed over an image's dimensions, with the same images and noise at every level. */
#ifndef KAIROS_MEASURE_H
#define KAIROS_MEASURE_H

#include "denoiser.h"
#include "io/dataset.h"
#include "measure/measure_sums.h"
#include "schedule/curve.h"

/* Of fewer images the spread says little: a tolerance counts from MEASURE_LEAST on, control variates
 * (and a tolerance with them) from MEASURE_LEAST_CONTROLLED. */
enum { MEASURE_LEAST = 32, MEASURE_LEAST_CONTROLLED = 100 };

typedef struct {
    const char *name; /* of the data, in messages */
    int levels;
    const double *sigma; /* [levels], increasing */
    int64_t images;      /* most images; at least 2 */
    double tolerance; /* relative standard error of the total rescaled entropy to stop at; 0 = none */
    bool control_variates; /* controls.h; without a spectrum */
    bool without_labels;   /* the network has classes, and the data no labels, on purpose */
    uint64_t seed;         /* of the order; image i of the data gets the noise of seed + i (draw 0) */
    const char *state;     /* file that an unfinished measurement is kept in */
    json_t *settings;      /* all that the sums depend on, an object; may get "devices" */
    bool any_device;       /* io/settings.h */
    double save_seconds;   /* between two writes of that file */
    bool quiet;
} MeasureOptions;

/* Directions of the half spectrum of the network's images, and the device memory that sums of them take
 * at all levels: the extra_bytes of denoiser_create_measuring. */
size_t measure_directions(const Network *net);
size_t measure_spectrum_bytes(const Network *net, int levels);

/* Adds up images until there are enough: batches outermost, so that each is read once, levels inside.
 * The images are taken in a random order (dataset_shuffle by the seed), since those of many data sets
 * are sorted by class: the first n of it are a random sample, which is what the standard errors
 * suppose. An image's noise belongs to its place in the data set, not in the order: of all images,
 * another order is another order of the sums and nothing else. Goes on where the state file says, and
 * leaves it there, as the caller removes it once the results are written.  The sums do not depend on
 * the batch (but a tolerance is only looked at between batches). With a spectral denoiser the sums have
 * directions. */
bool measure_run(Denoiser *denoiser, Dataset *data, const MeasureOptions *options, MeasureSums *sums,
                 Error *error);

/* Relative standard error of the total rescaled entropy, by the spread of the images' own totals, as
 * the errors of the levels are not independent.  INFINITY for fewer than 2 images, and where
 * measure_check fails. */
bool measure_relative_error(const MeasureSums *sums, double *relative, Error *error);

/* Refuses a regression on control variates that gives negative squared errors. */
bool measure_check(const MeasureSums *sums, const MeasureOptions *options, Error *error);

/* Means, with control variates by regression on them; and standard errors of the means and of the
 * entropies up to each level, the latter by the spread of the images' own.  The errors are those of
 * estimates for all images that the data might have had; with control variates, which know the data
 * set's own images, for that set and more noise. */
bool measure_curve(const MeasureSums *sums, const double *sigma, int dims, Curve *curve, Error *error);

/* Means in all directions; c, h, w: of an image. */
bool measure_spectrum(const MeasureSums *sums, const double *sigma, int c, int h, int w,
                      Spectrum *spectrum, Error *error);

/* The curve by the model's own uncertainty u(sigma), without data:
 * err = dims exp(u) (sigma sd)^2 / (sigma^2 + sd^2)  (Karras et al. 2024, Eq. 21: exp(u) is the
 * expected loss, whose weight is the inverse of the last factor). */
bool measure_from_logvar(Denoiser *denoiser, const double *sigma, int levels, Curve *curve,
                         Error *error);

#endif
