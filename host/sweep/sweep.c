#include "sweep/sweep.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "io/grid.h"
#include "io/interrupt.h"
#include "io/png.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "quality/frechet.h"
#include "quality/score.h"
#include "quality/statistics_file.h"
#include "sweep/report.h"
#include "sweep/sheets.h"
#include "sweep/sweep_failures.h"
#include "sweep/sweep_floor.h"
#include "sweep/sweep_levels.h"

static const double REPORT_SECONDS = 60; /* between two reports of a running sweep */

typedef struct {
    const Sweep *sweep;
    SweepCell *cells;
    int cell_count;
    SweepLevelsList levels;
    Results results;
    Progress progress;
    char label[160]; /* of the progress */
    FILE *log;
    double reported; /* when the report was written last */
    long long done;  /* network evaluations of images, of all cells */
    /* the cell being sampled */
    const SweepCell *cell;
    uint8_t *pixels, *device_pixels; /* of a batch */
    uint8_t *sheet;                  /* [count][h][w][c]: the images that the report will show */
    int sheet_count;
    long long seen; /* images scored */
    bool nonfinite; /* it failed because of its images */
    char state[PATH_MAX], state_settings[RESULT_LINE];
    double saved, saving; /* when the cell's sums were saved last, and the seconds that it took */
} Run;

bool sweep_path(const char *outdir, const char *name, char *path, Error *error) {
    return snprintf(path, PATH_MAX, "%s/%s", outdir, name) < PATH_MAX ||
           fail(error, "%s: the path is too long", outdir);
}

/* ---- sheets: the first images of a cell, in one row ---------------------------------------------- */

static bool write_sheet(Run *run, Error *error) {
    const Tensor x = {
        NULL, F32, 1, run->sweep->features->h, run->sweep->features->w, run->sweep->features->c};
    const GridStyle style = {.columns = run->sheet_count, .gap = 1, .background = 128};
    char name[SHEET_NAME], path[PATH_MAX];
    Sheet sheet;
    sheet_name(&run->cell->result, name);
    if (!sweep_path(run->sweep->outdir, name, path, error) ||
        !grid_make(run->sheet, run->sheet_count, x.h, x.w, x.c, style, &sheet, error))
        return false;
    const bool ok = png_write(path, sheet.pixels, sheet.height, sheet.width, sheet.channels, error);
    free(sheet.pixels);
    return ok;
}

/* Takes what the sheet still lacks from the batch that the sampler has just made. */
static bool take_images(Run *run, const Sampler *sampler, int n, Error *error) {
    Context *ctx = sampler->denoiser->ctx;
    const Tensor x = tensor_images(sampler->x, 0, n);
    const size_t image = (size_t)x.h * (size_t)x.w * (size_t)x.c;
    const long long most = run->cell->result.images;
    const int wanted = run->sweep->config->sheet < most ? run->sweep->config->sheet : (int)most;
    const int missing = wanted - run->sheet_count, take = missing < n ? missing : n;
    if (!run->cell->report || take <= 0) return true;
    to_pixels(ctx, x, run->device_pixels);
    device_download(ctx, run->pixels, run->device_pixels, (size_t)n * image);
    if (!context_ok(ctx)) return fail(error, "%s", context_error(ctx)->text);
    memcpy(run->sheet + (size_t)run->sheet_count * image, run->pixels, (size_t)take * image);
    run->sheet_count += take;
    return run->sheet_count < wanted || write_sheet(run, error);
}

/* The sheet of a cell whose images another cell has made. */
static bool copy_sheet(Run *run, const SweepCell *from, const SweepCell *to, Error *error) {
    char name[SHEET_NAME], source[PATH_MAX], target[PATH_MAX], *data;
    size_t size;
    if (!to->report || run->sweep->config->sheet == 0) return true;
    sheet_name(&to->result, name);
    if (!sweep_path(run->sweep->outdir, name, target, error)) return false;
    /* A sweep may have kept no sheets. */
    if (!sheet_find(run->sweep->outdir, &run->results, &from->result, source)) return true;
    if (!read_file(source, 64 << 20, &data, &size, error)) return false;
    const bool ok = write_file_atomically(target, data, size, error);
    free(data);
    return ok;
}

/* ---- a cell -------------------------------------------------------------------------------------- */

