#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/foreign.h"
#include "io/half.h"

typedef struct {
    SafetensorsTensor tensor;
    uint64_t begin, end; /* bytes, counted from the first byte after the header */
} Entry;

struct Safetensors {
    char *name;
    json_t *header;         /* owns the names and the metadata */
    const json_t *metadata; /* within the header, or NULL */
    Entry *entries;         /* ordered by name */
    int count;
    void *mapping; /* NULL if the bytes are the caller's */
    size_t mapped;
};

static const struct {
    const char *name;
    size_t size;
} types[SAFETENSORS_TYPES] = {
    [SAFETENSORS_BOOL] = {"BOOL", 1}, [SAFETENSORS_U8] = {"U8", 1},     [SAFETENSORS_I8] = {"I8", 1},
    [SAFETENSORS_U16] = {"U16", 2},   [SAFETENSORS_I16] = {"I16", 2},   [SAFETENSORS_U32] = {"U32", 4},
    [SAFETENSORS_I32] = {"I32", 4},   [SAFETENSORS_U64] = {"U64", 8},   [SAFETENSORS_I64] = {"I64", 8},
    [SAFETENSORS_F16] = {"F16", 2},   [SAFETENSORS_BF16] = {"BF16", 2}, [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_F64] = {"F64", 8},
};

const char *safetensors_type_name(SafetensorsType type) { return types[type].name; }
size_t safetensors_type_size(SafetensorsType type) { return types[type].size; }

int64_t safetensors_elements(const SafetensorsTensor *tensor) {
    int64_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= tensor->shape[i];
    return count;
}

const char *safetensors_shape_text(const SafetensorsTensor *tensor, char text[256]) {
    int length = snprintf(text, 256, "[");
    for (int i = 0; i < tensor->rank; i++)
        length += snprintf(text + length, 256 - (size_t)length, "%s%" PRId64, i > 0 ? ", " : "",
                           tensor->shape[i]);
    snprintf(text + length, 256 - (size_t)length, "]");
    return text;
}

/* ---- the header --------------------------------------------------------------------------------- */

/* A non-negative JSON integer. */
static bool get_size(const json_t *value, int64_t *size) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *size = json_integer_value(value);
    return true;
}

static bool read_type(const json_t *value, SafetensorsType *type) {
    const char *text = json_string_value(value);
    for (int t = 0; text != NULL && t < SAFETENSORS_TYPES; t++)
        if (strcmp(text, types[t].name) == 0) {
            *type = (SafetensorsType)t;
            return true;
        }
    return false;
}

/* The shape, and the bytes that it takes. */
static bool read_shape(const json_t *value, const char *file, SafetensorsTensor *tensor,
                       uint64_t *bytes, Error *error) {
    if (!json_is_array(value))
        return fail(error, "%s: tensor '%s' has no list of sizes as its shape", file, tensor->name);
    if (json_array_size(value) > SAFETENSORS_MAX_RANK)
        return fail(error, "%s: tensor '%s' has %zu dimensions; at most %d are supported", file,
                    tensor->name, json_array_size(value), SAFETENSORS_MAX_RANK);
    tensor->rank = (int)json_array_size(value);
    *bytes = types[tensor->type].size;
    bool overflow = false;
    for (int i = 0; i < tensor->rank; i++) {
        if (!get_size(json_array_get(value, (size_t)i), &tensor->shape[i]))
            return fail(error, "%s: tensor '%s': size %d of its shape is not a non-negative integer",
                        file, tensor->name, i);
        /* Every partial product counts, also before a size of 0: safetensors_elements makes them too.
         */
        overflow |=
            __builtin_mul_overflow(*bytes, (uint64_t)tensor->shape[i], bytes) || *bytes > INT64_MAX;
    }
    if (overflow)
        return fail(error, "%s: tensor '%s' has a shape whose size overflows", file, tensor->name);
    return true;
}

