#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"

/* Widest element first, then by name. */
static int compare_layout(const void *a, const void *b) {
    const SafetensorsTensor *x = *(const SafetensorsTensor *const *)a;
    const SafetensorsTensor *y = *(const SafetensorsTensor *const *)b;
    size_t x_size = safetensors_type_size(x->type), y_size = safetensors_type_size(y->type);
    if (x_size != y_size) return x_size > y_size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool tensor_bytes_checked(const char *path, const SafetensorsTensor *tensor, uint64_t *bytes,
                                 Error *error) {
    bool bad = tensor->rank < 0 || tensor->rank > SAFETENSORS_MAX_RANK;
    *bytes = safetensors_type_size(tensor->type);
    for (int i = 0; !bad && i < tensor->rank; i++)
        bad = tensor->shape[i] < 0 ||
              __builtin_mul_overflow(*bytes, (uint64_t)tensor->shape[i], bytes) || *bytes > INT64_MAX;
    return !bad || fail(error, "cannot write %s: tensor '%s' has no valid shape", path, tensor->name);
}

static bool add_tensor(const char *path, json_t *header, const SafetensorsTensor *tensor,
                       uint64_t *offset, Error *error) {
    uint64_t bytes;
    size_t length = strlen(tensor->name);
    if (length == 0 || length > SAFETENSORS_MAX_NAME || strcmp(tensor->name, "__metadata__") == 0)
        return fail(error, "cannot write %s: '%.40s' cannot name a tensor", path, tensor->name);
    if (json_object_get(header, tensor->name) != NULL)
        return fail(error, "cannot write %s: two tensors are named '%s'", path, tensor->name);
    if (!tensor_bytes_checked(path, tensor, &bytes, error)) return false;
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) json_array_append_new(shape, json_integer(tensor->shape[i]));
    json_t *entry =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", safetensors_type_name(tensor->type), "shape", shape,
                  "data_offsets", (json_int_t)*offset, (json_int_t)(*offset + bytes));
    *offset += bytes;
    if (json_object_set_new(header, tensor->name, entry) != 0)
        return fail(error, "cannot write %s: the name of tensor '%.40s' is not UTF-8, or out of memory",
                    path, tensor->name);
    return true;
}

static bool add_metadata(const char *path, json_t *header, const SafetensorsText *metadata, int count,
                         Error *error) {
    json_t *object = json_object();
    bool ok = true;
    for (int i = 0; ok && i < count; i++)
        if (json_object_set_new(object, metadata[i].key, json_string(metadata[i].text)) != 0)
            ok = fail(error, "cannot write %s: the metadata '%.40s' is not UTF-8, or out of memory",
                      path, metadata[i].key);
    if (ok && count > 0 && json_object_set(header, "__metadata__", object) != 0)
        ok = fail(error, "cannot write %s: out of memory", path);
    json_decref(object);
    return ok;
}

/* The header as text, padded with spaces to a multiple of 8 bytes. */
static char *header_text(const char *path, const SafetensorsTensor **order, int count,
                         const SafetensorsText *metadata, int metadata_count, uint64_t *length,
                         Error *error) {
    uint64_t offset = 0;
    json_t *header = json_object();
    bool ok = add_metadata(path, header, metadata, metadata_count, error);
    for (int i = 0; ok && i < count; i++) ok = add_tensor(path, header, order[i], &offset, error);
    char *text = NULL;
    if (ok) {
        size_t size = json_dumpb(header, NULL, 0, JSON_COMPACT);
        *length = (size + 7) / 8 * 8;
        if (size == 0 || (text = malloc(*length)) == NULL) {
            fail(error, "cannot write %s: out of memory for its header", path);
        } else {
            memset(text, ' ', *length);
            json_dumpb(header, text, size, JSON_COMPACT);
        }
    }
    json_decref(header);
    return text;
}

static bool write_parts(const char *path, const char *header, uint64_t length,
                        const SafetensorsTensor **order, int count, Error *error) {
    AtomicFile *file = atomic_file_begin(path, error);
    if (file == NULL) return false;
    atomic_file_write(file, &length, sizeof length);
    atomic_file_write(file, header, length);
    for (int i = 0; i < count; i++) {
        size_t size = safetensors_type_size(order[i]->type) * (size_t)safetensors_elements(order[i]);
        atomic_file_write(file, order[i]->data, size);
    }
    return atomic_file_commit(file, true, error);
}

bool safetensors_write(const char *path, const SafetensorsTensor *tensors, int count,
                       const SafetensorsText *metadata, int metadata_count, Error *error) {
    const SafetensorsTensor **order = calloc((size_t)count + 1, sizeof *order);
    if (order == NULL) return fail(error, "cannot write %s: out of memory", path);
    for (int i = 0; i < count; i++) order[i] = &tensors[i];
    qsort(order, (size_t)count, sizeof *order, compare_layout);
    uint64_t length;
    char *header = header_text(path, order, count, metadata, metadata_count, &length, error);
    bool ok = header != NULL && write_parts(path, header, length, order, count, error);
    free(header);
    free(order);
    return ok;
}