/* The sums of a cell that a kill interrupts, saved in at most a twentieth of the time, and after a
 * signal; not before the sheet is there, for its images would be lost. */
static bool save_state(Run *run, const Statistics *statistics, Error *error) {
    const double now = monotonic_seconds();
    const Result *cell = &run->cell->result;
    const bool sheet = !run->cell->report || run->sheet_count >= run->sweep->config->sheet;
    const bool due = interrupt_name() != NULL || now - run->saved >= 1 + 20 * run->saving;
    if (!sheet || statistics->images == cell->images || !due) return true;
    if (!statistics_write(statistics, run->state, run->state_settings, error)) return false;
    run->saved = monotonic_seconds();
    run->saving = run->saved - now;
    return true;
}

static bool load_state(Run *run, Statistics *statistics, Error *error) {
    Statistics saved;
    Error other;
    if (!file_exists(run->state)) return true;
    if (!statistics_create(&saved, statistics->features, error)) return false;
    /* What is of another cell, or of no use, is not an error: this cell begins at its beginning. */
    if (!statistics_read(&saved, run->state, run->state_settings, &other) ||
        saved.images > run->cell->result.images) {
        statistics_free(&saved);
        return true;
    }
    statistics_free(statistics);
    *statistics = saved;
    run->sheet_count = run->sweep->config->sheet;
    return true;
}

typedef struct {
    Run *run;
    Sampler *sampler;
} Batch;

static bool batch_done(void *user, const Statistics *statistics, Error *error) {
    Batch *batch = user;
    Run *run = batch->run;
    const int n = (int)(statistics->images - run->seen);
    run->seen = statistics->images;
    run->done += (long long)n * run->cell->result.nfe;
    if (!take_images(run, batch->sampler, n, error) || !save_state(run, statistics, error))
        return false;
    progress_update(&run->progress, run->done);
    return true;
}

/* Evaluations that need not be made; they do not count for the rate. */
static void skip_work(Run *run, long long evaluations) {
    run->done += evaluations;
    run->progress.start += evaluations;
}

static bool score_cell(Run *run, Sampler *sampler, Statistics *statistics, double *distance,
                       Error *error) {
    const Result *cell = &run->cell->result;
    const Sweep *sweep = run->sweep;
    Seeds seeds = {malloc((size_t)cell->images * sizeof(uint64_t)), (size_t)cell->images};
    if (seeds.values == NULL) return fail(error, "out of memory for %zu seeds", seeds.count);
    for (size_t i = 0; i < seeds.count; i++) seeds.values[i] = cell->first + i;
    Batch batch = {run, sampler};
    Gaussian images = {0};
    run->seen = statistics->images;
    skip_work(run, run->seen * cell->nfe);
    const bool ok = score_sampler(sweep->features, sampler, &seeds, sweep->config->class_label,
                                  statistics, batch_done, &batch, true, error) &&
                    statistics_gaussian(statistics, &images, error) &&
                    frechet_distance(&images, sweep->reference, distance, error);
    gaussian_free(&images);
    free(seeds.values);
    return ok;
}

static bool sample_cell(Run *run, const SweepCell *cell, double *distance, Error *error) {
    const Schedule *schedule = sweep_levels_find(&run->levels, cell->schedule, cell->result.steps);
    const SamplerOptions options = {
        strcmp(cell->result.solver, "heun") == 0 ? SOLVER_HEUN : SOLVER_DDIM, cell->result.eta,
        schedule};
    Sampler sampler;
    Statistics statistics;
    run->cell = cell;
    run->sheet_count = 0;
    run->nonfinite = false;
    result_line(&cell->result, run->state_settings);
    if (!statistics_create(&statistics, run->sweep->features->net->features, error)) return false;
    bool ok = load_state(run, &statistics, error) &&
              sampler_create(&sampler, run->sweep->denoiser, options, error);
    if (ok) {
        ok = score_cell(run, &sampler, &statistics, distance, error);
        run->nonfinite = !ok && sampler_has_nonfinite(&sampler);
        if (!ok && interrupt_name() != NULL) save_state(run, &statistics, error);
        sampler_destroy(&sampler);
    }
    statistics_free(&statistics);
    return ok;
}

