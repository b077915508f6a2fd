#include "job.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/grid.h"
#include "io/interrupt.h"
#include "io/png.h"
#include "io/png_queue.h"
#include "io/png_read.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "io/safetensors.h"
#include "layout.h"
#include "random.h"

enum { WRITER_BACKLOG = 1024, GRID_GAP = 2, PNG_FILE_LIMIT = 1 << 30 };

typedef struct {
    Sampler *sampler;
    const JobOptions *options;
    Error *error;
    Seeds pending;
    size_t *place; /* [pending]: number of a pending seed among all */
    int h, w, c, label_dim;
    size_t done; /* pending images sampled */
    bool begun;  /* options->begin has been called */
    /* Of one batch, on the host; pixels also on the device. */
    int32_t *labels;
    uint8_t *pixels, *device_pixels;
    float *values; /* [batch,h,w,c] */
    /* Of all images, as the grid and the tensors file want them; NULL if they are not wanted. */
    uint8_t *all_pixels; /* in the order of the seeds, as all of these */
    int64_t *all_labels;
    float *all_noise, *all_samples;
    PngQueue *queue;
    Progress progress;
    int evaluations, batch_size; /* of the batch being sampled */
} Job;

bool job_image_path(const JobOptions *options, uint64_t seed, char *path, size_t size, Error *error) {
    char name[RUN_NAME];
    run_image_name(seed, options->subdirs, name);
    const int wanted = snprintf(path, size, "%s/%s", options->outdir, name);
    return wanted >= 0 && (size_t)wanted < size
               ? true
               : fail(error, "%s: the path is too long", options->outdir);
}

static size_t image_values(const Job *job) { return (size_t)job->h * job->w * job->c; }

/* Enough to keep up with a GPU that samples a small model: a quarter of the processors. */
static int writer_threads(void) {
    const long quarter = sysconf(_SC_NPROCESSORS_ONLN) / 4;
    return quarter < 2 ? 2 : quarter > 16 ? 16 : (int)quarter;
}

/* ---- before sampling ----------------------------------------------------------------------------- */

/* Makes the folder of a seed's image and clears it of unfinished files, once a folder. */
static bool prepare_folder(Job *job, uint64_t seed, char *last, Error *error) {
    char path[PATH_MAX];
    if (!job_image_path(job->options, seed, path, sizeof path, error)) return false;
    *strrchr(path, '/') = '\0';
    if (strcmp(path, last) == 0) return true;
    snprintf(last, PATH_MAX, "%s", path);
    return make_directories(path, error) && remove_partial_files(path, NULL, error);
}

/* Reads image i of all for the grid. */
static bool read_back(const Job *job, size_t i, const char *path) {
    const size_t values = image_values(job);
    char *data;
    size_t size;
    PngInfo info;
    if (!read_file(path, PNG_FILE_LIMIT, &data, &size, NULL)) return false;
    const bool ok = png_inspect(data, size, path, &info, NULL) && info.height == job->h &&
                    info.width == job->w && info.channels == job->c &&
                    png_decode(data, size, path, job->all_pixels + i * values, NULL);
    free(data);
    return ok;
}

/* Keeps the seeds whose image is not there yet, or not whole. */
static bool find_pending(Job *job) {
    const JobOptions *options = job->options;
    const size_t count = options->seeds.count;
    char folder[PATH_MAX] = "", path[PATH_MAX];
    job->pending.values = malloc((count + 1) * sizeof *job->pending.values);
    job->place = malloc((count + 1) * sizeof *job->place);
    if (options->grid != NULL) job->all_pixels = malloc(count * image_values(job));
    if (job->pending.values == NULL || job->place == NULL ||
        (options->grid != NULL && job->all_pixels == NULL))
        return fail(job->error, "out of memory for %zu seeds and their images on the host", count);
    for (size_t i = 0; i < count; i++) {
        const uint64_t seed = options->seeds.values[i];
        if (options->outdir != NULL) {
            if (!prepare_folder(job, seed, folder, job->error) ||
                !job_image_path(options, seed, path, sizeof path, job->error))
                return false;
            if (options->tensors == NULL && png_is_whole(path) &&
                (options->grid == NULL || read_back(job, i, path)))
                continue;
        }
        job->place[job->pending.count] = i;
        job->pending.values[job->pending.count++] = seed;
    }
    return true;
}

