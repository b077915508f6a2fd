/* kairos toy: one-dimensional experiments with a perfect network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "io/file.h"
#include "io/json.h"
#include "io/options.h"
#include "io/outputs.h"
#include "schedule/times.h"
#include "toy/experiment.h"
#include "version.h"

static const char *const sdes[] = {"edm", "vp", NULL}; /* in the order of ToySde */
static const char *const data_kinds[] = {"points", "gaussians", NULL};
static const char *const layouts[] = {"random", "jittered", "even", NULL}; /* MixtureLayout */
static const char *const methods[] = {"paths", "exact", NULL}; /* index = ToyOptions.exact */
enum { POINTS, GAUSSIANS };
enum { LEAST_IN_A_BIN = 10 };

typedef struct {
    ToyOptions toy;
    int data, layout, sde, method;
    double width;
    const char *times, *out;
    bool force;
    OptionDoubles orders, steps;
    int64_t samples, seed;
    bool quiet;
} Toy;

static const OptionsUsage usage = {
    .command = "kairos toy",
    .summary =
        "Samples mixtures of points or of Gaussians on the line (mean 0, standard deviation 1), whose\n"
        "denoiser is known exactly, in few steps of stochastic DDIM.  Prints KL(data || samples) for\n"
        "equal steps in several times: the process's own (standard), EDM's, entropic, rescaled.",
    .examples =
        "kairos toy --data points --components 15 --sde vp --steps 4,8,16,32 --out points.json\n"
        "kairos toy --data gaussians --width 0.2 --method exact --order 2.25,2.5,2.75\n"
        "scripts/plot_toy.py points.json --out points.png\n"};

static Toy defaults(void) {
    Toy t = {.toy = {.components = 5, .eta = 1, .repetitions = 100, .bins = 128},
             .width = 0.1,
             .times = "standard,edm,entropic,rescaled",
             .steps = {7, {4, 8, 12, 16, 24, 32, 64}},
             .samples = 10000};
    return t;
}

