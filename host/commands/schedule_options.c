#include "commands/schedule_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "schedule/curve.h"
#include "schedule/schedule_limits.h"

ScheduleOptions schedule_options_defaults(void) {
    return (ScheduleOptions){.rule = -1, .request = {.order = NAN}};
}

int schedule_options(ScheduleOptions *s, Option name, Option *options) {
    ScheduleRequest *r = &s->request;
    const Option table[] = {
        {.name = "steps",
         .kind = OPTION_INT,
         .value = &r->steps,
         .argument = "N",
         .low = 1,
         .high = 1000000,
         .default_text = "32",
         .help = "noise levels before 0"},
        name,
        {.name = "curve",
         .kind = OPTION_TEXT,
         .value = &r->curve,
         .argument = "FILE",
         .default_text = "",
         .help = "curve.json of kairos measure, for entropic, rescaled, spectral and --order"},
        {.name = "spectrum",
         .kind = OPTION_TEXT,
         .value = &r->spectrum,
         .argument = "FILE",
         .default_text = "the one beside the curve",
         .help = "spectrum of kairos measure --spectral, for spectral"},
        {.name = "order",
         .kind = OPTION_DOUBLE,
         .value = &r->order,
         .argument = "P",
         .low = SCHEDULE_ORDER_LOW,
         .high = SCHEDULE_ORDER_HIGH,
         .default_text = "",
         .help = "equal steps in the integral of error / sigma^P: 2 is rescaled, 3 entropic"},
        {.name = "rule",
         .kind = OPTION_CHOICE,
         .value = &s->rule,
         .choices = integration_rules,
         .default_text = "cubic",
         .help = "integration by monotone cubics, or the left Riemann sum"},
        {.name = "sigma_min",
         .kind = OPTION_DOUBLE,
         .value = &r->sigma_min,
         .argument = "S",
         .low = SCHEDULE_SIGMA_LOW,
         .high = SCHEDULE_SIGMA_HIGH,
         .default_text = "the curve's, else 0.002",
         .help = "lowest noise level before 0"},
        {.name = "sigma_max",
         .kind = OPTION_DOUBLE,
         .value = &r->sigma_max,
         .argument = "S",
         .low = SCHEDULE_SIGMA_LOW,
         .high = SCHEDULE_SIGMA_HIGH,
         .default_text = "the curve's, else 80",
         .help = "highest noise level"},
        {.name = "rho",
         .kind = OPTION_DOUBLE,
         .value = &r->rho,
         .argument = "R",
         .low = SCHEDULE_RHO_LOW,
         .high = SCHEDULE_RHO_HIGH,
         .default_text = "7",
         .help = "exponent of the edm schedule"},
        {.name = "c",
         .kind = OPTION_DOUBLE,
         .value = &r->c,
         .argument = "C",
         .low = SCHEDULE_C_LOW,
         .high = SCHEDULE_C_HIGH,
         .default_text = "0.5",
         .help = "standard deviation of the data, of the gaussian schedule"},
    };
    _Static_assert(sizeof table / sizeof *table == SCHEDULE_OPTIONS, "room for the options");
    memcpy(options, table, sizeof table);
    return SCHEDULE_OPTIONS;
}

/* Refuses what would change nothing.  option: the name of the one that chooses. */
static bool check_uses(const ScheduleOptions *s, int kind, const char *option, Error *error) {
    const ScheduleRequest *r = &s->request;
    const struct {
        const char *name;
        bool given;
    } uses[] = {{"steps", r->steps > 0},
                {"curve", r->curve != NULL},
                {"spectrum", r->spectrum != NULL},
                {"rule", s->rule >= 0},
                {"sigma_min", r->sigma_min > 0},
                {"sigma_max", r->sigma_max > 0},
                {"rho", r->rho > 0},
                {"c", r->c > 0}};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        char kinds[SCHEDULE_KINDS_TEXT];
        if (!uses[i].given) continue;
        if (kind < 0)
            return fail(error, "--%s does nothing: the file --%s %s says all noise levels",
                        uses[i].name, option, s->name);
        if (!schedule_kind_uses((ScheduleKind)kind, uses[i].name, kinds))
            return fail(error, "--%s does nothing to the schedule %s: it is for %s", uses[i].name,
                        schedule_kinds[kind], kinds);
    }
    return r->curve == NULL || r->spectrum == NULL ||
           fail(error, "--curve with --spectrum: the spectral schedule reads the latter alone");
}

static void fill_defaults(ScheduleOptions *s) {
    const ScheduleRequest defaults = schedule_request_defaults();
    ScheduleRequest *r = &s->request;
    if (r->steps == 0) r->steps = defaults.steps;
    if (r->rho == 0) r->rho = defaults.rho;
    if (r->c == 0) r->c = defaults.c;
    r->rule = s->rule >= 0 ? (IntegrationRule)s->rule : defaults.rule;
}

bool schedule_options_check(ScheduleOptions *s, const char *option, ScheduleKind fallback,
                            Error *error) {
    ScheduleRequest *r = &s->request;
    const bool order = !isnan(r->order);
    s->file = NULL;
    int kind = s->name != NULL ? schedule_kind_of(s->name) : order ? SCHEDULE_ORDER : (int)fallback;
    if (s->name == NULL && kind == SCHEDULE_EDM && (r->curve != NULL || r->spectrum != NULL))
        return fail(error, "a --curve or --spectrum without --%s or --order: which schedule?", option);
    if (order && kind != SCHEDULE_ORDER)
        return fail(error, "--order %g with --%s %s: give one of them", r->order, option, s->name);
    if (kind == SCHEDULE_ORDER && !order) return fail(error, "--%s order needs --order P", option);
    if (kind < 0) s->file = s->name;
    if (kind < 0 && !file_exists(s->file)) return true; /* as schedule_options_make will say */
    if (!check_uses(s, kind, option, error)) return false;
    fill_defaults(s);
    if (kind < 0) return true;
    r->kind = (ScheduleKind)kind;
    return schedule_request_check(r, error);
}

void schedule_options_files(const ScheduleOptions *s, char memory[PATH_MAX],
                            const char *files[SCHEDULE_FILES]) {
    const ScheduleRequest *r = &s->request;
    files[0] = s->file;
    files[1] = r->curve;
    files[2] = r->spectrum;
    if (r->curve == NULL || r->spectrum != NULL) return;
    char *beside = spectrum_path(r->curve);
    if (beside != NULL && strlen(beside) < PATH_MAX) files[2] = strcpy(memory, beside);
    free(beside);
}

bool schedule_options_make(const ScheduleOptions *s, Schedule *schedule, Error *error) {
    if (s->file == NULL) return schedule_make(schedule, &s->request, error);
    *schedule = (Schedule){0, NULL};
    if (file_exists(s->file)) return schedule_read(schedule, s->file, error);
    return fail(error,
                "schedule %s: no such file, and no kind of schedule (those are edm, log-uniform, "
                "gaussian, entropic, rescaled, spectral, order)",
                s->file);
}
