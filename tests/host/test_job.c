/* job.h: a job's files are those of its seeds, whatever its batches were and however often it was
 * stopped; the network is a mixture whose samples the sampler's test knows. */
#include "support/files.h"

#include "job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/png_read.h"
#include "io/safetensors.h"
#include "random.h"
#include "support/mixture_network.h"
#include "support/tensors.h"

enum { H = 5, W = 6, C = 3, VALUES = H * W * C, IMAGES = 23, STEPS = 4, FILE_LIMIT = 1 << 20 };

typedef struct {
    Context *ctx;
    MixtureNetwork *net;
    Schedule schedule;
    uint64_t seeds[IMAGES];
} Fixture;

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    Error error = {""};
    assert_non_null(f);
    f->ctx = test_context();
    f->net = mixture_network_create(f->ctx, H, W, C, 4, 0.3, 2);
    assert_true(schedule_edm(&f->schedule, STEPS, 0.002, 80, 7, &error));
    for (int i = 0; i < IMAGES; ++i) f->seeds[i] = 990 + i;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    schedule_free(&f->schedule);
    network_destroy(&f->net->base);
    test_context_close(f->ctx);
    free(f);
    return 0;
}

static JobOptions options_of(Fixture *f, const char *outdir) {
    return (JobOptions){.seeds = {.values = f->seeds, .count = IMAGES},
                        .class_label = JOB_CLASS_OF_SEED,
                        .outdir = outdir,
                        .quiet = true};
}

static bool run(Fixture *f, JobOptions options, int batch, JobResult *result, Error *error) {
    Denoiser denoiser;
    Sampler sampler;
    f->net->images = 0;
    assert_true(denoiser_create(&denoiser, f->ctx, &f->net->base, NULL, 1, batch, error));
    const SamplerOptions ddim = {SOLVER_DDIM, 0.5, &f->schedule};
    assert_true(sampler_create(&sampler, &denoiser, ddim, error));
    const bool ok = job_run(&sampler, &options, result, error);
    context_clear_error(f->ctx);
    sampler_destroy(&sampler);
    denoiser_destroy(&denoiser);
    return ok;
}

static void run_well(Fixture *f, JobOptions options, int batch, int sampled) {
    JobResult result;
    Error error = {""};
    if (!run(f, options, batch, &result, &error)) fail_msg("%s", error.text);
    assert_int_equal(result.sampled, sampled);
    assert_int_equal(result.skipped, IMAGES - sampled);
    assert_int_equal(f->net->images, sampled * STEPS); /* no image is evaluated in vain */
}

static char *image_path(const JobOptions *options, int i) {
    static char path[512];
    Error error = {""};
    assert_true(job_image_path(options, options->seeds.values[i], path, sizeof path, &error));
    return path;
}

/* A file's bytes; free them. */
static char *bytes_of(const char *path, size_t *size) {
    char *data;
    Error error = {""};
    if (!read_file(path, FILE_LIMIT, &data, size, &error)) fail_msg("%s", error.text);
    return data;
}

static void expect_same_file(const char *path, const char *expected) {
    size_t size, expected_size;
    char *data = bytes_of(path, &size), *other = bytes_of(expected, &expected_size);
    if (size != expected_size || memcmp(data, other, size) != 0)
        fail_msg("%s and %s have different bytes", path, expected);
    free(data), free(other);
}

static void expect_same_images(const JobOptions *options, const JobOptions *expected) {
    for (int i = 0; i < IMAGES; ++i) {
        char *path = strdup(image_path(options, i));
        expect_same_file(path, image_path(expected, i));
        free(path);
    }
}

/* ---- what a job makes ---------------------------------------------------------------------------- */

/* The PNG files hold the samples of the tensors file, which are those of the seeds. */
static void images_are_the_samples(void **state) {
    Fixture *f = *state;
    JobOptions options = options_of(f, test_path("images"));
    options.tensors = test_path("tensors.safetensors");
    run_well(f, options, 8, IMAGES);
    Error error = {""};
    float samples[IMAGES * VALUES];
    int64_t labels[IMAGES];
    Safetensors *file = safetensors_open(options.tensors, &error);
    assert_non_null(file);
    assert_true(safetensors_read_floats(file, "samples", samples, IMAGES * VALUES, &error));
    assert_true(safetensors_read_integers(file, "labels", labels, IMAGES, &error));
    safetensors_close(file);
    for (int i = 0; i < IMAGES; ++i) {
        size_t size;
        uint8_t pixels[VALUES];
        char *png = bytes_of(image_path(&options, i), &size);
        assert_true(png_decode(png, size, "an image", pixels, &error));
        free(png);
        assert_int_equal(labels[i], random_label(f->seeds[i], 2));
        for (int k = 0; k < VALUES; ++k) {
            const float value = samples[i * VALUES + k % C * H * W + k / C];
            assert_int_equal(pixels[k], (int)fminf(fmaxf(127.5f * value + 128, 0), 255));
        }
    }
}

