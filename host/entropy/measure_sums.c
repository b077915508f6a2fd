#include "entropy/measure_sums.h"

#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "io/settings.h"

bool measure_sums_create(MeasureSums *sums, int levels, size_t directions, int controls, Error *error) {
    *sums = (MeasureSums){.levels = levels, .directions = directions, .controls = controls};
    const size_t t = levels, p = controls;
    const struct {
        double **place;
        size_t values;
    } parts[] = {{&sums->sum, t},
                 {&sums->square, t},
                 {&sums->entropy, 2 * t},
                 {&sums->rescaled, 2 * t},
                 {&sums->power, t * directions},
                 {&sums->amplitude, directions},
                 {&sums->control, p},
                 {&sums->control_product, p * p},
                 {&sums->control_sum, t * p},
                 {&sums->control_entropy, t * p},
                 {&sums->control_rescaled, t * p},
                 {&sums->control_mean, p}};
    const size_t count = sizeof parts / sizeof *parts;
    size_t values = 0;
    for (size_t i = 0; i < count; i++) values += parts[i].values;
    double *next = sums->memory = calloc(values, sizeof(double));
    if (next == NULL) return fail(error, "out of memory for the sums of %d noise levels", levels);
    for (size_t i = 0; i < count; i++) {
        *parts[i].place = next;
        next += parts[i].values;
    }
    return true;
}

void measure_sums_free(MeasureSums *sums) {
    free(sums->memory);
    *sums = (MeasureSums){0};
}

/* All that the file holds: the sums' own memory. */
enum { TENSORS = 12 };

static void list_tensors(MeasureSums *sums, SafetensorsTensor tensors[TENSORS]) {
    const int64_t levels = sums->levels, directions = (int64_t)sums->directions, p = sums->controls;
    const SafetensorsTensor all[TENSORS] = {
        {"images", SAFETENSORS_I64, 1, {1}, &sums->images},
        {"sum", SAFETENSORS_F64, 1, {levels}, sums->sum},
        {"square", SAFETENSORS_F64, 1, {levels}, sums->square},
        {"entropy", SAFETENSORS_F64, 2, {levels, 2}, sums->entropy},
        {"rescaled", SAFETENSORS_F64, 2, {levels, 2}, sums->rescaled},
        {"power", SAFETENSORS_F64, 2, {levels, directions}, sums->power},
        {"amplitude", SAFETENSORS_F64, 1, {directions}, sums->amplitude},
        {"control", SAFETENSORS_F64, 1, {p}, sums->control},
        {"control_product", SAFETENSORS_F64, 2, {p, p}, sums->control_product},
        {"control_sum", SAFETENSORS_F64, 2, {levels, p}, sums->control_sum},
        {"control_entropy", SAFETENSORS_F64, 2, {levels, p}, sums->control_entropy},
        {"control_rescaled", SAFETENSORS_F64, 2, {levels, p}, sums->control_rescaled}};
    memcpy(tensors, all, sizeof all);
}

bool measure_sums_write(const MeasureSums *sums, const char *path, const json_t *settings,
                        Error *error) {
    char *text = json_dumps(settings, JSON_SORT_KEYS | JSON_COMPACT);
    if (text == NULL) return fail(error, "%s: out of memory", path);
    const SafetensorsText metadata = {"settings", text};
    MeasureSums same = *sums;
    SafetensorsTensor tensors[TENSORS];
    list_tensors(&same, tensors);
    const bool ok = safetensors_write(path, tensors, TENSORS, &metadata, 1, error);
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
    memcpy((void *)wanted->data, found->data,
           safetensors_elements(found) * safetensors_type_size(found->type));
    return true;
}

bool measure_sums_read(MeasureSums *sums, const char *path, json_t *settings, bool any_device,
                       Error *error) {
    if (!file_exists(path)) return true;
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    bool ok = check_settings(file, settings, any_device, error);
    SafetensorsTensor tensors[TENSORS];
    list_tensors(sums, tensors);
    for (int i = 0; ok && i < TENSORS; i++) ok = read_tensor(file, &tensors[i], error);
    if (ok && sums->images < 0)
        ok = fail(error, "%s: images is %lld, expected at least 0", path, (long long)sums->images);
    safetensors_close(file);
    return ok;
}
