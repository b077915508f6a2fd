/* Scoring images: their features, from a data set or straight from a sampler, into statistics. */
#ifndef KAIROS_SCORE_H
#define KAIROS_SCORE_H

#include "io/dataset.h"
#include "io/seeds.h"
#include "nets/features.h"
#include "quality/statistics.h"
#include "sampler.h"

/* Adds the features of all images of the data set, in their order. */
bool score_dataset(Features *features, Dataset *dataset, Statistics *statistics, bool quiet,
                   Error *error);

/* Called after each batch: a place to save the statistics. */
typedef bool ScoreBatchDone(void *user, const Statistics *statistics, Error *error);

/* Samples an image for each seed, without writing it, and adds its features, in the order of the seeds.
 * The first statistics->images seeds are there already (of a run that was killed).  class_label as in
 * JobOptions.  done may be NULL. */
bool score_sampler(Features *features, Sampler *sampler, const Seeds *seeds, int class_label,
                   Statistics *statistics, ScoreBatchDone *done, void *user, bool quiet, Error *error);

#endif
