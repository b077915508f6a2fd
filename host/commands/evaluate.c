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
#include "io/interrupt.h"
#include "io/json.h"
#include "io/outputs.h"
#include "io/progress.h"
#include "io/run_folder.h"
#include "io/settings.h"
#include "manifest.h"
#include "quality/floor.h"
#include "quality/frechet.h"
#include "quality/score.h"
#include "quality/statistics_file.h"

typedef struct {
    Sampling sampling;
    const char *images, *reference, *prefix, *features, *out;
    const char *useless; /* an option of sampling that is given, with --images; NULL = none */
    bool json, force;
    Statistics statistics;
    Gaussian ref;     /* read before the long work, so that a mistake shows at once */
    json_t *settings; /* what the images, hence the sums, depend on */
    json_t *about; /* sampling_describe, of a folder's images what its run.json says; NULL = unknown */
    json_t *reference_json;
    json_t *result; /* evaluate.h */
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

/* The first option that only sampling heeds, of those given. */
static const char *given_for_sampling(const Option *options, int count) {
    static const char *const scoring[] = {"net", "batch", "engine", "device", "quiet"};
    for (int i = 0; i < count; i++) {
        bool shared = false;
        for (size_t k = 0; k < sizeof scoring / sizeof *scoring; k++)
            shared = shared || strcmp(options[i].name, scoring[k]) == 0;
        if (options[i].given && !shared) return options[i].name;
    }
    return NULL;
}

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
         .help = "where the result goes (.json); a run that was killed resumes where it stopped, and a "
                 "result that is there already is not made again"},
        {.name = "json", .kind = OPTION_FLAG, .value = &e->json, .help = "print the result as JSON"},
        OUTPUTS_OPTION_FORCE(e->force),
    };
    Option options[SAMPLING_OPTIONS + sizeof own / sizeof *own];
    const int shared = sampling_options(&e->sampling, options);
    options[0].required = false; /* --net */
    memcpy(options + shared, own, sizeof own);
    const int status =
        options_parse(&usage, options, shared + sizeof own / sizeof *own, count, arguments);
    e->useless = given_for_sampling(options, shared);
    return status;
}

