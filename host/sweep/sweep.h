/* A sweep: every cell of a configuration sampled and scored once, the results appended as they come.
 *
 * The folder then holds
 *   results.jsonl  a cell a line (results.h)         sheets/   the first images of each cell (sheets.h)
 *   sweep.json     the noise levels of each schedule, the distances' floor, what the report says, and
 *                  the cells that failed (sweep_failures.h)
 *   sweep.log      what took how long
 *   report.html    (report.h)                        run.json  what it was made with (manifest.h)
 * Of these, the log and run.json's list of commands alone tell a sweep that was killed and continued
 * from one that was not. */
#ifndef KAIROS_SWEEP_H
#define KAIROS_SWEEP_H

#include "nets/features.h"
#include "quality/statistics.h"
#include "sampler.h"
#include "sweep/sweep_config.h"

typedef struct {
    const SweepConfig *config;
    const char *outdir, *net_name;
    Denoiser *denoiser;
    Features *features;        /* for a batch of the denoiser's */
    const Gaussian *reference; /* of the same features */
    bool quiet;
} Sweep;

/* How far it has come. */
typedef struct {
    int cells, sampled, copied,
        found; /* copied: of a cell with the same noise levels; found: done before */
    int failed;
    Error failure; /* why the first of them failed */
} SweepCounts;

/* Runs the cells that are missing.  Sampling settings that are the same, as two schedules that have the
 * same noise levels, are not sampled twice.  A cell whose images are not finite numbers is counted as
 * failed, and the next one follows: it has no result, so the next run tries it again. */
bool sweep_run(const Sweep *sweep, SweepCounts *counts, Error *error);

/* "OUTDIR/NAME"; `path` has room for PATH_MAX bytes. */
bool sweep_path(const char *outdir, const char *name, char *path, Error *error);
#endif