/* Images of different classes are on different sides of the origin. */
static void a_class_for_all(void **state) {
    Fixture *f = *state;
    for (int label = 0; label < 2; ++label) {
        JobOptions options = options_of(f, NULL);
        Error error = {""};
        float samples[IMAGES * VALUES];
        options.class_label = label;
        options.tensors = test_path(label == 0 ? "class0.safetensors" : "class1.safetensors");
        run_well(f, options, IMAGES, IMAGES);
        Safetensors *file = safetensors_open(options.tensors, &error);
        assert_non_null(file);
        assert_true(safetensors_read_floats(file, "samples", samples, IMAGES * VALUES, &error));
        safetensors_close(file);
        for (int i = 0; i < IMAGES; ++i) {
            double along = 0;
            for (int k = 0; k < VALUES; ++k)
                along += f->net->direction[k] * samples[i * VALUES + k % C * H * W + k / C];
            assert_true(fabs(along - (label == 0 ? -4 : 4)) < 2);
        }
    }
}

static void the_label_of_a_seed(void **state) {
    (void)state;
    int ones = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        assert_int_equal(job_label(JOB_CLASS_OF_SEED, seed, 2), random_label(seed, 2));
        ones += job_label(JOB_CLASS_OF_SEED, seed, 2);
    }
    assert_in_range(ones, 450, 550);
    assert_int_equal(job_label(1, 5, 2), 1);
    assert_int_equal(job_label(JOB_CLASS_OF_SEED, 5, 0), -1);
    assert_int_equal(job_label(1, 5, 0), -1);
}

/* ---- whatever happened to it --------------------------------------------------------------------- */

static void batches_change_no_byte(void **state) {
    Fixture *f = *state;
    JobOptions whole = options_of(f, test_path("whole")), parts = options_of(f, test_path("parts"));
    whole.grid = test_path("whole.png");
    parts.grid = test_path("parts.png");
    parts.subdirs = true;
    run_well(f, whole, IMAGES, IMAGES);
    run_well(f, parts, 5, IMAGES);
    expect_same_images(&parts, &whole);
    expect_same_file(parts.grid, whole.grid);
    char *path = image_path(&parts, IMAGES - 1);
    assert_string_equal(path + strlen(path) - 17, "001000/001012.png");
}

/* The device fails in the third batch of 5: ten images are there, and only those. */
static void a_stopped_job_ends_with_the_same_bytes(void **state) {
    Fixture *f = *state;
    JobOptions whole = options_of(f, test_path("all")), stopped = options_of(f, test_path("stopped"));
    JobResult result;
    Error error = {""};
    stopped.grid = test_path("stopped.png");
    whole.grid = test_path("all.png");
    run_well(f, whole, IMAGES, IMAGES);
    f->net->fails_at = 10 * STEPS + 7;
    assert_false(run(f, stopped, 5, &result, &error));
    expect_message(&error, "the mixture network was told to fail", NULL);
    assert_int_equal(result.sampled, 10);
    assert_int_equal(count_entries(stopped.outdir), 10);
    assert_int_equal(access(stopped.grid, F_OK), -1);
    f->net->fails_at = -1;
    run_well(f, stopped, 7, IMAGES - 10);
    expect_same_images(&stopped, &whole);
    expect_same_file(stopped.grid, whole.grid);
    run_well(f, stopped, 7, 0);
}

/* An image that is missing, cut short or empty is made again; the others are not touched. */
static void what_is_not_whole_is_made_again(void **state) {
    Fixture *f = *state;
    const JobOptions whole = options_of(f, test_path("good")),
                     damaged = options_of(f, test_path("bad"));
    run_well(f, whole, IMAGES, IMAGES);
    run_well(f, damaged, IMAGES, IMAGES);
    size_t size;
    char *png = bytes_of(image_path(&damaged, 3), &size);
    write_bytes(image_path(&damaged, 3), png, size - 1);
    free(png);
    write_bytes(image_path(&damaged, 9), "", 0);
    assert_int_equal(unlink(image_path(&damaged, 22)), 0);
    struct stat before, after;
    assert_int_equal(stat(image_path(&damaged, 4), &before), 0);
    run_well(f, damaged, IMAGES, 3);
    assert_int_equal(stat(image_path(&damaged, 4), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    expect_same_images(&damaged, &whole);
    assert_int_equal(count_entries(damaged.outdir), IMAGES);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(images_are_the_samples),
        TEST(a_class_for_all),
        TEST(the_label_of_a_seed),
        TEST(batches_change_no_byte),
        TEST(a_stopped_job_ends_with_the_same_bytes),
        TEST(what_is_not_whole_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