static bool check_usage(Evaluate *e, Error *error) {
    const char *net = e->sampling.session.net;
    if ((e->images != NULL) == (net != NULL))
        return fail(error, "%s: expected one of --images and --net",
                    net != NULL ? "both --images and --net are given" : "nothing to evaluate");
    if (e->images != NULL && e->useless != NULL)
        return fail(error, "--%s: with --images nothing is sampled; it goes with --net", e->useless);
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

/* After a signal. */
static bool keep_sums(const Evaluate *e, Error *error) {
    if (e->state[0] == '\0')
        return fail(error, "stopped by %s: without --out nothing is kept", interrupt_name());
    return statistics_write(&e->statistics, e->state, e->state_settings, error) &&
           fail(error,
                "stopped by %s: the sums of %" PRId64
                " images are in %s, the same command resumes there",
                interrupt_name(), e->statistics.images, e->state);
}

static bool check_state(Evaluate *e, const char *text, Error *error) {
    char difference[SETTINGS_DIFFERENCE];
    json_t *was = json_parse_text(text, strlen(text), e->state, error);
    if (was == NULL) return false;
    const bool same = settings_continue(was, e->settings, e->sampling.session.any_device, difference);
    json_decref(was);
    return same ||
           fail(error,
                "%s: begun with other settings (%s): remove it to begin anew, or choose another --out",
                e->state, difference);
}

static bool load_state(Evaluate *e, Error *error) {
    if (e->state[0] == '\0' || !file_exists(e->state)) return true;
    char *text = statistics_settings(e->state, error);
    const bool ok = text != NULL && check_state(e, text, error) &&
                    statistics_read(&e->statistics, e->state, text, error);
    free(text);
    const size_t seeds = e->sampling.seeds.count;
    if (!ok || (uint64_t)e->statistics.images <= seeds) return ok;
    return fail(error, "%s: is of %" PRId64 " images, this run has %zu", e->state, e->statistics.images,
                seeds);
}

/* ---- the two kinds of images --------------------------------------------------------------------- */

/* Takes the settings over, but for the features; then e->result is what an earlier run has found, or
 * NULL. */
static bool look_for_result(Evaluate *e, json_t *settings, const Features *features, Error *error) {
    e->settings = settings;
    e->reference_json = json_pack("{so so sI so}", "file", json_name(e->reference), "prefix",
                                  json_name(e->prefix), "images", (json_int_t)e->ref.images, "hash",
                                  session_hash_json(gaussian_hash(&e->ref)));
    if (json_object_set_new(settings, "features", session_hash_json(features->hash)) != 0 ||
        e->reference_json == NULL)
        return fail(error, "out of memory");
    return gaussian_check(&e->ref, e->reference, features->net->features, features->hash, e->features,
                          error) &&
           evaluate_find_result(e->out, settings, e->reference_json, e->sampling.session.any_device,
                                &e->result, error);
}

static bool score_net(Evaluate *e, Features *features, Error *error) {
    Sampling *s = &e->sampling;
    if (!statistics_create(&e->statistics, features->net->features, error) || !load_state(e, error))
        return false;
    e->state_settings = json_dumps(e->settings, JSON_COMPACT);
    if (e->state_settings == NULL) return fail(error, "out of memory");
    return score_sampler(features, &s->sampler, &s->seeds, s->class_label, &e->statistics, save_state,
                         e, s->quiet, error) ||
           (interrupt_name() == NULL ? false : keep_sums(e, error));
}

static bool evaluate_net(Evaluate *e, Error *error) {
    Sampling *s = &e->sampling;
    Features features = {.net = NULL};
    if (!sampling_open(s, error) || !session_check_images(&s->session, "", error) ||
        (e->about = sampling_describe(s, error)) == NULL || !sampling_start(s, error))
        return false;
    const Tensor x = s->sampler.x;
    bool ok = evaluate_features_create(&features, s->session.ctx, e->features, s->session.net, x.h, x.w,
                                       x.c, x.n, error);
    if (ok) {
        json_t *settings = sampling_settings(s);
        json_object_set_new(settings, "seeds", json_string(s->seeds_text));
        ok = look_for_result(e, settings, &features, error) &&
             (e->result != NULL || score_net(e, &features, error));
    }
    features_destroy(&features);
    return ok;
}

static bool score_images(Evaluate *e, EvaluateData *data, Error *error) {
    json_t *settings = json_pack("{so so}", "images", json_name(e->images), "images_hash",
                                 session_hash_json(dataset_info(data->dataset).hash));
    e->about = manifest_about(e->images);
    if (!look_for_result(e, settings, &data->features, error)) return false;
    return e->result != NULL ||
           (statistics_create(&e->statistics, data->features.net->features, error) &&
            score_dataset(&data->features, data->dataset, &e->statistics, e->sampling.quiet, error));
}

static bool evaluate_images(Evaluate *e, Error *error) {
    Session *session = &e->sampling.session;
    EvaluateData data = {.dataset = NULL};
    session->ctx = context_create(session->device, (Engine)session->engine, error);
    const bool ok =
        session->ctx != NULL &&
        evaluate_open_data(&data, session->ctx, e->features, e->images, e->sampling.batch, error) &&
        score_images(e, &data, error);
    evaluate_close_data(&data);
    return ok;
}

/* ---- the result ---------------------------------------------------------------------------------- */

static bool leave_result(const Evaluate *e, int count, char **arguments, Error *error) {
    if (e->out == NULL) return true;
    const Manifest manifest = {.settings = e->settings,
                               .about = e->about,
                               .command = session_command_json("evaluate", count, arguments)};
    const bool ok = (manifest.command != NULL || fail(error, "out of memory for the manifest")) &&
                    manifest_write(e->out, &manifest, error) &&
                    json_write_file(e->out, e->result, error);
    json_decref(manifest.command);
    return ok;
}

static bool compare(Evaluate *e, int count, char **arguments, Error *error) {
    Gaussian images = {0};
    FrechetFloor floor;
    double distance = 0;
    bool ok = statistics_gaussian(&e->statistics, &images, error) &&
              frechet_distance(&images, &e->ref, &distance, error) &&
              frechet_floor(&e->ref, e->statistics.images, frechet_floor_sets(e->ref.features), &floor,
                            error);
    if (ok) {
        e->result = json_pack("{sf sf sI sO* sO sO}", "distance", distance, "floor", floor.mean,
                              "images", (json_int_t)e->statistics.images, "sampling", e->about,
                              "reference", e->reference_json, "settings", e->settings);
        ok = (e->result != NULL || fail(error, "out of memory for the result")) &&
             leave_result(e, count, arguments, error);
    }
    gaussian_free(&images);
    return ok;
}

static void warn_of_few(const Evaluate *e) {
    const json_int_t images = json_integer_value(json_object_get(e->result, "images"));
    if (!e->sampling.quiet) frechet_warn_of_few(images, e->ref.features);
}

/* No output may replace a file that the run reads. */
static bool prepare_files(const Evaluate *e, Error *error) {
    char manifest[PATH_MAX], spectrum[PATH_MAX], about[PATH_MAX] = "";
    if (e->out == NULL) return true;
    const Session *session = &e->sampling.session;
    const char *const outputs[] = {e->out, e->state, manifest};
    const char *inputs[SCHEDULE_FILES + 6] = {e->images,   about,        e->reference,
                                              e->features, session->net, session->gnet};
    schedule_options_files(&e->sampling.schedule_options, spectrum, inputs + 6);
    if (e->images != NULL && snprintf(about, sizeof about, "%s/" RUN_MANIFEST, e->images) >= PATH_MAX)
        return fail(error, "%s: the path is too long", e->images);
    return manifest_path(e->out, manifest, error) &&
           outputs_check(outputs, 3, inputs, sizeof inputs / sizeof *inputs, e->force, error) &&
           prepare_output(e->out, error);
}

static bool evaluate(Evaluate *e, int count, char **arguments, Error *error) {
    char features[PATH_MAX];
    if (!evaluate_features(&e->features, features, error) || !prepare_files(e, error) ||
        !gaussian_read(&e->ref, e->reference, e->prefix, error) ||
        !(e->images != NULL ? evaluate_images(e, error) : evaluate_net(e, error)) ||
        (e->result == NULL && !compare(e, count, arguments, error)))
        return false;
    if (e->state[0] != '\0') unlink(e->state); /* of a run that has its result */
    warn_of_few(e);
    return evaluate_print_result(e->result, e->json, error);
}

static void release(Evaluate *e) {
    json_t *values[] = {e->settings, e->about, e->reference_json, e->result};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) json_decref(values[i]);
    statistics_free(&e->statistics);
    gaussian_free(&e->ref);
    free(e->state_settings);
    sampling_close(&e->sampling);
}

int command_evaluate(int count, char **arguments) {
    if (count > 0 && strcmp(arguments[0], "ref") == 0)
        return command_evaluate_ref(count - 1, arguments + 1);
    Evaluate e = {.sampling = sampling_defaults(), .features = EVALUATE_FEATURES, .prefix = ""};
    Error error = {""};
    const int status = parse(&e, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&e, &error)) {
        session_fail("evaluate", &error);
        return 2;
    }
    const bool ok = evaluate(&e, count, arguments, &error);
    release(&e);
    return ok ? 0 : session_fail("evaluate", &error);
}
