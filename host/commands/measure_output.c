#include "commands/measure_output.h"

#include <stdio.h>
#include <stdlib.h>

#include "commands/session.h"
#include "io/file.h"
#include "io/json.h"
#include "io/origin.h"
#include "io/settings.h"
#include "schedule/times.h"

enum { CURVE_LIMIT = 64 << 20 };

/* ---- what is there ------------------------------------------------------------------------------- */

/* The settings that a curve was measured with; NULL if it is none of this command's. */
static json_t *settings_in(const char *out) {
    json_t *curve = json_read_file(out, CURVE_LIMIT, NULL);
    json_t *settings = json_copy(json_object_get(curve, "provenance"));
    json_decref(curve);
    static const char *const others[] = {"net", "data", "command"};
    for (int i = 0; i < 3; i++) json_object_del(settings, others[i]);
    return settings;
}

static bool check_curve(const char *out, json_t *settings, bool any_device, Error *error) {
    char difference[SETTINGS_DIFFERENCE];
    json_t *then = settings_in(out);
    bool ok = true;
    if (!json_is_object(then))
        ok = fail(error,
                  "%s is there, and no curve of kairos measure: remove it, or choose another --out",
                  out);
    else if (!settings_continue(then, settings, any_device, difference))
        ok = fail(error, "%s was measured with other settings (%s): remove it, or choose another --out",
                  out, difference);
    json_decref(then);
    return ok;
}

/* A spectrum without its curve is a killed run's if the state of that is there too. */
static bool check_spectrum(const char *out, bool there, const char *spectrum, const char *state,
                           bool spectral, Error *error) {
    if (there)
        return !spectral || file_exists(spectrum) ||
               fail(error, "%s is there without its spectrum %s: remove it to measure again", out,
                    spectrum);
    return !file_exists(spectrum) || (spectral && file_exists(state)) ||
           fail(error,
                "%s is there, the spectrum of an older curve: remove it, or choose another --out",
                spectrum);
}

bool measure_output_check(const char *out, const char *state, bool spectral, json_t *settings,
                          bool any_device, bool *done, Error *error) {
    char *spectrum = spectrum_path(out);
    if (spectrum == NULL) return fail(error, "out of memory");
    *done = made_by_kairos(out);
    const bool ok = (!*done || check_curve(out, settings, any_device, error)) &&
                    check_spectrum(out, *done, spectrum, state, spectral, error);
    free(spectrum);
    return ok;
}

/* ---- what is new --------------------------------------------------------------------------------- */

bool measure_output_write(const Curve *curve, const char *out, const json_t *settings,
                          const MeasureOrigin *origin, Error *error) {
    json_t *provenance = json_copy((json_t *)settings);
    json_t *command = session_command_json("measure", origin->count, origin->arguments);
    json_t *names = json_pack("{so so* so}", "net", json_name(origin->net), "data",
                              json_name(origin->data), "command", command);
    bool ok = provenance != NULL && names != NULL && json_object_update(provenance, names) == 0;
    ok = ok || fail(error, "out of memory");
    ok = ok && curve_write(curve, out, provenance, error);
    json_decref(names);
    json_decref(provenance);
    return ok;
}

void measure_output_report(const Curve *curve, const char *out) {
    Error error = {""};
    const int last = curve->levels - 1;
    double *time = calloc(curve->levels, sizeof *time);
    if (time == NULL || !entropic_time(curve, ORDER_RESCALED, RULE_CUBIC, time, &error)) {
        printf("%s: %d levels\n", out, curve->levels);
    } else if (curve->images == 0) {
        printf("%s: %d levels, total rescaled entropy %.6g\n", out, curve->levels, time[last]);
    } else {
        printf("%s: %d levels, %lld images, total rescaled entropy %.6g +- %.2g %%\n", out,
               curve->levels, curve->images, time[last],
               100 * curve->rescaled_error[last] / time[last]);
    }
    free(time);
}
