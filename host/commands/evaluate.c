/* kairos evaluate: the Frechet distance of images to reference statistics. */
#include "commands/evaluate.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "commands/sampling.h"
#include "io/file.h"
#include "io/json.h"
#include "io/progress.h"
#include "manifest.h"
#include "quality/frechet.h"
#include "quality/score.h"
#include "quality/statistics_file.h"

enum { RESULT_LIMIT = 16 << 20 };

typedef struct {
    Sampling sampling;
    const char *images, *reference, *prefix, *features, *out;
    bool json;
    uint64_t detector; /* hash of the feature network */
    Statistics statistics;
    Gaussian ref; /* read before the long work, so that a mistake shows at once */
    /* the file that the sums of an unfinished run are kept in; "" = none */
    char state[PATH_MAX], *state_settings;
    double saved, saving; /* when the sums were saved last, and the seconds that it took */
} Evaluate;

static const OptionsUsage usage = {
    .command = "kairos evaluate",
    .summary =
        "Prints the Frechet distance of images to reference statistics: of a folder or ZIP file "
        "(--images), "
        "or of the images that a model samples (--net), which are not written. 'kairos evaluate ref "
        "--help' "
        "tells how reference statistics are made.",
    .examples =
        "kairos evaluate --images out --ref weights/fashion-mnist-reference.safetensors\n"
        "kairos evaluate --net weights/fashion-mnist-edm2.safetensors --seeds 0-4999 --steps 8 \\\n"
        "    --ref weights/fashion-mnist-reference.safetensors --out distance.json\n"};

static int parse(Evaluate *e, int count, char **arguments) {
    const Option own[] = {
        {.name = "images",
         .kind = OPTION_TEXT,
         .value = &e->images,
         .argument = "PATH",
         .default_text = "",
         .help = "folder or uncompressed ZIP file of PNG or NPY images, instead of --net"},
        {.name = "ref",
         .kind = OPTION_TEXT,
         .value = &e->reference,
         .argument = "FILE",
         .required = true,
         .help = "reference statistics (.safetensors), made by kairos evaluate ref"},
        {.name = "ref-prefix",
         .kind = OPTION_TEXT,
         .value = &e->prefix,
         .argument = "TEXT",
         .default_text = "",
         .help = "of the tensors' names, as in test. for test.mu and test.sigma"},
        EVALUATE_OPTION_FEATURES(e->features),
        {.name = "out",
         .kind = OPTION_TEXT,
         .value = &e->out,
         .argument = "FILE",
         .default_text = "",
         .help = "where the result goes (.json); a run that was killed goes on where it stopped"},
        {.name = "json", .kind = OPTION_FLAG, .value = &e->json, .help = "print the result as JSON"},
    };
    Option options[SAMPLING_OPTIONS + sizeof own / sizeof *own];
    const int shared = sampling_options(&e->sampling, options);
    options[0].required = false; /* --net */
    memcpy(options + shared, own, sizeof own);
    return options_parse(&usage, options, shared + sizeof own / sizeof *own, count, arguments);
}

static bool check_usage(Evaluate *e, Error *error) {
    const char *net = e->sampling.session.net;
    if ((e->images != NULL) == (net != NULL))
        return fail(error, "%s: expected one of --images and --net",
                    net != NULL ? "both --images and --net are given" : "nothing to evaluate");
    if (e->out != NULL &&
        snprintf(e->state, sizeof e->state, "%s.state", e->out) >= (int)sizeof e->state)
        return fail(error, "%s: the path is too long", e->out);
    return sampling_check_usage(&e->sampling, error);
}

/* ---- the sums of an unfinished run --------------------------------------------------------------- */

/* At most a twentieth of the time goes into saving. */
static bool save_state(void *user, const Statistics *statistics, Error *error) {
    Evaluate *e = user;
    const double now = monotonic_seconds();
    if (e->state[0] == '\0' || now - e->saved < 20 * e->saving) return true;
    if (!statistics_write(statistics, e->state, e->state_settings, error)) return false;
    e->saved = monotonic_seconds();
    e->saving = e->saved - now;
    return true;
}

static bool load_state(Evaluate *e, Error *error) {
    if (e->state[0] == '\0') return true;
    if (!file_exists(e->state)) return true;
    if (!statistics_read(&e->statistics, e->state, e->state_settings, error)) return false;
    const size_t seeds = e->sampling.seeds.count;
    return (uint64_t)e->statistics.images <= seeds ||
           fail(error, "%s: is of %" PRId64 " images, this run has %zu", e->state, e->statistics.images,
                seeds);
}

/* ---- the two kinds of images --------------------------------------------------------------------- */

/* What the images depend on; then the sums that are made of them. */
static json_t *settings_of(const Evaluate *e) {
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, e->detector);
    json_t *settings =
        e->images != NULL ? json_pack("{ss}", "images", e->images) : sampling_settings(&e->sampling);
    if (e->images == NULL) json_object_set_new(settings, "seeds", json_string(e->sampling.seeds_text));
    json_object_set_new(settings, "features", json_string(hash));
    return settings;
}

