#include "commands/sampling.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "job.h"

static const char *const solvers[] = {"ddim", "heun", NULL}; /* in the order of Solver */

Sampling sampling_defaults(void) {
    return (Sampling){.session = session_defaults(),
                      .seeds_text = "0-63",
                      .schedule_options = schedule_options_defaults(),
                      .class_label = JOB_CLASS_OF_SEED,
                      .batch = 64,
                      .guidance = 1};
}

int sampling_options(Sampling *s, Option *options) {
    const Option before[] = {
        SESSION_OPTION_NET(s->session),
        SESSION_OPTION_GNET(s->session),
        {.name = "guidance",
         .kind = OPTION_DOUBLE,
         .value = &s->guidance,
         .argument = "W",
         .low = -1e6,
         .high = 1e6,
         .help = "D = D_ref + W (D - D_ref); 1 = no guidance"},
        {.name = "seeds",
         .kind = OPTION_TEXT,
         .value = &s->seeds_text,
         .argument = "LIST",
         .help =
             "seeds: numbers and ranges, as in 1,5,7-9; a seed counts modulo 2^32, as NVlabs' tools "
             "take it, so 4294967296 gives the image of 0, and only one of them may be in the list"},
        {.name = "class",
         .kind = OPTION_INT,
         .value = &s->class_label,
         .argument = "N",
         .low = 0,
         .high = INT_MAX,
         .default_text = "drawn by each seed",
         .help = "class label of all images"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &s->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
    };
    const Option schedule = {.name = "schedule",
                             .kind = OPTION_TEXT,
                             .value = &s->schedule_options.name,
                             .argument = "KIND|FILE",
                             .default_text = "edm",
                             .help =
                                 "a kind of kairos schedule (edm, log-uniform, gaussian, entropic, "
                                 "rescaled, spectral, order), or a JSON file with an array "
                                 "\"sigma\", which says all"};
    const Option after[] = {
        {.name = "solver",
         .kind = OPTION_CHOICE,
         .value = &s->solver,
         .choices = solvers,
         .help = "ddim: a network evaluation a step; heun: EDM's second order, 2 N - 1 evaluations"},
        {.name = "eta",
         .kind = OPTION_DOUBLE,
         .value = &s->eta,
         .argument = "E",
         .low = 0,
         .high = 1,
         .help = "of ddim: 0 deterministic, 1 stochastic"},
        SESSION_OPTION_PRECISION(s->session),
        SESSION_OPTION_ENGINE(s->session),
        SESSION_OPTION_DEVICE(s->session),
        SESSION_OPTION_ANY_DEVICE(s->session),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &s->quiet, .help = "no progress"},
    };
    enum { BEFORE = sizeof before / sizeof *before, AFTER = sizeof after / sizeof *after };
    _Static_assert(BEFORE + SCHEDULE_OPTIONS + AFTER <= SAMPLING_OPTIONS, "room for the options");
    memcpy(options, before, sizeof before);
    const int count = BEFORE + schedule_options(&s->schedule_options, schedule, options + BEFORE);
    memcpy(options + count, after, sizeof after);
    return count + AFTER;
}

bool sampling_check_usage(Sampling *s, Error *error) {
    if (s->solver == SOLVER_HEUN && s->eta != 0)
        return fail(error, "--eta %g: the heun solver is deterministic; use --solver ddim", s->eta);
    return session_check_guidance_usage(&s->session, s->guidance, error) &&
           schedule_options_check(&s->schedule_options, "schedule", SCHEDULE_EDM, error) &&
           seeds_parse(s->seeds_text, SEEDS_LIMIT, &s->seeds, error);
}

static bool check_model(const Sampling *s, Error *error) {
    const Model *model = &s->session.model;
    const int classes = model->net->label_dim;
    if (s->class_label >= classes)
        return fail(error, "--class %d: %s has %d classes", s->class_label, model->name, classes);
    return session_check_guidance(&s->session, s->guidance, error);
}

bool sampling_open(Sampling *s, Error *error) {
    return schedule_options_make(&s->schedule_options, &s->schedule, error) &&
           session_open(&s->session, error) && check_model(s, error);
}

json_t *sampling_settings(const Sampling *s) {
    const Session *session = &s->session;
    const DeviceInfo device = context_device(session->ctx);
    json_t *levels = json_array();
    for (int i = 0; i <= s->schedule.steps; i++)
        json_array_append_new(levels, json_real(s->schedule.sigma[i]));
    return json_pack("{so so* sf ss sf si so ss ss ss}", "net", session_hash_json(session->model.hash),
                     "gnet", session->gnet != NULL ? session_hash_json(session->gmodel.hash) : NULL,
                     "guidance", s->guidance, "solver", solvers[s->solver], "eta", s->eta, "class",
                     s->class_label, "sigma", levels, "precision",
                     session_precisions[session->precision], "engine", session_engines[session->engine],
                     "device", device.name);
}

json_t *sampling_describe(const Sampling *s, Error *error) {
    const ScheduleOptions *chosen = &s->schedule_options;
    const SamplerOptions options = {(Solver)s->solver, s->eta, &s->schedule};
    json_t *schedule = chosen->file != NULL ? json_pack("{so}", "file", json_name(chosen->file))
                                            : schedule_request_describe(&chosen->request, error);
    if (schedule == NULL) return NULL;
    json_t *about = json_pack("{so so* so si si}", "net_file", json_name(s->session.net), "gnet_file",
                              json_name(s->session.gnet), "schedule", schedule, "steps",
                              s->schedule.steps, "nfe", sampler_nfe(options));
    if (about == NULL) fail(error, "out of memory for what the images were made with");
    return about;
}

bool sampling_start(Sampling *s, Error *error) {
    const SamplerOptions options = {(Solver)s->solver, s->eta, &s->schedule};
    const int batch = s->seeds.count < (size_t)s->batch ? (int)s->seeds.count : s->batch;
    return denoiser_create(&s->denoiser, s->session.ctx, s->session.model.net, s->session.gmodel.net,
                           (float)s->guidance, batch, error) &&
           sampler_create(&s->sampler, &s->denoiser, options, error);
}

void sampling_close(Sampling *s) {
    sampler_destroy(&s->sampler);
    denoiser_destroy(&s->denoiser);
    session_close(&s->session);
    schedule_free(&s->schedule);
    free(s->seeds.values);
    s->seeds = (Seeds){0};
}
