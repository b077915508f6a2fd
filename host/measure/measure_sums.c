#include "measure/measure_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "io/settings.h"

/* An array of the sums, as the file has it, and the place of its pointer. */
typedef struct {
    const char *name;
    int rank;
    int64_t shape[2];
    double **place;
} Part;

enum { PARTS = 11 };

static void list_parts(MeasureSums *sums, Part parts[PARTS]) {
    const int64_t t = sums->levels, d = (int64_t)sums->directions, p = sums->controls;
    const Part all[PARTS] = {{"sum", 1, {t}, &sums->sum},
                             {"square", 1, {t}, &sums->square},
                             {"entropy", 2, {t, 2}, &sums->entropy},
                             {"rescaled", 2, {t, 2}, &sums->rescaled},
                             {"power", 2, {t, d}, &sums->power},
                             {"amplitude", 1, {d}, &sums->amplitude},
                             {"control", 1, {p}, &sums->control},
                             {"control_product", 2, {p, p}, &sums->control_product},
                             {"control_squared", 2, {t, p}, &sums->control_squared},
                             {"control_entropy", 2, {t, p}, &sums->control_entropy},
                             {"control_rescaled", 2, {t, p}, &sums->control_rescaled}};
    memcpy(parts, all, sizeof all);
}

static size_t part_values(const Part *part) {
    return (size_t)part->shape[0] * (part->rank == 2 ? part->shape[1] : 1);
}

bool measure_sums_create(MeasureSums *sums, int levels, size_t directions, int controls, Error *error) {
    Part parts[PARTS];
    size_t values = 0;
    *sums = (MeasureSums){.levels = levels, .directions = directions, .controls = controls};
    list_parts(sums, parts);
    for (int i = 0; i < PARTS; i++) values += part_values(&parts[i]);
    double *next = sums->memory = calloc(values, sizeof(double));
    if (next == NULL) return fail(error, "out of memory for the sums of %d noise levels", levels);
    for (int i = 0; i < PARTS; i++) {
        *parts[i].place = next;
        next += part_values(&parts[i]);
    }
    return true;
}

void measure_sums_free(MeasureSums *sums) {
    free(sums->memory);
    *sums = (MeasureSums){0};
}

/* ---- the file ------------------------------------------------------------------------------------ */

/* The images, and the parts that have any values; their number. */
static int list_tensors(MeasureSums *sums, SafetensorsTensor tensors[PARTS + 1]) {
    Part parts[PARTS];
    int count = 0;
    list_parts(sums, parts);
    tensors[count++] = (SafetensorsTensor){"images", SAFETENSORS_I64, 1, {1}, &sums->images};
    for (const Part *part = parts; part < parts + PARTS; part++)
        if (part_values(part) > 0)
            tensors[count++] = (SafetensorsTensor){part->name,
                                                   SAFETENSORS_F64,
                                                   part->rank,
                                                   {part->shape[0], part->shape[1]},
                                                   *part->place};
    return count;
}

bool measure_sums_write(const MeasureSums *sums, const char *path, const json_t *settings,
                        Error *error) {
    char *text = json_dumps(settings, JSON_SORT_KEYS | JSON_COMPACT);
    if (text == NULL) return fail(error, "%s: out of memory", path);
    const SafetensorsText metadata = {"settings", text};
    MeasureSums same = *sums;
    SafetensorsTensor tensors[PARTS + 1];
    const int count = list_tensors(&same, tensors);
    const bool ok = safetensors_write(path, tensors, count, &metadata, 1, error);
    free(text);
    return ok;
}

static bool check_settings(const Safetensors *file, json_t *settings, bool any_device, Error *error) {
    const char *text = safetensors_metadata(file, "settings");
    char difference[SETTINGS_DIFFERENCE] = "none are stated";
    json_t *then = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const bool ok = then != NULL && settings_continue(then, settings, any_device, difference);
    json_decref(then);
    return ok || fail(error,
                      "%s: left by an unfinished measurement with other settings (%s): remove it, or "
                      "choose another --out",
                      safetensors_name(file), difference);
}

static bool read_tensor(const Safetensors *file, const SafetensorsTensor *wanted, Error *error) {
    const SafetensorsTensor *found =
        safetensors_expect(file, wanted->name, wanted->rank, wanted->shape, error);
    if (found == NULL) return false;
    if (found->type != wanted->type)
        return fail(error, "%s: %s is of type %s, expected %s", safetensors_name(file), wanted->name,
                    safetensors_type_name(found->type), safetensors_type_name(wanted->type));
    const size_t values = safetensors_elements(found);
    memcpy((void *)wanted->data, found->data, values * safetensors_type_size(found->type));
    const double *numbers = wanted->data;
    for (size_t i = 0; found->type == SAFETENSORS_F64 && i < values; i++)
        if (!isfinite(numbers[i]))
            return fail(error, "%s: %s has the value %g, expected finite numbers",
                        safetensors_name(file), wanted->name, numbers[i]);
    return true;
}

/* Left by a run that failed at its start, which keeps nobody out. */
static bool is_of_no_images(const Safetensors *file) {
    int64_t images = 0;
    return safetensors_read_integers(file, "images", &images, 1, NULL) && images == 0;
}

bool measure_sums_read(MeasureSums *sums, const char *path, json_t *settings, bool any_device,
                       Error *error) {
    if (!file_exists(path)) return true;
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    if (is_of_no_images(file)) {
        safetensors_close(file);
        return true;
    }
    SafetensorsTensor tensors[PARTS + 1];
    const int count = list_tensors(sums, tensors);
    bool ok = check_settings(file, settings, any_device, error);
    for (int i = 0; ok && i < count; i++) ok = read_tensor(file, &tensors[i], error);
    if (ok && sums->images < 0)
        ok = fail(error, "%s: images is %lld, expected at least 0", path, (long long)sums->images);
    safetensors_close(file);
    return ok;
}