static bool check_model(const Evaluate *e, Error *error) {
    const Model *model = &e->sampling.session.model;
    return strcmp(model->encoder, "rgb") == 0 ||
           fail(error, "%s makes latents of an image autoencoder (%s), which kairos does not decode",
                model->name, model->encoder);
}

static bool score_net(Evaluate *e, Features *features, Error *error) {
    Sampling *s = &e->sampling;
    json_t *settings = settings_of(e);
    e->state_settings = settings != NULL ? json_dumps(settings, JSON_COMPACT) : NULL;
    json_decref(settings);
    if (e->state_settings == NULL) return fail(error, "out of memory");
    return statistics_create(&e->statistics, features->net->features, error) && load_state(e, error) &&
           score_sampler(features, &s->sampler, &s->seeds, s->class_label, &e->statistics, save_state,
                         e, s->quiet, error);
}

static bool evaluate_net(Evaluate *e, Error *error) {
    Sampling *s = &e->sampling;
    Features features = {.net = NULL};
    if (!sampling_open(s, error) || !check_model(e, error) || !sampling_start(s, error)) return false;
    const Tensor x = s->sampler.x;
    bool ok = features_create(&features, s->session.ctx, e->features, x.h, x.w, x.c, x.n, error);
    e->detector = features.hash;
    ok = ok &&
         gaussian_check(&e->ref, e->reference, features.net->features, features.hash, e->features,
                        error) &&
         score_net(e, &features, error);
    features_destroy(&features);
    return ok;
}

static bool evaluate_images(Evaluate *e, Error *error) {
    Session *session = &e->sampling.session;
    session->ctx = context_create(session->device, (Engine)session->engine, error);
    return session->ctx != NULL &&
           evaluate_dataset(session->ctx, e->features, e->images, e->sampling.batch, e->sampling.quiet,
                            &e->ref, e->reference, &e->statistics, &e->detector, error);
}

/* ---- the result ---------------------------------------------------------------------------------- */

static json_t *result_of(const Evaluate *e, double distance) {
    return json_pack("{sf sI s{ss ss sI} so}", "distance", distance, "images",
                     (json_int_t)e->statistics.images, "reference", "file", e->reference, "prefix",
                     e->prefix, "images", (json_int_t)e->ref.images, "settings", settings_of(e));
}

static bool leave_result(const Evaluate *e, const json_t *result, int count, char **arguments,
                         Error *error) {
    if (e->out == NULL) return true;
    json_t *command = json_pack("[s]", "evaluate");
    for (int i = 0; i < count; i++) json_array_append_new(command, json_string(arguments[i]));
    bool ok = command != NULL || fail(error, "out of memory for the manifest");
    ok = ok && manifest_write(e->out, json_object_get(result, "settings"), command, error) &&
         json_write_file(e->out, result, error);
    json_decref(command);
    if (ok) unlink(e->state); /* the sums are not needed any more, if they were saved at all */
    return ok;
}

static bool print_result(const Evaluate *e, const json_t *result, double distance, Error *error) {
    if (!e->json) {
        printf("Frechet distance %.6f (%" PRId64 " images)\n", distance, e->statistics.images);
        return true;
    }
    char *text = json_dumps(result, JSON_INDENT(2));
    if (text == NULL) return fail(error, "out of memory");
    puts(text);
    free(text);
    return true;
}

static bool compare(Evaluate *e, int count, char **arguments, Error *error) {
    Gaussian images = {0};
    double distance = 0;
    json_t *result = NULL;
    bool ok = statistics_gaussian(&e->statistics, &images, error) &&
              frechet_distance(&images, &e->ref, &distance, error);
    if (ok) {
        result = result_of(e, distance);
        ok = result != NULL || fail(error, "out of memory for the result");
    }
    ok = ok && leave_result(e, result, count, arguments, error) &&
         print_result(e, result, distance, error);
    json_decref(result);
    gaussian_free(&images);
    return ok;
}

int command_evaluate(int count, char **arguments) {
    if (count > 0 && strcmp(arguments[0], "ref") == 0)
        return command_evaluate_ref(count - 1, arguments + 1);
    Evaluate e = {.sampling = sampling_defaults(), .features = EVALUATE_FEATURES, .prefix = ""};
    char features[PATH_MAX];
    Error error = {""};
    const int status = parse(&e, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&e, &error)) {
        session_fail("evaluate", &error);
        return 2;
    }
    const bool ok = (e.out == NULL || prepare_output(e.out, &error)) &&
                    evaluate_features(&e.features, features, &error) &&
                    gaussian_read(&e.ref, e.reference, e.prefix, &error) &&
                    (e.images != NULL ? evaluate_images(&e, &error) : evaluate_net(&e, &error)) &&
                    compare(&e, count, arguments, &error);
    statistics_free(&e.statistics);
    gaussian_free(&e.ref);
    free(e.state_settings);
    sampling_close(&e.sampling);
    return ok ? 0 : session_fail("evaluate", &error);
}
