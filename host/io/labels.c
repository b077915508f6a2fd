#include "io/labels.h"

#include <inttypes.h>
#include <stdlib.h>

#include "io/json.h"

typedef struct {
    const char *title;
    int64_t images;
    int64_t (*find)(const void *context, const char *name);
    const void *context;
    int32_t *labels; /* -1 = none yet */
} Labels;

static bool read_label(const Labels *labels, size_t index, const json_t *pair, Error *error) {
    const char *name = json_string_value(json_array_get(pair, 0));
    const json_t *value = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || name == NULL)
        return fail(error, "%s: labels[%zu] is not [name, label]", labels->title, index);
    if (json_is_array(value))
        return fail(error, "%s: the label of '%.200s' is a list; expected the number of its class",
                    labels->title, name);
    if (!json_is_integer(value))
        return fail(error, "%s: the label of '%.200s' is not a whole number", labels->title, name);
    json_int_t label = json_integer_value(value);
    if (label < 0 || label >= LABELS_MAX)
        return fail(error, "%s: the label of '%.200s' is %" JSON_INTEGER_FORMAT "; expected 0 to %d",
                    labels->title, name, label, LABELS_MAX - 1);
    int64_t image = labels->find(labels->context, name);
    if (image < 0)
        return fail(error, "%s: there is a label for '%.200s', but no such image", labels->title, name);
    if (labels->labels[image] >= 0)
        return fail(error, "%s: '%.200s' has two labels", labels->title, name);
    labels->labels[image] = (int32_t)label;
    return true;
}

static bool read_labels(const Labels *labels, const json_t *list, Error *error) {
    size_t count = json_array_size(list);
    for (int64_t i = 0; i < labels->images; i++) labels->labels[i] = -1;
    for (size_t i = 0; i < count; i++)
        if (!read_label(labels, i, json_array_get(list, i), error)) return false;
    /* Each is of another image, so the count tells. */
    if ((int64_t)count != labels->images)
        return fail(error, "%s: %zu labels for %" PRId64 " images", labels->title, count,
                    labels->images);
    return true;
}

static bool read_document(Labels *labels, const json_t *document, Error *error) {
    if (!json_is_object(document)) return fail(error, "%s: expected an object", labels->title);
    const json_t *list = json_object_get(document, "labels");
    if (list == NULL || json_is_null(list)) return true;
    if (!json_is_array(list))
        return fail(error, "%s: 'labels' is neither a list nor null", labels->title);
    labels->labels = malloc((size_t)(labels->images + 1) * sizeof *labels->labels);
    if (labels->labels == NULL)
        return fail(error, "%s: out of memory for %" PRId64 " labels", labels->title, labels->images);
    return read_labels(labels, list, error);
}

bool labels_parse(const char *text, size_t size, const char *title, int64_t images,
                  int64_t (*find)(const void *context, const char *name), const void *context,
                  int32_t **result, Error *error) {
    Labels labels = {title, images, find, context, NULL};
    *result = NULL;
    json_t *document = json_parse_text(text, size, title, error);
    if (document == NULL) return false;
    bool ok = read_document(&labels, document, error);
    json_decref(document);
    if (ok)
        *result = labels.labels;
    else
        free(labels.labels);
    return ok;
}
