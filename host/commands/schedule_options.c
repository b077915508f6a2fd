#include "commands/schedule_options.h"

#include <math.h>
#include <string.h>

#include "io/file.h"

ScheduleOptions schedule_options_defaults(void) {
    ScheduleOptions s = {.request = schedule_request_defaults()};
    s.request.order = NAN;
    return s;
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
         .low = -20,
         .high = 20,
         .default_text = "",
         .help = "equal steps in the integral of error / sigma^P: 2 is rescaled, 3 entropic"},
        {.name = "rule",
         .kind = OPTION_CHOICE,
         .value = &s->rule,
         .choices = integration_rules,
         .help = "integration by monotone cubics, or the left Riemann sum"},
        {.name = "sigma_min",
         .kind = OPTION_DOUBLE,
         .value = &r->sigma_min,
         .argument = "S",
         .low = 1e-12,
         .high = 1e12,
         .default_text = "the curve's, else 0.002",
         .help = "lowest noise level before 0"},
        {.name = "sigma_max",
         .kind = OPTION_DOUBLE,
         .value = &r->sigma_max,
         .argument = "S",
         .low = 1e-12,
         .high = 1e12,
         .default_text = "the curve's, else 80",
         .help = "highest noise level"},
        {.name = "rho",
         .kind = OPTION_DOUBLE,
         .value = &r->rho,
         .argument = "R",
         .low = 1e-3,
         .high = 1e6,
         .help = "exponent of the edm schedule"},
        {.name = "c",
         .kind = OPTION_DOUBLE,
         .value = &r->c,
         .argument = "C",
         .low = 1e-6,
         .high = 1e6,
         .help = "standard deviation of the data, of the gaussian schedule"},
    };
    _Static_assert(sizeof table / sizeof *table == SCHEDULE_OPTIONS, "room for the options");
    memcpy(options, table, sizeof table);
    return SCHEDULE_OPTIONS;
}

bool schedule_options_check(ScheduleOptions *s, const char *option, int fallback, Error *error) {
    ScheduleRequest *r = &s->request;
    const bool order = !isnan(r->order);
    s->file = NULL;
    r->rule = (IntegrationRule)s->rule;
    int kind = s->name != NULL ? schedule_kind_of(s->name) : order ? SCHEDULE_ORDER : fallback;
    if (s->name == NULL && kind < 0) return fail(error, "give a --%s, or --order P", option);
    if (s->name == NULL && !order && (r->curve != NULL || r->spectrum != NULL))
        return fail(error, "a --curve or --spectrum without --%s or --order: which schedule?", option);
    if (order && kind != SCHEDULE_ORDER)
        return fail(error, "--order %g with --%s %s: give one of them", r->order, option, s->name);
    if (kind == SCHEDULE_ORDER && !order) return fail(error, "--%s order needs --order P", option);
    if (kind < 0) {
        s->file = s->name;
        return true;
    }
    r->kind = (ScheduleKind)kind;
    return schedule_request_check(r, error);
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
