/* kairos bench: seconds of a network evaluation. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "denoiser.h"
#include "io/json.h"
#include "io/progress.h"

/* Runs that do not count: until the memory is touched and the clocks are up. */
enum { WARM_UP_RUNS = 2 };
static const double WARM_UP_SECONDS = 0.5;

typedef struct {
    Session session;
    int batch, repeat;
    bool json, algorithms;
    json_t *choices; /* cuDNN's, as they are made; NULL = not asked for */
} Bench;

static const OptionsUsage usage = {
    .command = "kairos bench",
    .summary =
        "Times D(x; sigma) with the solver step, as sampling runs it: the seconds of each of --repeat "
        "runs\n"
        "of a batch, after half a second of warming up.  With --algorithms also how cuDNN convolves "
        "each\n"
        "layer.",
    .examples =
        "kairos bench --net weights/fashion-mnist-edm2.safetensors --batch 64\n"
        "kairos bench --net random:edm2-img512-xs --batch 4 --precision bf16 --json\n"};

static int parse(Bench *b, int count, char **arguments) {
    Option options[] = {
        SESSION_OPTION_NET(b->session),
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &b->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "images of a run"},
        {.name = "repeat",
         .kind = OPTION_INT,
         .value = &b->repeat,
         .argument = "N",
         .low = 1,
         .high = 100000,
         .help = "runs that count"},
        {.name = "json",
         .kind = OPTION_FLAG,
         .value = &b->json,
         .help = "print JSON, with each run's seconds"},
        {.name = "algorithms",
         .kind = OPTION_FLAG,
         .value = &b->algorithms,
         .help = "print each layer's algorithm (--engine library)"},
        SESSION_OPTION_PRECISION(b->session),
        SESSION_OPTION_ENGINE(b->session),
        SESSION_OPTION_DEVICE(b->session),
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *seconds, int count) {
    double *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL) return seconds[0];
    for (int i = 0; i < count; i++) sorted[i] = seconds[i];
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    const double middle = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    free(sorted);
    return middle;
}

static void keep_choice(void *user, const ConvolutionChoice *c) {
    json_array_append_new(
        ((Bench *)user)->choices,
        json_pack("{s[iiii] s[iiii] s[iiii] ss ss ss sI}", "x", c->n, c->h, c->w, c->cin, "filter",
                  c->cout, c->size, c->size, c->cin, "filter_in_memory", c->padded_cout, c->size,
                  c->size, c->padded_cin, "precision", session_precisions[c->dtype], "algorithm",
                  c->algorithm, "math", c->math, "workspace_bytes", (json_int_t)c->workspace_bytes));
}

/* A choice a line; the names of its fields are long enough to need no head. */
static void print_choices(const json_t *choices) {
    size_t i;
    json_t *choice;
    json_array_foreach(choices, i, choice) {
        json_dumpf(choice, stdout, JSON_COMPACT);
        printf("\n");
    }
}

