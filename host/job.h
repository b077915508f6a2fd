/* A sampling job: seeds -> batches -> files.  What is there already is not made again, so a job that
 * was killed resumes where it stopped, and ends with the same bytes. */
#ifndef KAIROS_JOB_H
#define KAIROS_JOB_H

#include <stdint.h>

#include "io/seeds.h"
#include "sampler.h"

enum { JOB_CLASS_OF_SEED = -1 };

/* The label of a seed's image: -1 = the model has none. */
int32_t job_label(int class_label, uint64_t seed, int label_dim);

typedef struct {
    Seeds seeds;
    int class_label;    /* of every image; JOB_CLASS_OF_SEED: each seed's own draw */
    const char *outdir; /* NNNNNN.png (the seed); NULL = none */
    bool subdirs;       /* NNNNNN.png in folders of a thousand seeds, as NVlabs' tools make them */
    const char *grid;   /* a PNG with all images; NULL = none */
    const char
        *tensors; /* safetensors with noise, samples [N,C,H,W] F32 and labels [N] I64; NULL = none */
    bool quiet;   /* no progress */
    /* Called once, before anything is written: with the first image, or if none was missing at the end.
     * NULL = not called. */
    bool (*begin)(void *user, Error *error);
    void *user;
} JobOptions;

typedef struct {
    size_t sampled, skipped; /* images made now, and found whole */
    double seconds;
} JobResult;

/* Samples what is missing.  An image with values that are not finite is not written, nor is anything of
 * the batches after its own: the error names its seed.  For `grid` the images that are there are read
 * back; with `tensors` every image is sampled, since files do not hold what those need. */
bool job_run(Sampler *sampler, const JobOptions *options, JobResult *result, Error *error);

/* "OUTDIR/000007.png", with subdirs "OUTDIR/000000/000007.png"; `path` has room for `size` bytes. */
bool job_image_path(const JobOptions *options, uint64_t seed, char *path, size_t size, Error *error);

#endif
