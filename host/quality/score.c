#include "quality/score.h"

#include <stdlib.h>

#include "io/interrupt.h"
#include "io/progress.h"
#include "job.h"

/* Adds the features of a batch, which are in `values`, unless the device has failed. */
static bool add(Context *ctx, Statistics *statistics, const float *values, int n, Error *error) {
    if (!context_ok(ctx)) return fail(error, "%s", context_error(ctx)->text);
    statistics_add(statistics, values, n);
    return true;
}

static float *batch_values(const Features *features, Error *error) {
    float *values = malloc((size_t)features->batch * features->net->features * sizeof *values);
    if (values == NULL) fail(error, "out of memory for the features of %d images", features->batch);
    return values;
}

bool score_dataset(Features *features, Dataset *dataset, Statistics *statistics, bool quiet,
                   Error *error) {
    const int64_t images = dataset_info(dataset).images;
    float *values = batch_values(features, error);
    DatasetReader *reader =
        values != NULL ? dataset_reader_create(dataset, 0, images, features->batch, error) : NULL;
    const float *batch;
    bool ok = reader != NULL;
    Progress progress;
    int n = 0;
    if (ok) progress_begin(&progress, "scoring", "images", 0, images, quiet);
    while (ok && (n = dataset_reader_next(reader, &batch, NULL, error)) > 0) {
        features_of_host(features, batch, n, values);
        ok = add(features->ctx, statistics, values, n, error);
        progress_update(&progress, statistics->images);
    }
    if (reader != NULL) progress_end(&progress);
    dataset_reader_destroy(reader);
    free(values);
    return ok && n == 0;
}

/* ---- from a sampler ------------------------------------------------------------------------------ */

typedef struct {
    Features *features;
    Sampler *sampler;
    const Seeds *seeds;
    int class_label;
    Statistics *statistics;
    int32_t *labels; /* of a batch */
    float *values;
    Progress progress;
    int evaluations, n; /* of the batch being sampled */
} Run;

static void count_evaluation(void *user) {
    Run *run = user;
    const int nfe = sampler_nfe(run->sampler->options);
    run->evaluations++;
    progress_update(&run->progress,
                    run->statistics->images + (long long)run->n * run->evaluations / nfe);
}

static bool score_batch(Run *run, Error *error) {
    const int batch = run->sampler->denoiser->batch;
    const int label_dim = run->sampler->denoiser->net->label_dim;
    const uint64_t *seeds = run->seeds->values + run->statistics->images;
    const size_t left = run->seeds->count - (size_t)run->statistics->images;
    run->n = left < (size_t)batch ? (int)left : batch;
    run->evaluations = 0;
    for (int i = 0; i < run->n; i++) run->labels[i] = job_label(run->class_label, seeds[i], label_dim);
    sampler_run(run->sampler, seeds, run->labels, run->n, NULL, count_evaluation, run);
    if (!sampler_check(run->sampler, seeds, run->n, error)) return false;
    features_of(run->features, tensor_images(run->sampler->x, 0, run->n), run->values);
    return add(run->features->ctx, run->statistics, run->values, run->n, error);
}

bool score_sampler(Features *features, Sampler *sampler, const Seeds *seeds, int class_label,
                   Statistics *statistics, ScoreBatchDone *done, void *user, bool quiet, Error *error) {
    Run run = {.features = features,
               .sampler = sampler,
               .seeds = seeds,
               .class_label = class_label,
               .statistics = statistics,
               .labels = malloc(sampler->denoiser->batch * sizeof(int32_t)),
               .values = batch_values(features, error)};
    bool ok = run.values != NULL && (run.labels != NULL || fail(error, "out of memory"));
    if (ok) progress_begin(&run.progress, "scoring", "images", statistics->images, seeds->count, quiet);
    interrupt_watch();
    while (ok && (uint64_t)statistics->images < seeds->count)
        ok = score_batch(&run, error) && (done == NULL || done(user, statistics, error));
    interrupt_unwatch();
    if (run.progress.label != NULL) progress_end(&run.progress);
    free(run.labels);
    free(run.values);
    return ok;
}
