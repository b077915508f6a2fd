/* What every command that samples images shares: its options, the model, the noise levels, the sampler.
 */
#ifndef KAIROS_SAMPLING_H
#define KAIROS_SAMPLING_H

#include <jansson.h>

#include "commands/schedule_options.h"
#include "commands/session.h"
#include "io/seeds.h"
#include "sampler.h"

typedef struct {
    /* options, with their defaults */
    Session session;
    const char *seeds_text;
    ScheduleOptions schedule_options;
    int class_label; /* of every image; JOB_CLASS_OF_SEED: each seed's own draw */
    int batch, solver;
    double guidance, eta;
    bool quiet;
    /* read by sampling_check_usage */
    Seeds seeds;
    /* made by sampling_open */
    Schedule schedule;
    /* made by sampling_start */
    Denoiser denoiser;
    Sampler sampler;
} Sampling;

Sampling sampling_defaults(void);

/* Fills `options`, which has room for SAMPLING_OPTIONS, with the entries of a command's table of
 * options; returns how many there are.  The first is --net. */
enum { SAMPLING_OPTIONS = 24 };
int sampling_options(Sampling *sampling, Option *options);

/* Reads the list of seeds, and refuses wrong usage that the table of options cannot see. */
bool sampling_check_usage(Sampling *sampling, Error *error);

/* Chooses the noise levels, opens the device and loads the models. */
bool sampling_open(Sampling *sampling, Error *error);

/* Everything that the images depend on, for run.json; NULL when out of memory. */
json_t *sampling_settings(const Sampling *sampling);

/* What run.json tells besides: the models' names, how the noise levels were made, steps and NFE.  NULL
 * with `error` filled. */
json_t *sampling_describe(const Sampling *sampling, Error *error);

/* Takes the memory of the denoiser and the sampler. */
bool sampling_start(Sampling *sampling, Error *error);

/* Also after a failure, however far it came. */
void sampling_close(Sampling *sampling);

#endif