static bool allocate(Job *job) {
    const JobOptions *options = job->options;
    const size_t batch = job->sampler->denoiser->batch, values = image_values(job);
    const size_t all = options->seeds.count;
    const bool pixels = options->outdir != NULL || options->grid != NULL;
    bool ok = (job->labels = malloc(batch * sizeof *job->labels)) != NULL &&
              (job->values = malloc(batch * values * sizeof *job->values)) != NULL;
    if (pixels) {
        ok = ok && (job->pixels = malloc(batch * values)) != NULL;
        job->device_pixels = device_alloc(job->sampler->denoiser->ctx, batch * values);
    }
    if (options->tensors != NULL)
        ok = ok && (job->all_labels = malloc(all * sizeof *job->all_labels)) != NULL &&
             (job->all_noise = malloc(all * values * sizeof(float))) != NULL &&
             (job->all_samples = malloc(all * values * sizeof(float))) != NULL;
    return ok || fail(job->error, "out of memory for %zu images on the host", all);
}

/* ---- a batch ------------------------------------------------------------------------------------- */

static void count_evaluation(void *user) {
    Job *job = user;
    const int nfe = sampler_nfe(job->sampler->options);
    job->evaluations++;
    progress_update(&job->progress, job->progress.start + job->done +
                                        (long long)job->batch_size * job->evaluations / nfe);
}

int32_t job_label(int class_label, uint64_t seed, int label_dim) {
    if (label_dim == 0) return -1;
    return class_label == JOB_CLASS_OF_SEED ? random_label(seed, label_dim) : class_label;
}

static bool begin(Job *job) {
    const JobOptions *options = job->options;
    if (job->begun || options->begin == NULL) return true;
    job->begun = true;
    return options->begin(options->user, job->error);
}

static bool write_image(Job *job, uint64_t seed, const uint8_t *pixels) {
    char path[PATH_MAX];
    return begin(job) && job_image_path(job->options, seed, path, sizeof path, job->error) &&
           png_queue_put(job->queue, path, pixels, job->h, job->w, job->c, job->error);
}

static bool write_images(Job *job, const uint64_t *seeds, int n) {
    Context *ctx = job->sampler->denoiser->ctx;
    const size_t values = image_values(job);
    to_pixels(ctx, tensor_images(job->sampler->x, 0, n), job->device_pixels);
    device_download(ctx, job->pixels, job->device_pixels, n * values);
    if (!context_ok(ctx)) return fail(job->error, "%s", context_error(ctx)->text);
    for (int i = 0; job->all_pixels != NULL && i < n; i++)
        memcpy(job->all_pixels + job->place[job->done + i] * values, job->pixels + i * values, values);
    for (int i = 0; job->queue != NULL && i < n; i++)
        if (job->sampler->nonfinite[i] == 0 && !write_image(job, seeds[i], job->pixels + i * values))
            return false;
    return true;
}

static void keep_tensors(Job *job, int n) {
    Context *ctx = job->sampler->denoiser->ctx;
    const size_t values = image_values(job), at = job->done * values;
    planes_from_pixels(job->values, n, job->h, job->w, job->c, job->all_noise + at);
    device_download(ctx, job->values, job->sampler->x.data, n * values * sizeof(float));
    planes_from_pixels(job->values, n, job->h, job->w, job->c, job->all_samples + at);
    for (int i = 0; i < n; i++) job->all_labels[job->done + i] = job->labels[i];
}