static void print_result(const Bench *b, const double *seconds, long long macs) {
    const double middle = median(seconds, b->repeat);
    if (!b->json) {
        printf("%s, batch %d, %s, %s engine: median of %d: %.2f ms, %.1f images/s, %.1f GFLOPS\n",
               b->session.net, b->batch, session_precisions[b->session.precision],
               session_engines[b->session.engine], b->repeat, middle * 1e3, b->batch / middle,
               2e-9 * macs * b->batch / middle);
        print_choices(b->choices);
        return;
    }
    json_t *all = json_array();
    for (int i = 0; i < b->repeat; i++) json_array_append_new(all, json_real(seconds[i]));
    json_t *result = json_pack("{so si ss ss so sf sf}", "net", json_name(b->session.net), "batch",
                               b->batch, "precision", session_precisions[b->session.precision],
                               "engine", session_engines[b->session.engine], "seconds", all, "median",
                               middle, "images_per_second", b->batch / middle);
    if (b->choices != NULL) json_object_set(result, "algorithms", b->choices);
    json_dumpf(result, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(result);
}

static double run_seconds(Denoiser *denoiser, Tensor x) {
    device_synchronize(denoiser->ctx);
    const double began = monotonic_seconds();
    denoiser_set_one_sigma(denoiser, 1);
    denoiser_step(denoiser, x, (SolverStep){.a = 0.5f, .b = 0.5f}, x);
    device_synchronize(denoiser->ctx);
    return monotonic_seconds() - began;
}

/* Times of numbers that are not finite are no times of this network. */
static bool check_state(const Bench *b, const Denoiser *denoiser, Tensor x, Error *error) {
    Context *ctx = denoiser->ctx;
    int32_t *counts = device_alloc(ctx, b->batch * sizeof *counts);
    int32_t *host = malloc(b->batch * sizeof *host);
    int bad = 0;
    if (host == NULL) context_fail(ctx, "out of memory");
    count_nonfinite(ctx, x, counts);
    device_download(ctx, host, counts, b->batch * sizeof *counts);
    for (int i = 0; context_ok(ctx) && i < b->batch; i++) bad += host[i] > 0;
    free(host);
    device_free(ctx, counts);
    if (!context_ok(ctx)) return fail(error, "%s", context_error(ctx)->text);
    return bad == 0 ||
           fail(error,
                "%d of the batch's %d images end with values that are infinite or not a number: %s",
                bad, b->batch, denoiser_overflow_advice(denoiser));
}

/* The seconds of each run; the state is noise, and stays on the device. */
static bool time_runs(const Bench *b, Denoiser *denoiser, Tensor x, double *seconds, Error *error) {
    Context *ctx = denoiser->ctx;
    uint64_t *seeds = device_alloc(ctx, b->batch * sizeof *seeds);
    uint64_t *host_seeds = calloc(b->batch, sizeof *host_seeds);
    const bool memory = host_seeds != NULL;
    if (memory) {
        device_upload(ctx, seeds, host_seeds, b->batch * sizeof *seeds);
        noise_fill(ctx, seeds, 0, 1, x);
        double warm = 0;
        for (int i = 0; context_ok(ctx) && (i < WARM_UP_RUNS || warm < WARM_UP_SECONDS); i++)
            warm += run_seconds(denoiser, x);
        for (int i = 0; i < b->repeat; i++) seconds[i] = run_seconds(denoiser, x);
    }
    free(host_seeds);
    device_free(ctx, seeds);
    if (!memory) return fail(error, "out of memory");
    if (!context_ok(ctx)) return fail(error, "%s", context_error(ctx)->text);
    return check_state(b, denoiser, x, error);
}

static bool run(const Bench *b, Error *error) {
    Context *ctx = b->session.ctx;
    const Network *net = b->session.model.net;
    double *seconds = malloc(b->repeat * sizeof *seconds);
    Denoiser denoiser;
    if (seconds == NULL) return fail(error, "out of memory");
    bool ok = denoiser_create(&denoiser, ctx, net, NULL, 1, b->batch, error);
    if (ok) {
        Tensor x = network_images(net, b->batch);
        x.data = device_alloc(ctx, tensor_bytes(x));
        ok = time_runs(b, &denoiser, x, seconds, error);
        if (ok) print_result(b, seconds, denoiser_plan(ctx, net, NULL, 1, 1).macs);
        device_free(ctx, x.data);
        denoiser_destroy(&denoiser);
    }
    free(seconds);
    return ok;
}

int command_bench(int count, char **arguments) {
    Bench b = {.session = session_defaults(), .batch = 64, .repeat = 10};
    Error error = {""};
    const int status = parse(&b, count, arguments);
    if (status >= 0) return status;
    bool ok = session_open(&b.session, &error);
    if (ok && b.algorithms) {
        b.choices = json_array();
        context_listen(b.session.ctx, keep_choice, &b);
    }
    ok = ok && run(&b, &error);
    session_close(&b.session);
    json_decref(b.choices);
    return ok ? 0 : session_fail("bench", &error);
}