/* A cell before this one whose images are the same, and which has its result; or NULL. */
static const SweepCell *find_twin(const Run *run, const SweepCell *cell, const Result **result) {
    const Result *r = &cell->result;
    const Schedule *own = sweep_levels_find(&run->levels, cell->schedule, r->steps);
    for (const SweepCell *other = run->cells; other < cell; other++) {
        const Result *o = &other->result;
        if (o->steps != r->steps || o->first != r->first || o->last != r->last || o->eta != r->eta ||
            strcmp(o->solver, r->solver) != 0)
            continue;
        const Schedule *levels = sweep_levels_find(&run->levels, other->schedule, o->steps);
        if (memcmp(own->sigma, levels->sigma, (size_t)own->steps * sizeof(double)) != 0) continue;
        *result = results_find(&run->results, o);
        if (*result != NULL) return other;
    }
    return NULL;
}

/* ---- all of them --------------------------------------------------------------------------------- */

static void write_log(Run *run, const Result *cell, const char *how, double seconds) {
    char now[32];
    const time_t t = time(NULL);
    struct tm parts;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &parts));
    fprintf(run->log, "%s  %-20s %s eta %-4g NFE %-4d seeds %" PRIu64 "-%" PRIu64 "  %s %.1f s\n", now,
            cell->schedule, cell->solver, cell->eta, cell->nfe, cell->first, cell->last, how, seconds);
    fflush(run->log);
}

static void show_cell(Run *run, int index) {
    const Result *cell = &run->cells[index].result;
    snprintf(run->label, sizeof run->label, "cell %d/%d: %s, %s eta %g, NFE %d", index + 1,
             run->cell_count, cell->schedule, cell->solver, cell->eta, cell->nfe);
    run->progress.label = run->label;
    progress_update(&run->progress, run->done);
}

/* The sweep passes over a cell whose images are not finite.  Fails with the cell's error otherwise. */
static bool pass_over(Run *run, double began, const Error *reason, SweepCounts *counts, Error *error) {
    const Result *cell = &run->cell->result;
    char text[SWEEP_CELL_TEXT], how[sizeof reason->text + 16];
    if (!run->nonfinite) return fail(error, "%s", reason->text);
    sweep_cell_text(cell, text);
    if (counts->failed++ == 0) fail(&counts->failure, "%s: %.800s", text, reason->text);
    snprintf(how, sizeof how, "failed (%s),", reason->text);
    write_log(run, cell, how, monotonic_seconds() - began);
    skip_work(run, (cell->images - run->seen) * cell->nfe);
    unlink(run->state);
    return sweep_failures_add(run->sweep->outdir, cell, reason->text, error);
}

static bool run_cell(Run *run, int index, SweepCounts *counts, Error *error) {
    const SweepCell *cell = &run->cells[index];
    Result result = cell->result;
    if (results_find(&run->results, &result) != NULL) return true;
    const Result *same = NULL;
    const SweepCell *twin = find_twin(run, cell, &same);
    const double began = monotonic_seconds();
    Error reason = {""};
    show_cell(run, index);
    if (twin != NULL) {
        result.distance = same->distance;
        if (!copy_sheet(run, twin, cell, error)) return false;
        skip_work(run, result.images * result.nfe);
    } else if (!sample_cell(run, cell, &result.distance, &reason)) {
        return pass_over(run, began, &reason, counts, error);
    }
    if (!results_append(&run->results, &result, error)) return false;
    unlink(run->state);
    *(twin != NULL ? &counts->copied : &counts->sampled) += 1;
    write_log(run, &result, twin != NULL ? "as its twin," : "sampled,", monotonic_seconds() - began);
    if (monotonic_seconds() - run->reported < REPORT_SECONDS) return true;
    run->reported = monotonic_seconds();
    return report_write(run->sweep->outdir, error);
}

static bool run_cells(Run *run, SweepCounts *counts, Error *error) {
    long long total = 0;
    for (int i = 0; i < run->cell_count; i++) {
        const Result *cell = &run->cells[i].result;
        total += cell->images * cell->nfe;
        if (results_find(&run->results, cell) == NULL) continue;
        run->done += cell->images * cell->nfe;
        counts->found++;
    }
    progress_begin(&run->progress, "sweep", "evaluations", run->done, total, run->sweep->quiet);
    run->reported = monotonic_seconds();
    bool ok = true;
    interrupt_watch();
    for (int i = 0; ok && i < run->cell_count; i++)
        ok = interrupt_check(error) && run_cell(run, i, counts, error);
    interrupt_unwatch();
    run->progress.label = "sweep";
    /* The last cells may have been copied, which draws nothing. */
    run->progress.done = run->done;
    progress_end(&run->progress);
    return ok;
}