static bool read_entry(const char *file, const char *name, const json_t *value, const uint8_t *data,
                       uint64_t size, Entry *entry, Error *error) {
    SafetensorsTensor *tensor = &entry->tensor;
    int64_t begin, end;
    uint64_t bytes = 0;
    tensor->name = name;
    if (*name == '\0') return fail(error, "%s: a tensor has an empty name", file);
    if (strlen(name) > SAFETENSORS_MAX_NAME)
        return fail(error, "%s: the tensor name '%.40s...' is %zu bytes long; at most %d are supported",
                    file, name, strlen(name), SAFETENSORS_MAX_NAME);
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_object_size(value) != 3 || json_object_get(value, "dtype") == NULL ||
        json_object_get(value, "shape") == NULL || offsets == NULL)
        return fail(error, "%s: tensor '%s' is not described by exactly dtype, shape and data_offsets",
                    file, name);
    if (!read_type(json_object_get(value, "dtype"), &tensor->type)) {
        const char *text = json_string_value(json_object_get(value, "dtype"));
        return fail(error, "%s: tensor '%s' has the unsupported dtype '%.40s'", file, name,
                    text != NULL ? text : "(not a text)");
    }
    if (!read_shape(json_object_get(value, "shape"), file, tensor, &bytes, error)) return false;
    if (json_array_size(offsets) != 2 || !get_size(json_array_get(offsets, 0), &begin) ||
        !get_size(json_array_get(offsets, 1), &end) || begin > end)
        return fail(error, "%s: tensor '%s': data_offsets is not [begin, end] with 0 <= begin <= end",
                    file, name);
    if ((uint64_t)end > size)
        return fail(error, "%s: tensor '%s' ends at byte %" PRId64 " of %" PRIu64 " bytes of data",
                    file, name, end, size);
    if ((uint64_t)(end - begin) != bytes)
        return fail(error,
                    "%s: tensor '%s' has %" PRId64 " bytes, but its type and shape need %" PRIu64, file,
                    name, end - begin, bytes);
    entry->begin = (uint64_t)begin;
    entry->end = (uint64_t)end;
    tensor->data = data + begin;
    return true;
}

static int compare_offsets(const void *a, const void *b) {
    const Entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->tensor.name, y->tensor.name);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const Entry *)a)->tensor.name, ((const Entry *)b)->tensor.name);
}

/* In the order of their offsets the tensors must cover the data without overlaps or gaps. */
static bool check_layout(Safetensors *file, uint64_t size, Error *error) {
    uint64_t at = 0;
    if (file->count > 1) qsort(file->entries, (size_t)file->count, sizeof(Entry), compare_offsets);
    for (int i = 0; i < file->count; i++) {
        const Entry *entry = &file->entries[i];
        if (entry->begin < at)
            return fail(error, "%s: tensors '%s' and '%s' overlap", file->name, entry[-1].tensor.name,
                        entry->tensor.name);
        if (entry->begin > at)
            return fail(error, "%s: %" PRIu64 " bytes before tensor '%s' belong to no tensor",
                        file->name, entry->begin - at, entry->tensor.name);
        at = entry->end;
    }
    if (at != size)
        return fail(error, "%s: the last %" PRIu64 " bytes belong to no tensor", file->name, size - at);
    if (file->count > 1) qsort(file->entries, (size_t)file->count, sizeof(Entry), compare_names);
    return true;
}

static bool check_metadata(const char *file, const json_t *metadata, Error *error) {
    if (!json_is_object(metadata)) return fail(error, "%s: __metadata__ is not an object", file);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value))
            return fail(error, "%s: the metadata '%.40s' is not a text", file, key);
    }
    return true;
}

/* `data`: the `size` bytes after the header. */
static bool read_entries(Safetensors *file, const uint8_t *data, uint64_t size, Error *error) {
    size_t keys = json_object_size(file->header);
    if (keys > INT_MAX) return fail(error, "%s: %zu tensors are too many", file->name, keys);
    file->entries = calloc(keys + 1, sizeof(Entry));
    if (file->entries == NULL)
        return fail(error, "%s: out of memory for %zu tensors", file->name, keys);
    const char *key;
    json_t *value;
    json_object_foreach(file->header, key, value) {
        if (strcmp(key, "__metadata__") == 0) {
            if (!check_metadata(file->name, value, error)) return false;
            file->metadata = value;
        } else if (!read_entry(file->name, key, value, data, size, &file->entries[file->count++],
                               error)) {
            return false;
        }
    }
    return check_layout(file, size, error);
}

