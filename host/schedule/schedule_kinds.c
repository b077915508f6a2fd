#include "schedule/schedule_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/hash.h"
#include "io/json.h"

const char *const schedule_kinds[] = {"edm",      "log-uniform", "gaussian", "entropic",
                                      "rescaled", "spectral",    "order",    NULL};
const char *const integration_rules[] = {"cubic", "left", NULL};

ScheduleRequest schedule_request_defaults(void) {
    return (ScheduleRequest){.kind = SCHEDULE_EDM, .steps = 32, .rho = 7, .c = 0.5};
}

int schedule_kind_of(const char *name) {
    for (int i = 0; schedule_kinds[i] != NULL; i++)
        if (strcmp(name, schedule_kinds[i]) == 0) return i;
    return -1;
}

/* The ends of a request that leaves them open, where no curve has its own (Karras et al. 2022). */
static const double DEFAULT_MIN = 0.002, DEFAULT_MAX = 80;

/* The request's ends, or the given ones where it leaves them open. */
static double low_end(const ScheduleRequest *r, double low) {
    return r->sigma_min > 0 ? r->sigma_min : low;
}
static double high_end(const ScheduleRequest *r, double high) {
    return r->sigma_max > 0 ? r->sigma_max : high;
}

static bool has_curve(ScheduleKind kind) { return kind >= SCHEDULE_ENTROPIC; }

static bool uses(ScheduleKind kind, const char *setting) {
    if (strcmp(setting, "rho") == 0) return kind == SCHEDULE_EDM;
    if (strcmp(setting, "c") == 0) return kind == SCHEDULE_GAUSSIAN;
    if (strcmp(setting, "spectrum") == 0) return kind == SCHEDULE_SPECTRAL;
    if (strcmp(setting, "curve") == 0 || strcmp(setting, "rule") == 0) return has_curve(kind);
    return true;
}

bool schedule_kind_uses(ScheduleKind kind, const char *setting, char kinds[SCHEDULE_KINDS_TEXT]) {
    size_t length = 0;
    *kinds = '\0';
    for (int i = 0; schedule_kinds[i] != NULL; i++)
        if (uses((ScheduleKind)i, setting))
            length += (size_t)snprintf(kinds + length, SCHEDULE_KINDS_TEXT - length, "%s%s",
                                       length > 0 ? ", " : "", schedule_kinds[i]);
    return uses(kind, setting);
}

bool schedule_request_check(const ScheduleRequest *request, Error *error) {
    const bool curve = has_curve(request->kind),
               ends = request->sigma_min > 0 && request->sigma_max > 0;
    if ((!curve || ends) &&
        !schedule_check_ends(low_end(request, DEFAULT_MIN), high_end(request, DEFAULT_MAX), error))
        return false;
    if (!curve || request->curve != NULL) return true;
    if (request->kind != SCHEDULE_SPECTRAL)
        return fail(error, "the %s schedule needs a --curve (kairos measure makes one)",
                    schedule_kinds[request->kind]);
    return request->spectrum != NULL ||
           fail(error,
                "the spectral schedule needs a --spectrum, or a --curve with one beside it (kairos "
                "measure --spectral makes them)");
}

/* ---- from formulas ------------------------------------------------------------------------------ */

static bool make_from_formula(Schedule *schedule, const ScheduleRequest *r, Error *error) {
    const double low = low_end(r, DEFAULT_MIN), high = high_end(r, DEFAULT_MAX);
    switch (r->kind) {
        case SCHEDULE_LOG_UNIFORM:
            return schedule_log_uniform(schedule, r->steps, low, high, error);
        case SCHEDULE_GAUSSIAN:
            return schedule_gaussian(schedule, r->steps, low, high, r->c, error);
        default:
            return schedule_edm(schedule, r->steps, low, high, r->rho, error);
    }
}

/* ---- from measurements -------------------------------------------------------------------------- */

static double order_of(const ScheduleRequest *r) {
    if (r->kind == SCHEDULE_ENTROPIC) return ORDER_ENTROPIC;
    if (r->kind == SCHEDULE_RESCALED) return ORDER_RESCALED;
    return r->order;
}

