/* kairos schedule: the noise levels that sampling steps through. */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/schedule_options.h"
#include "commands/session.h"
#include "io/json.h"
#include "io/outputs.h"
#include "version.h"

static const OptionsUsage usage = {
    .command = "kairos schedule",
    .summary =
        "Prints noise levels, one a line, with the final 0: equal steps in a time that is measured on "
        "a "
        "model (entropic, rescaled, spectral, --order P) or given by a formula (edm, log-uniform, "
        "gaussian).",
    .examples =
        "kairos schedule --curve weights/fashion-mnist-edm2.curve.json --kind rescaled --steps 16\n"
        "kairos schedule --curve curve.json --order 2.25 --steps 16 --out s.json\n"
        "kairos generate --net m.safetensors --schedule s.json --outdir out\n"};

/* Read again by generate --schedule FILE (schedule_read). */
static bool write_file(const Schedule *schedule, const ScheduleRequest *request, const char *path,
                       int count, char **arguments, Error *error) {
    json_t *provenance = schedule_request_describe(request, error);
    if (provenance == NULL) return false;
    json_t *levels = json_array();
    for (int i = 0; i <= schedule->steps; i++)
        json_array_append_new(levels, json_real(schedule->sigma[i]));
    json_object_set_new(provenance, "command", session_command_json("schedule", count, arguments));
    json_object_set_new(provenance, "kairos", json_string(KAIROS_VERSION));
    json_t *json = json_pack("{so ss so}", "sigma", levels, "kind", schedule_kinds[request->kind],
                             "provenance", provenance);
    const bool ok = json != NULL ? json_write_file(path, json, error)
                                 : fail(error, "out of memory to write %s", path);
    json_decref(json);
    return ok;
}

static bool print_levels(const Schedule *schedule, Error *error) {
    for (int i = 0; i <= schedule->steps; i++) printf("%.9g\n", schedule->sigma[i]);
    return fflush(stdout) == 0 || fail(error, "cannot write the levels to the standard output");
}

static bool check_output(const ScheduleOptions *s, const char *out, bool force, Error *error) {
    char spectrum[PATH_MAX];
    const char *files[SCHEDULE_FILES];
    schedule_options_files(s, spectrum, files);
    return outputs_check(&out, 1, files, SCHEDULE_FILES, force, error);
}

static int parse(ScheduleOptions *s, const char **out, bool *force, int count, char **arguments) {
    const Option kind = {.name = "kind",
                         .kind = OPTION_TEXT,
                         .value = &s->name,
                         .argument = "KIND",
                         .default_text = "rescaled with --curve, spectral with --spectrum, else edm",
                         .help =
                             "edm, log-uniform, gaussian, entropic, rescaled, spectral, or order "
                             "(--order P alone is enough)"};
    const Option own[] = {{.name = "out",
                           .kind = OPTION_TEXT,
                           .value = out,
                           .argument = "FILE",
                           .default_text = "",
                           .help = "the levels also as JSON, for generate --schedule FILE"},
                          OUTPUTS_OPTION_FORCE(*force)};
    Option options[SCHEDULE_OPTIONS + sizeof own / sizeof *own];
    const int shared = schedule_options(s, kind, options);
    memcpy(options + shared, own, sizeof own);
    return options_parse(&usage, options, shared + sizeof own / sizeof *own, count, arguments);
}

static ScheduleKind default_kind(const ScheduleRequest *request) {
    if (request->curve != NULL) return SCHEDULE_RESCALED;
    return request->spectrum != NULL ? SCHEDULE_SPECTRAL : SCHEDULE_EDM;
}

int command_schedule(int count, char **arguments) {
    ScheduleOptions s = schedule_options_defaults();
    const char *out = NULL;
    bool force = false;
    Schedule schedule = {0};
    Error error = {""};
    const int status = parse(&s, &out, &force, count, arguments);
    if (status >= 0) return status;
    bool usable = schedule_options_check(&s, "kind", default_kind(&s.request), &error);
    if (usable && s.file != NULL)
        usable = fail(&error,
                      "--kind %s: expected edm, log-uniform, gaussian, entropic, rescaled, spectral "
                      "or order",
                      s.name);
    if (!usable) {
        session_fail("schedule", &error);
        return 2;
    }
    const bool ok = check_output(&s, out, force, &error) &&
                    schedule_options_make(&s, &schedule, &error) &&
                    (out == NULL || write_file(&schedule, &s.request, out, count, arguments, &error)) &&
                    print_levels(&schedule, &error);
    schedule_free(&schedule);
    return ok ? 0 : session_fail("schedule", &error);
}