static bool parse(Safetensors *file, const uint8_t *bytes, size_t size, Error *error) {
    uint64_t length;
    if (size < sizeof length)
        return fail(error, "%s is not a safetensors file: it has only %zu bytes", file->name, size);
    memcpy(&length, bytes, sizeof length);
    bytes += sizeof length;
    size -= sizeof length;
    if (length > SAFETENSORS_MAX_HEADER)
        return fail(error,
                    "%s is not a safetensors file: a header of %" PRIu64 " bytes; at most %d are read",
                    file->name, length, SAFETENSORS_MAX_HEADER);
    if (length > size)
        return fail(error, "%s is cut short: its header has %" PRIu64 " bytes, of which %zu are there",
                    file->name, length, size);
    if (length == 0 || *bytes != '{')
        return fail(error, "%s is not a safetensors file: its header does not begin with '{'",
                    file->name);
    json_error_t reason;
    file->header = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, &reason);
    if (file->header == NULL)
        return fail(error, "%s: its header is not valid JSON: %s, at byte %d", file->name, reason.text,
                    reason.position);
    return read_entries(file, bytes + length, size - length, error);
}

/* Not more than its begin; the length before it may be that of any other file's first bytes. */
static bool has_header(const char *data, size_t size) { return size > 8 && data[8] == '{'; }

/* ---- opening and closing ------------------------------------------------------------------------ */

Safetensors *safetensors_parse(const void *data, size_t size, const char *name, Error *error) {
    Safetensors *file = calloc(1, sizeof *file);
    if (file == NULL || (file->name = strdup(name)) == NULL) {
        free(file);
        fail(error, "%s: out of memory", name);
        return NULL;
    }
    if (parse(file, data, size, error)) return file;
    if (!has_header(data, size)) fail_as_foreign(name, data, size, "a safetensors file", error);
    safetensors_close(file);
    return NULL;
}