/* The times know no file. */
static bool name_file(const char *path, Error *error) {
    const Error reason = *error;
    return fail(error, "%s: %.900s", path, reason.text);
}

static bool make_from_curve(Schedule *schedule, const ScheduleRequest *r, Error *error) {
    Curve curve;
    if (!curve_read(&curve, r->curve, error)) return false;
    const bool ok = schedule_from_curve(schedule, &curve, order_of(r), r->rule, r->steps,
                                        low_end(r, curve.sigma[0]),
                                        high_end(r, curve.sigma[curve.levels - 1]), error);
    curve_free(&curve);
    return ok || name_file(r->curve, error);
}

static bool make_from_spectrum(Schedule *schedule, const ScheduleRequest *r, const char *path,
                               Error *error) {
    Spectrum spectrum;
    if (!spectrum_read(&spectrum, path, error)) return false;
    const bool ok =
        schedule_from_spectrum(schedule, &spectrum, r->rule, r->steps, low_end(r, spectrum.sigma[0]),
                               high_end(r, spectrum.sigma[spectrum.levels - 1]), error);
    spectrum_free(&spectrum);
    return ok || name_file(path, error);
}

/* Where the spectrum of the request lies; allocated. */
static char *spectrum_of(const ScheduleRequest *r) {
    return r->spectrum != NULL ? strdup(r->spectrum) : spectrum_path(r->curve);
}

static bool make_spectral(Schedule *schedule, const ScheduleRequest *r, Error *error) {
    char *path = spectrum_of(r);
    if (path == NULL) return fail(error, "out of memory for the name of a spectrum");
    const bool ok = make_from_spectrum(schedule, r, path, error);
    free(path);
    return ok;
}

bool schedule_make(Schedule *schedule, const ScheduleRequest *request, Error *error) {
    *schedule = (Schedule){0, NULL};
    if (!schedule_request_check(request, error)) return false;
    if (!has_curve(request->kind)) return make_from_formula(schedule, request, error);
    if (request->kind == SCHEDULE_SPECTRAL) return make_spectral(schedule, request, error);
    return make_from_curve(schedule, request, error);
}

/* ---- provenance --------------------------------------------------------------------------------- */

/* The file's name and, as names are used again, the hash of its contents. */
static bool describe_file(json_t *json, const char *kind, const char *path, Error *error) {
    char *data, hash[HASH_TEXT];
    size_t size;
    if (!read_file(path, SIZE_MAX - 1, &data, &size, error)) return false;
    hash_write(hash_bytes(HASH_START, data, size), hash);
    free(data);
    json_object_set_new(json, kind, json_name(path));
    json_object_set_new(json, "hash", json_string(hash));
    return true;
}

static bool describe_source(json_t *json, const ScheduleRequest *r, Error *error) {
    if (!has_curve(r->kind)) return true;
    if (r->kind != SCHEDULE_SPECTRAL) return describe_file(json, "curve", r->curve, error);
    char *path = spectrum_of(r);
    const bool ok = path != NULL ? describe_file(json, "spectrum", path, error)
                                 : fail(error, "out of memory for the name of a spectrum");
    free(path);
    return ok;
}

json_t *schedule_request_describe(const ScheduleRequest *r, Error *error) {
    const bool curve = has_curve(r->kind);
    json_t *json = json_pack("{ss si}", "kind", schedule_kinds[r->kind], "steps", r->steps);
    if (json == NULL) {
        fail(error, "out of memory for the provenance of a schedule");
        return NULL;
    }
    if (r->kind == SCHEDULE_EDM) json_object_set_new(json, "rho", json_real(r->rho));
    if (r->kind == SCHEDULE_GAUSSIAN) json_object_set_new(json, "c", json_real(r->c));
    if (curve && r->kind != SCHEDULE_SPECTRAL)
        json_object_set_new(json, "order", json_real(order_of(r)));
    if (curve) json_object_set_new(json, "rule", json_string(integration_rules[r->rule]));
    if (describe_source(json, r, error)) return json;
    json_decref(json);
    return NULL;
}
