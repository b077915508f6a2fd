/* The result of kairos evaluate: found in a file that an earlier run has left, and printed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/evaluate.h"
#include "io/json.h"
#include "io/origin.h"
#include "io/settings.h"

enum { RESULT_LIMIT = 16 << 20 };

/* The same contents may have another name.  Older results know the names alone. */
static bool same_reference(const json_t *then, const json_t *now,
                           char difference[SETTINGS_DIFFERENCE]) {
    const json_t *hash = json_object_get(then, "hash");
    if (hash != NULL && json_equal(hash, json_object_get(now, "hash"))) return true;
    json_t *own = json_copy((json_t *)now);
    if (hash == NULL) json_object_del(own, "hash");
    const bool differ = settings_differ(then, own, difference);
    json_decref(own);
    return !differ;
}

/* The same images may have another name too. */
static bool same_settings(const json_t *then, json_t *now, bool any_device,
                          char difference[SETTINGS_DIFFERENCE]) {
    json_t *was = json_copy((json_t *)then);
    if (json_object_get(then, "images_hash") != NULL && json_object_get(now, "images") != NULL)
        json_object_set(was, "images", json_object_get(now, "images"));
    const bool same = settings_continue(was, now, any_device, difference);
    json_decref(was);
    return same;
}

static bool check_result(const char *out, const json_t *result, json_t *settings,
                         const json_t *reference, bool any_device, Error *error) {
    const json_t *was = json_object_get(result, "settings"),
                 *ref = json_object_get(result, "reference");
    char difference[SETTINGS_DIFFERENCE];
    if (!json_is_object(was) || !json_is_object(ref) ||
        !json_is_number(json_object_get(result, "distance")) ||
        !json_is_integer(json_object_get(result, "images")))
        return fail(error, "%s: expected a result of kairos evaluate or a new name", out);
    if (!same_settings(was, settings, any_device, difference))
        return fail(error,
                    "%s: holds a result of other settings (%s): remove it, or choose another --out",
                    out, difference);
    return same_reference(ref, reference, difference) ||
           fail(error,
                "%s: holds a result of another reference (%s): remove it, or choose another --out", out,
                difference);
}

bool evaluate_find_result(const char *out, json_t *settings, const json_t *reference, bool any_device,
                          json_t **result, Error *error) {
    *result = NULL;
    if (out == NULL || !made_by_kairos(out)) return true;
    json_t *found = json_read_file(out, RESULT_LIMIT, error);
    if (found == NULL) return false;
    if (check_result(out, found, settings, reference, any_device, error)) {
        *result = found;
        return true;
    }
    json_decref(found);
    return false;
}

bool evaluate_print_result(const json_t *result, bool as_json, Error *error) {
    const json_int_t images = json_integer_value(json_object_get(result, "images"));
    if (!as_json) {
        printf("Frechet distance %.6f (%" PRId64 " images",
               json_number_value(json_object_get(result, "distance")), (int64_t)images);
        const json_t *floor =
            json_object_get(result, "floor"); /* results of older versions have none */
        if (floor != NULL) printf("; as many draws of the reference: %.3g", json_number_value(floor));
        printf(")\n");
        return true;
    }
    char *text = json_dumps(result, JSON_INDENT(2));
    if (text == NULL) return fail(error, "out of memory");
    puts(text);
    free(text);
    return true;
}