Safetensors *safetensors_open(const char *path, Error *error) {
    struct stat status;
    void *mapping = NULL;
    /* Not to wait for the writer of a pipe. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        fail_to_open(path, error);
    } else if (!S_ISREG(status.st_mode)) {
        fail(error, "%s is not a safetensors file: it is a %s", path,
             S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
    } else if (status.st_size < 8) {
        fail(error, "%s is not a safetensors file: it has only %d bytes", path, (int)status.st_size);
    } else {
        mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (mapping == MAP_FAILED) {
            fail(error, "cannot map %s: %s", path, strerror(errno));
            mapping = NULL;
        }
    }
    if (descriptor >= 0) close(descriptor);
    if (mapping == NULL) return NULL;
    Safetensors *file = safetensors_parse(mapping, (size_t)status.st_size, path, error);
    if (file == NULL) {
        munmap(mapping, (size_t)status.st_size);
        return NULL;
    }
    file->mapping = mapping;
    file->mapped = (size_t)status.st_size;
    return file;
}

void safetensors_close(Safetensors *file) {
    if (file == NULL) return;
    if (file->mapping != NULL) munmap(file->mapping, file->mapped);
    json_decref(file->header);
    free(file->entries);
    free(file->name);
    free(file);
}

/* ---- looking up --------------------------------------------------------------------------------- */

int safetensors_count(const Safetensors *file) { return file->count; }
const char *safetensors_name(const Safetensors *file) { return file->name; }

const SafetensorsTensor *safetensors_tensor(const Safetensors *file, int index) {
    return &file->entries[index].tensor;
}

const SafetensorsTensor *safetensors_find(const Safetensors *file, const char *name) {
    Entry wanted = {.tensor.name = name};
    const Entry *entry =
        bsearch(&wanted, file->entries, (size_t)file->count, sizeof(Entry), compare_names);
    return entry != NULL ? &entry->tensor : NULL;
}

const char *safetensors_metadata(const Safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

const SafetensorsTensor *safetensors_expect(const Safetensors *file, const char *name, int rank,
                                            const int64_t *shape, Error *error) {
    const SafetensorsTensor *tensor = safetensors_find(file, name);
    if (tensor == NULL) {
        fail(error, "%s: there is no tensor '%s'", file->name, name);
        return NULL;
    }
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) same = shape[i] == -1 || shape[i] == tensor->shape[i];
    if (same) return tensor;
    SafetensorsTensor expected = {.rank = rank};
    memcpy(expected.shape, shape, (size_t)rank * sizeof *shape);
    char found_text[256], expected_text[256];
    fail(error, "%s: tensor '%s' has the shape %s, expected %s", file->name, name,
         safetensors_shape_text(tensor, found_text), safetensors_shape_text(&expected, expected_text));
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------------- */

static const SafetensorsTensor *find_of_count(const Safetensors *file, const char *name, size_t count,
                                              Error *error) {
    const SafetensorsTensor *tensor = safetensors_find(file, name);
    char shape[256];
    if (tensor == NULL) {
        fail(error, "%s: there is no tensor '%s'", file->name, name);
    } else if ((uint64_t)safetensors_elements(tensor) != count) {
        fail(error, "%s: tensor '%s' has the shape %s, expected %zu values", file->name, name,
             safetensors_shape_text(tensor, shape), count);
        tensor = NULL;
    }
    return tensor;
}

/* values[i] = EXPRESSION of x, the tensor's element i; memcpy, as the data may not be aligned. */
#define CONVERT(TYPE, EXPRESSION)                  \
    for (size_t i = 0; i < count; i++) {           \
        TYPE x;                                    \
        memcpy(&x, data + i * sizeof x, sizeof x); \
        values[i] = (EXPRESSION);                  \
    }                                              \
    return true

bool safetensors_read_floats(const Safetensors *file, const char *name, float *values, size_t count,
                             Error *error) {
    const SafetensorsTensor *tensor = find_of_count(file, name, count, error);
    if (tensor == NULL) return false;
    const uint8_t *data = tensor->data;
    switch (tensor->type) {
        case SAFETENSORS_F16:
            CONVERT(uint16_t, half_to_float(x));
        case SAFETENSORS_BF16:
            CONVERT(uint16_t, bfloat16_to_float(x));
        case SAFETENSORS_F32:
            CONVERT(float, x);
        case SAFETENSORS_F64:
            CONVERT(double, (float)x);
        default:
            return fail(error, "%s: tensor '%s' is of type %s, expected F16, BF16, F32 or F64",
                        file->name, name, types[tensor->type].name);
    }
}

bool safetensors_read_integers(const Safetensors *file, const char *name, int64_t *values, size_t count,
                               Error *error) {
    const SafetensorsTensor *tensor = find_of_count(file, name, count, error);
    if (tensor == NULL) return false;
    const uint8_t *data = tensor->data;
    switch (tensor->type) {
        case SAFETENSORS_BOOL:
        case SAFETENSORS_U8:
            CONVERT(uint8_t, x);
        case SAFETENSORS_I8:
            CONVERT(int8_t, x);
        case SAFETENSORS_U16:
            CONVERT(uint16_t, x);
        case SAFETENSORS_I16:
            CONVERT(int16_t, x);
        case SAFETENSORS_U32:
            CONVERT(uint32_t, x);
        case SAFETENSORS_I32:
            CONVERT(int32_t, x);
        case SAFETENSORS_I64:
            CONVERT(int64_t, x);
        case SAFETENSORS_U64:
            for (size_t i = 0; i < count; i++) {
                memcpy(&values[i], data + i * 8, 8);
                if (values[i] < 0)
                    return fail(error, "%s: tensor '%s': value %zu passes the range of 64-bit integers",
                                file->name, name, i);
            }
            return true;
        default:
            return fail(error, "%s: tensor '%s' is of type %s, expected integers", file->name, name,
                        types[tensor->type].name);
    }
}