static int parse(Toy *t, int count, char **arguments) {
    Option options[] = {
        {.name = "data",
         .kind = OPTION_CHOICE,
         .value = &t->data,
         .choices = data_kinds,
         .help = "what the mixture is of, all of equal weight"},
        {.name = "components",
         .kind = OPTION_INT,
         .value = &t->toy.components,
         .argument = "K",
         .low = 2,
         .high = MIXTURE_CAPACITY,
         .help = "how many"},
        {.name = "width",
         .kind = OPTION_DOUBLE,
         .value = &t->width,
         .argument = "C",
         .low = 1e-3,
         .high = 0.99,
         .help = "standard deviation of each Gaussian; the mixture's is 1"},
        {.name = "layout",
         .kind = OPTION_CHOICE,
         .value = &t->layout,
         .choices = layouts,
         .help = "random: centres drawn anew in each repetition, the even ones moved by up to 0.4 of a "
                 "spacing"},
        {.name = "sde",
         .kind = OPTION_CHOICE,
         .value = &t->sde,
         .choices = sdes,
         .help = "edm: variance exploding, sigma = t; vp: variance preserving"},
        {.name = "sigma_min",
         .kind = OPTION_DOUBLE,
         .value = &t->toy.sigma_min,
         .argument = "S",
         .low = 1e-6,
         .high = 1e6,
         .default_text = "0.002; vp: 0.0105",
         .help = "lowest noise level before 0"},
        {.name = "sigma_max",
         .kind = OPTION_DOUBLE,
         .value = &t->toy.sigma_max,
         .argument = "S",
         .low = 1e-6,
         .high = 1e6,
         .default_text = "80; vp: 152",
         .help = "highest noise level"},
        {.name = "eta",
         .kind = OPTION_DOUBLE,
         .value = &t->toy.eta,
         .argument = "E",
         .low = 0,
         .high = 1,
         .help = "of ddim: 0 deterministic, 1 stochastic"},
        {.name = "schedule",
         .kind = OPTION_TEXT,
         .value = &t->times,
         .argument = "LIST",
         .help = "of standard, edm, entropic, rescaled"},
        {.name = "order",
         .kind = OPTION_DOUBLES,
         .value = &t->orders,
         .argument = "LIST",
         .low = -10,
         .high = 10,
         .default_text = "",
         .help = "besides: equal steps in the integral of err / sigma^P"},
        {.name = "steps",
         .kind = OPTION_DOUBLES,
         .value = &t->steps,
         .argument = "LIST",
         .low = 1,
         .high = 1000,
         .default_text = "4,8,12,16,24,32,64",
         .help = "numbers of steps, one evaluation each"},
        {.name = "method",
         .kind = OPTION_CHOICE,
         .value = &t->method,
         .choices = methods,
         .help = "paths: sampled, as in the paper; exact: the distribution carried along, no sampling "
                 "error"},
        {.name = "samples",
         .kind = OPTION_INT64,
         .value = &t->samples,
         .argument = "N",
         .low = 1,
         .high = 1e12,
         .help = "paths of a repetition"},
        {.name = "repetitions",
         .kind = OPTION_INT,
         .value = &t->toy.repetitions,
         .argument = "N",
         .low = 1,
         .high = 1000000,
         .help = "that mean and variance are of"},
        {.name = "bins",
         .kind = OPTION_INT,
         .value = &t->toy.bins,
         .argument = "N",
         .low = 2,
         .high = 100000,
         .help = "of equal probability, for Gaussians; points have a bin each"},
        {.name = "seed",
         .kind = OPTION_INT64,
         .value = &t->seed,
         .argument = "N",
         .low = 0,
         .high = 4294967295.0,
         .help = "of centres and noise"},
        {.name = "threads",
         .kind = OPTION_INT,
         .value = &t->toy.threads,
         .argument = "N",
         .low = 1,
         .high = 256,
         .default_text = "one for each core",
         .help = "results do not depend on it"},
        {.name = "out",
         .kind = OPTION_TEXT,
         .value = &t->out,
         .argument = "FILE",
         .default_text = "",
         .help = "settings, results and levels as JSON, for scripts/plot_toy.py"},
        OUTPUTS_OPTION_FORCE(t->force),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &t->quiet, .help = "no progress"},
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

/* ---- from options to an experiment ----------------------------------------------------------------
 */

static const struct {
    const char *name;
    ToyTime time;
} named_times[] = {{"standard", {TIME_STANDARD, 0}},
                   {"edm", {TIME_EDM, 0}},
                   {"entropic", {TIME_ORDER, ORDER_ENTROPIC}},
                   {"rescaled", {TIME_ORDER, ORDER_RESCALED}}};

static const char *time_name(ToyTime time, char *text, size_t size) {
    for (size_t i = 0; i < sizeof named_times / sizeof *named_times; i++)
        if (time.kind == named_times[i].time.kind && time.order == named_times[i].time.order)
            return named_times[i].name;
    snprintf(text, size, "order %g", time.order);
    return text;
}

static bool add_time(ToyOptions *toy, ToyTime time, Error *error) {
    char text[64];
    if (toy->time_count == TOY_TIMES) return fail(error, "more than %d schedules", TOY_TIMES);
    for (int i = 0; i < toy->time_count; i++)
        if (toy->time[i].kind == time.kind && toy->time[i].order == time.order)
            return fail(error, "--schedule and --order: %s is given twice",
                        time_name(time, text, sizeof text));
    toy->time[toy->time_count++] = time;
    return true;
}

static bool add_named_time(ToyOptions *toy, const char *name, size_t length, Error *error) {
    for (size_t i = 0; i < sizeof named_times / sizeof *named_times; i++)
        if (strlen(named_times[i].name) == length && memcmp(name, named_times[i].name, length) == 0)
            return add_time(toy, named_times[i].time, error);
    return fail(error, "--schedule: no '%.*s' among standard, edm, entropic, rescaled", (int)length,
                name);
}

static bool choose_times(Toy *t, Error *error) {
    for (const char *name = t->times; *name != 0;) {
        const size_t length = strcspn(name, ",");
        if (!add_named_time(&t->toy, name, length, error)) return false;
        name += length + (name[length] == ',');
    }
    for (int i = 0; i < t->orders.count; i++)
        if (!add_time(&t->toy, (ToyTime){TIME_ORDER, t->orders.values[i]}, error)) return false;
    return t->toy.time_count > 0 || fail(error, "no schedule: --schedule and --order are empty");
}

static bool choose_steps(Toy *t, Error *error) {
    if (t->steps.count > TOY_STEP_COUNTS)
        return fail(error, "--steps: more than %d numbers", TOY_STEP_COUNTS);
    for (int i = 0; i < t->steps.count; i++) {
        if (t->steps.values[i] != floor(t->steps.values[i]))
            return fail(error, "--steps: %g is not a whole number", t->steps.values[i]);
        for (int j = 0; j < i; j++)
            if (t->steps.values[j] == t->steps.values[i])
                return fail(error, "--steps: %g is given twice", t->steps.values[i]);
        t->toy.steps[i] = (int)t->steps.values[i];
    }
    t->toy.step_count = t->steps.count;
    return true;
}

/* The estimate of a divergence has no bias where bins hold many samples (divergence.h); else it would
 * come out far below 0. */
static bool check_samples(const Toy *t, Error *error) {
    const int bins = t->data == POINTS ? t->toy.components : t->toy.bins;
    const long long least = (long long)LEAST_IN_A_BIN * bins;
    return t->toy.exact || t->samples >= least ||
           fail(error, "--samples %lld: expected %lld or more, %d for each of the %d bins",
                (long long)t->samples, least, LEAST_IN_A_BIN, bins);
}

static bool choose(Toy *t, Error *error) {
    ToyOptions *toy = &t->toy;
    double low, high;
    toy->width = t->data == POINTS ? 0 : t->width;
    toy->layout = (MixtureLayout)t->layout;
    toy->sde = (ToySde)t->sde;
    toy->exact = t->method;
    toy->samples = t->samples;
    toy->seed = (uint64_t)t->seed;
    toy_range(toy->sde, &low, &high);
    if (toy->sigma_min == 0) toy->sigma_min = low;
    if (toy->sigma_max == 0) toy->sigma_max = high;
    if (!(toy->sigma_min < toy->sigma_max))
        return fail(error, "noise levels from %g down to %g: expected sigma_max > sigma_min",
                    toy->sigma_max, toy->sigma_min);
    if (toy->exact && toy->layout == LAYOUT_EVEN) toy->repetitions = 1; /* all would be the same */
    return check_samples(t, error) && choose_times(t, error) && choose_steps(t, error);
}

/* ---- results --------------------------------------------------------------------------------------
 */

static void print_results(const ToyOptions *toy, const ToyCell *cell) {
    char text[64];
    printf("KL(data || samples)%s\nsteps",
           toy->repetitions > 1 ? ", mean and standard error over repetitions" : "");
    const int column = toy->repetitions > 1 ? 20 : 12;
    for (int i = 0; i < toy->time_count; i++)
        printf(" %*s", column, time_name(toy->time[i], text, sizeof text));
    for (int j = 0; j < toy->step_count; j++) {
        printf("\n%5d", toy->steps[j]);
        for (int i = 0; i < toy->time_count; i++) {
            const ToyCell *c = &cell[i * toy->step_count + j];
            printf(" %*.3e", toy->repetitions > 1 ? 10 : column, c->mean);
            if (toy->repetitions > 1) printf(" %9.1e", c->standard_error);
        }
    }
    printf("\n");
}

static json_t *json_settings(const Toy *t) {
    const ToyOptions *o = &t->toy;
    return json_pack("{ss si sf ss ss sf sf sf ss sI si si sI}", "data", data_kinds[t->data],
                     "components", o->components, "width", o->width, "layout", layouts[t->layout],
                     "sde", sdes[t->sde], "sigma_min", o->sigma_min, "sigma_max", o->sigma_max, "eta",
                     o->eta, "method", methods[t->method], "samples",
                     (json_int_t)(o->exact ? 0 : o->samples), "repetitions", o->repetitions, "bins",
                     t->data == POINTS ? o->components : o->bins, "seed", (json_int_t)o->seed);
}

static json_t *json_cell(const ToyOptions *toy, int time, int step, const ToyCell *cell) {
    char text[64];
    json_t *levels = json_array();
    for (int i = 0; i <= cell->schedule.steps; i++)
        json_array_append_new(levels, json_real(cell->schedule.sigma[i]));
    json_t *result =
        json_pack("{ss si sf sf sf so}", "schedule", time_name(toy->time[time], text, sizeof text),
                  "steps", toy->steps[step], "kl_mean", cell->mean, "kl_variance", cell->variance,
                  "kl_standard_error", cell->standard_error, "sigma", levels);
    if (result != NULL && toy->time[time].kind == TIME_ORDER)
        json_object_set_new(result, "order", json_real(toy->time[time].order));
    return result;
}

static bool write_results(const Toy *t, const ToyCell *cell, int count, char **arguments,
                          Error *error) {
    const ToyOptions *toy = &t->toy;
    json_t *results = json_array();
    for (int i = 0; i < toy->time_count; i++)
        for (int j = 0; j < toy->step_count; j++)
            json_array_append_new(results, json_cell(toy, i, j, &cell[i * toy->step_count + j]));
    json_t *json = json_pack("{ss so so so}", "kairos", KAIROS_VERSION, "command",
                             session_command_json("toy", count, arguments), "settings",
                             json_settings(t), "results", results);
    const bool ok = json != NULL ? json_write_file(t->out, json, error)
                                 : fail(error, "out of memory to write %s", t->out);
    json_decref(json);
    return ok;
}

int command_toy(int count, char **arguments) {
    Toy t = defaults();
    Error error = {""};
    const int status = parse(&t, count, arguments);
    if (status >= 0) return status;
    if (!choose(&t, &error)) {
        fprintf(stderr, "kairos toy: %s\n", error.text);
        return 2;
    }
    if (!outputs_check(&t.out, 1, NULL, 0, t.force, &error)) {
        fprintf(stderr, "kairos toy: %s\n", error.text);
        return 1;
    }
    ToyCell *cell = calloc((size_t)t.toy.time_count * t.toy.step_count, sizeof *cell);
    bool ok = (cell != NULL || fail(&error, "out of memory for the results")) &&
              (t.out == NULL || prepare_output(t.out, &error));
    if (ok && (ok = toy_run(&t.toy, cell, t.quiet, &error))) {
        print_results(&t.toy, cell);
        ok = t.out == NULL || write_results(&t, cell, count, arguments, &error);
        toy_free(&t.toy, cell);
    }
    free(cell);
    if (!ok) fprintf(stderr, "kairos toy: %s\n", error.text);
    return ok ? 0 : 1;
}