static bool allocate(Run *run, Error *error) {
    const Features *f = run->sweep->features;
    const size_t image = (size_t)f->h * (size_t)f->w * (size_t)f->c;
    const size_t batch = (size_t)run->sweep->denoiser->batch * image;
    Context *ctx = run->sweep->denoiser->ctx;
    run->pixels = malloc(batch);
    run->sheet = malloc(((size_t)run->sweep->config->sheet + 1) * image);
    run->device_pixels = device_alloc(ctx, batch);
    if (!context_ok(ctx)) return fail(error, "%s", context_error(ctx)->text);
    return (run->pixels != NULL && run->sheet != NULL) ||
           fail(error, "out of memory for a batch's images");
}

/* What was found for other numbers of images, or for seeds of which some are asked for again, cannot be
 * compared with what is asked for. */
static bool check_seeds(const Run *run, Error *error) {
    const SweepConfig *config = run->sweep->config;
    for (size_t i = 0; i < run->results.count; i++) {
        const Result *r = &run->results.rows[i];
        for (int k = 0; k < config->seeds_count; k++) {
            const SeedRange s = config->seeds[k];
            const bool same = r->first == s.first && r->last == s.last;
            const bool apart = !seeds_overlap((SeedRange){r->first, r->last}, s);
            if (same || (apart && r->last - r->first == s.last - s.first)) continue;
            return fail(error,
                        "%s: has results of the seeds %" PRIu64 "-%" PRIu64
                        ", the configuration asks for %" PRIu64 "-%" PRIu64
                        ": expected the same ranges, or others that are disjoint and as long; choose "
                        "another folder",
                        run->results.path, r->first, r->last, s.first, s.last);
        }
    }
    return true;
}

static bool open_folder(Run *run, Error *error) {
    const char *outdir = run->sweep->outdir;
    char path[PATH_MAX];
    if (!sweep_path(outdir, "sheets", path, error) || !make_directories(path, error) ||
        !remove_partial_files(path, NULL, error) || !remove_partial_files(outdir, NULL, error) ||
        !sweep_path(outdir, "cell.state", run->state, error) ||
        !sweep_path(outdir, RUN_RESULTS, path, error) || !results_open(&run->results, path, error) ||
        !check_seeds(run, error) || !sweep_path(outdir, "sweep.log", path, error))
        return false;
    if (run->results.repaired && !run->sweep->quiet)
        fprintf(stderr, "%s: the last line was cut short and has been removed\n", run->results.path);
    run->log = fopen(path, "a");
    return run->log != NULL || fail(error, "cannot write %s", path);
}

static bool prepare(Run *run, Error *error) {
    const Sweep *sweep = run->sweep;
    return sweep_cells(sweep->config, &run->cells, &run->cell_count, error) &&
           sweep_levels_make(&run->levels, sweep->config, run->cells, run->cell_count, error) &&
           open_folder(run, error) &&
           sweep_levels_keep(&run->levels, sweep->config, sweep->net_name, run->cell_count,
                             sweep->outdir, run->results.count > 0, error) &&
           sweep_floor_keep(sweep->outdir, sweep->reference, run->cells[0].result.images, sweep->quiet,
                            error) &&
           allocate(run, error);
}

bool sweep_run(const Sweep *sweep, SweepCounts *counts, Error *error) {
    Run run = {.sweep = sweep, .results = {.descriptor = -1}};
    *counts = (SweepCounts){0};
    const bool ok =
        prepare(&run, error) && run_cells(&run, counts, error) && report_write(sweep->outdir, error);
    counts->cells = run.cell_count;
    if (run.log != NULL) fclose(run.log);
    results_close(&run.results);
    sweep_levels_free(&run.levels);
    device_free(sweep->denoiser->ctx, run.device_pixels);
    free(run.cells);
    free(run.pixels);
    free(run.sheet);
    return ok;
}
