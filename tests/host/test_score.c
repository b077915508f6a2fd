/* quality/score.h: images that are scored as they are sampled count as their PNG files would; batches
 * and stops change no byte of the statistics. */
#include "support/files.h"

#include "quality/score.h"

#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "support/mixture_network.h"
#include "support/tensors.h"

enum { H = 6, W = 8, C = 3, IMAGES = 41, FEATURES = 5, STEPS = 3 };

typedef struct {
    Context *ctx;
    MixtureNetwork *net;
    Schedule schedule;
    uint64_t seed_values[IMAGES];
    Seeds seeds;
    Denoiser denoiser;
    Sampler sampler;
    Features features;
} Fixture;

/* Two layers of made-up weights. */
static const char *feature_network(void) {
    enum { HIDDEN = 4, FIRST = HIDDEN * C * 9, SECOND = FEATURES * HIDDEN * 9 };
    const char *path = test_path("features.safetensors");
    float *weights = random_floats(FIRST + SECOND, 3), bias[FEATURES] = {0.1f, -0.2f, 0.3f};
    const SafetensorsTensor tensors[] = {
        {"conv.0.weight", SAFETENSORS_F32, 4, {HIDDEN, C, 3, 3}, weights},
        {"conv.0.bias", SAFETENSORS_F32, 1, {HIDDEN}, bias},
        {"conv.1.weight", SAFETENSORS_F32, 4, {FEATURES, HIDDEN, 3, 3}, weights + FIRST},
        {"conv.1.bias", SAFETENSORS_F32, 1, {FEATURES}, bias}};
    const SafetensorsText metadata[] = {
        {"architecture", "convnet"}, {"input", "3x6x8 in [-1,1]"}, {"layers", "[[3,4,1],[4,5,2]]"}};
    Error error = {""};
    if (!safetensors_write(path, tensors, 4, metadata, 3, &error)) fail_msg("%s", error.text);
    free(weights);
    return path;
}

static void start(Fixture *f, int batch) {
    Error error = {""};
    const SamplerOptions ddim = {SOLVER_DDIM, 1, &f->schedule};
    assert_true(denoiser_create(&f->denoiser, f->ctx, &f->net->base, NULL, 1, batch, &error));
    assert_true(sampler_create(&f->sampler, &f->denoiser, ddim, &error));
    if (!features_create(&f->features, f->ctx, feature_network(), H, W, C, batch, &error))
        fail_msg("%s", error.text);
}

static void stop(Fixture *f) {
    features_destroy(&f->features);
    sampler_destroy(&f->sampler);
    denoiser_destroy(&f->denoiser);
}

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    Error error = {""};
    assert_non_null(f);
    f->ctx = test_context();
    f->net = mixture_network_create(f->ctx, H, W, C, 3, 0.3, 2);
    assert_true(schedule_edm(&f->schedule, STEPS, 0.002, 80, 7, &error));
    for (int i = 0; i < IMAGES; ++i) f->seed_values[i] = 5 + i;
    f->seeds = (Seeds){.values = f->seed_values, .count = IMAGES};
    start(f, IMAGES);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    stop(f);
    schedule_free(&f->schedule);
    network_destroy(&f->net->base);
    test_context_close(f->ctx);
    free(f);
    return 0;
}

static Statistics empty(void) {
    Statistics statistics;
    Error error = {""};
    assert_true(statistics_create(&statistics, FEATURES, &error));
    return statistics;
}

static void add_samples(Fixture *f, Statistics *statistics) {
    Error error = {""};
    if (!score_sampler(&f->features, &f->sampler, &f->seeds, JOB_CLASS_OF_SEED, statistics, NULL, NULL,
                       true, &error))
        fail_msg("%s", error.text);
    assert_int_equal(statistics->images, IMAGES);
}

static void expect_same_statistics(const Statistics *a, const Statistics *b) {
    assert_int_equal(a->images, b->images);
    assert_memory_equal(a->sum, b->sum, FEATURES * sizeof(double));
    assert_memory_equal(a->products, b->products, FEATURES * FEATURES * sizeof(double));
}

/* ---- tests --------------------------------------------------------------------------------------- */

static void samples_count_as_their_files(void **state) {
    Fixture *f = *state;
    const JobOptions options = {.seeds = f->seeds,
                                .class_label = JOB_CLASS_OF_SEED,
                                .outdir = test_path("images"),
                                .quiet = true};
    Statistics sampled = empty(), filed = empty();
    JobResult result;
    Error error = {""};
    assert_true(job_run(&f->sampler, &options, &result, &error));
    Dataset *data = dataset_open(options.outdir, &error);
    assert_non_null(data);
    assert_true(score_dataset(&f->features, data, &filed, true, &error));
    dataset_close(data);
    add_samples(f, &sampled);
    assert_true(sampled.sum[0] != 0);
    expect_same_statistics(&sampled, &filed);
    statistics_free(&sampled), statistics_free(&filed);
}

static void batches_change_no_byte(void **state) {
    Fixture *f = *state;
    Statistics whole = empty(), parts = empty();
    add_samples(f, &whole);
    stop(f);
    start(f, 7);
    add_samples(f, &parts);
    expect_same_statistics(&parts, &whole);
    statistics_free(&whole), statistics_free(&parts);
}

static bool stop_after_two(void *user, const Statistics *statistics, Error *error) {
    int *batches = user;
    assert_int_equal(statistics->images, 7 * ++*batches);
    if (*batches == 2) strcpy(error->text, "told to stop");
    return *batches < 2;
}

/* The caller stops, and the device fails in the third batch; the rest is scored once. */
static void a_stopped_score_resumes(void **state) {
    Fixture *f = *state;
    Statistics whole = empty(), stopped = empty();
    Error error = {""};
    int batches = 0;
    add_samples(f, &whole);
    stop(f);
    start(f, 7);
    assert_false(score_sampler(&f->features, &f->sampler, &f->seeds, JOB_CLASS_OF_SEED, &stopped,
                               stop_after_two, &batches, true, &error));
    expect_message(&error, "told to stop", NULL);
    assert_int_equal(stopped.images, 14);
    f->net->images = 0;
    f->net->fails_at = 7 * STEPS + 1;
    assert_false(score_sampler(&f->features, &f->sampler, &f->seeds, JOB_CLASS_OF_SEED, &stopped, NULL,
                               NULL, true, &error));
    expect_message(&error, "the mixture network was told to fail", NULL);
    assert_int_equal(stopped.images, 21);
    context_clear_error(f->ctx);
    f->net->images = 0;
    f->net->fails_at = -1;
    add_samples(f, &stopped);
    assert_int_equal(f->net->images, (IMAGES - 21) * STEPS);
    expect_same_statistics(&stopped, &whole);
    statistics_free(&whole), statistics_free(&stopped);
}

static void a_class_counts(void **state) {
    Fixture *f = *state;
    Statistics own = empty(), one = empty();
    Error error = {""};
    add_samples(f, &own);
    assert_true(score_sampler(&f->features, &f->sampler, &f->seeds, 1, &one, NULL, NULL, true, &error));
    assert_memory_not_equal(own.sum, one.sum, FEATURES * sizeof(double));
    statistics_free(&own), statistics_free(&one);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(samples_count_as_their_files),
        TEST(batches_change_no_byte),
        TEST(a_stopped_score_resumes),
        TEST(a_class_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