static bool sample_batch(Job *job) {
    Context *ctx = job->sampler->denoiser->ctx;
    const uint64_t *seeds = job->pending.values + job->done;
    const size_t left = job->pending.count - job->done, batch = job->sampler->denoiser->batch;
    const int n = (int)(left < batch ? left : batch);
    const bool tensors = job->options->tensors != NULL;
    job->evaluations = 0;
    job->batch_size = n;
    for (int i = 0; i < n; i++)
        job->labels[i] = job_label(job->options->class_label, seeds[i], job->label_dim);
    sampler_run(job->sampler, seeds, job->labels, n, tensors ? job->values : NULL, count_evaluation,
                job);
    if (job->pixels != NULL && !write_images(job, seeds, n)) return false;
    if (tensors) keep_tensors(job, n);
    device_synchronize(ctx);
    if (!sampler_check(job->sampler, seeds, n, job->error)) return false;
    job->done += n;
    return true;
}

/* ---- after sampling ------------------------------------------------------------------------------ */

static bool write_grid(const Job *job) {
    const GridStyle style = {.gap = GRID_GAP, .scale = job->h < 64 ? 2 : 1, .background = 255};
    Sheet sheet;
    const int n = (int)job->options->seeds.count;
    if (!grid_make(job->all_pixels, n, job->h, job->w, job->c, style, &sheet, job->error)) return false;
    const bool ok = png_write_sheet(job->options->grid, sheet.pixels, sheet.height, sheet.width,
                                    sheet.channels, job->error);
    free(sheet.pixels);
    return ok;
}

static bool write_tensors(const Job *job) {
    const int64_t n = (int64_t)job->done;
    const int64_t c = job->c, h = job->h, w = job->w;
    const SafetensorsTensor tensors[] = {
        {"noise", SAFETENSORS_F32, 4, {n, c, h, w}, job->all_noise},
        {"samples", SAFETENSORS_F32, 4, {n, c, h, w}, job->all_samples},
        {"labels", SAFETENSORS_I64, 1, {n}, job->all_labels},
    };
    return safetensors_write(job->options->tensors, tensors, 3, NULL, 0, job->error);
}

static void release(Job *job) {
    device_free(job->sampler->denoiser->ctx, job->device_pixels);
    void *memory[] = {job->pending.values, job->place,      job->labels,
                      job->values,         job->pixels,     job->all_pixels,
                      job->all_noise,      job->all_labels, job->all_samples};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

bool job_run(Sampler *sampler, const JobOptions *options, JobResult *result, Error *error) {
    const Network *net = sampler->denoiser->net;
    Job job = {.sampler = sampler,
               .options = options,
               .error = error,
               .h = net->h,
               .w = net->w,
               .c = net->c,
               .label_dim = net->label_dim};
    interrupt_watch();
    bool ok = find_pending(&job) && allocate(&job);
    if (ok && options->outdir != NULL) {
        job.queue = png_queue_create(writer_threads(), WRITER_BACKLOG, error);
        ok = job.queue != NULL;
    }
    const long long total = options->seeds.count, skipped = total - job.pending.count;
    const double began = monotonic_seconds();
    if (ok) progress_begin(&job.progress, "sampling", "images", skipped, total, options->quiet);
    while (ok && job.done < job.pending.count) ok = sample_batch(&job);
    /* Images that were sampled are written whatever became of the rest. */
    ok = png_queue_finish(job.queue, ok ? error : NULL) && ok;
    if (job.progress.label != NULL) progress_end(&job.progress);
    interrupt_unwatch();
    ok = ok && begin(&job);
    if (ok && options->grid != NULL) ok = write_grid(&job);
    if (ok && options->tensors != NULL) ok = write_tensors(&job);
    *result = (JobResult){job.done, (size_t)skipped, monotonic_seconds() - began};
    release(&job);
    return ok;
}
