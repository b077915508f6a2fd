#include "io/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/foreign.h"
#include "io/nearest.h"

json_t *json_parse_text(const char *text, size_t size, const char *name, Error *error) {
    json_error_t reason;
    static const char mark[] = "\xEF\xBB\xBF"; /* a byte-order mark, as some editors write it */
    const size_t skip = size >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    json_t *value =
        json_loadb(text + skip, size - skip, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (value == NULL)
        fail(error, "%s: line %d, column %d: %s", name, reason.line, reason.column, reason.text);
    return value;
}

json_t *json_read_file(const char *path, size_t limit, Error *error) {
    char *text;
    size_t size;
    if (!read_file(path, limit, &text, &size, error)) return NULL;
    json_t *value = json_parse_text(text, size, path, error);
    if (value == NULL) fail_as_foreign(path, text, size, "a JSON file", error);
    free(text);
    return value;
}

/* Bytes of the UTF-8 character at `text`; 0 = it is none. */
static size_t character_size(const char *text) {
    for (size_t size = 1; size <= 4 && text[size - 1] != '\0'; size++) {
        json_t *character = json_stringn(text, size);
        json_decref(character);
        if (character != NULL) return size;
    }
    return 0;
}

json_t *json_name(const char *text) {
    static const char replacement[] = "\xEF\xBF\xBD";
    json_t *name = json_string(text);
    if (name != NULL || text == NULL) return name;
    char *valid = malloc(strlen(text) * strlen(replacement) + 1);
    size_t length = 0;
    while (valid != NULL && *text != '\0') {
        const size_t size = character_size(text), copied = size > 0 ? size : strlen(replacement);
        memcpy(valid + length, size > 0 ? text : replacement, copied);
        length += copied;
        text += size > 0 ? size : 1;
    }
    if (valid != NULL) name = json_stringn(valid, length);
    free(valid);
    return name;
}

bool json_write_file(const char *path, const json_t *value, Error *error) {
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (text == NULL) return fail(error, "cannot write %s: its contents are no JSON value", path);
    AtomicFile *file = atomic_file_begin(path, error);
    bool ok = file != NULL;
    if (ok) {
        atomic_file_write(file, text, strlen(text));
        atomic_file_write(file, "\n", 1);
        ok = atomic_file_commit(file, true, error);
    }
    free(text);
    return ok;
}

/* ---- fields ------------------------------------------------------------------------------------- */

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
        case JSON_OBJECT:
            return "an object";
        case JSON_ARRAY:
            return "a list";
        case JSON_STRING:
            return "a string";
        case JSON_INTEGER:
            return "an integer";
        case JSON_REAL:
            return "a number";
        case JSON_NULL:
            return "null";
        default:
            return "a boolean";
    }
}

static const char *expected_name(JsonFieldKind kind) {
    switch (kind) {
        case JSON_FIELD_BOOL:
            return "true or false";
        case JSON_FIELD_INT:
        case JSON_FIELD_INT64:
            return "an integer";
        case JSON_FIELD_DOUBLE:
            return "a number";
        case JSON_FIELD_TEXT:
            return "a string";
        case JSON_FIELD_DOUBLES:
            return "a list of numbers";
        case JSON_FIELD_INTS:
            return "a list of integers";
        case JSON_FIELD_OBJECT:
            return "an object";
        default:
            return "a list";
    }
}

static bool type_fits(const json_t *value, JsonFieldKind kind) {
    switch (kind) {
        case JSON_FIELD_BOOL:
            return json_is_boolean(value);
        case JSON_FIELD_INT:
        case JSON_FIELD_INT64:
            return json_is_integer(value);
        case JSON_FIELD_DOUBLE:
            return json_is_number(value);
        case JSON_FIELD_TEXT:
            return json_is_string(value);
        case JSON_FIELD_OBJECT:
            return json_is_object(value);
        default:
            return json_is_array(value);
    }
}

/* A number and the range of its field.  `place` is "" or, in a list, "[3]". */
static bool read_number(const json_t *json, const char *where, const JsonField *field,
                        const char *place, double *value, Error *error) {
    *value = json_number_value(json);
    if ((field->low == 0 && field->high == 0) || (*value >= field->low && *value <= field->high))
        return true;
    return fail(error, "%s: key '%s%s' is %.17g, expected %g to %g", where, field->key, place, *value,
                field->low, field->high);
}

static bool read_integer(const json_t *json, const char *where, const JsonField *field,
                         const char *place, int64_t low, int64_t high, int64_t *value, Error *error) {
    double number;
    *value = json_integer_value(json);
    if (*value < low || *value > high)
        return fail(error, "%s: key '%s%s' is %" PRId64 ", expected %" PRId64 " to %" PRId64, where,
                    field->key, place, *value, low, high);
    return read_number(json, where, field, place, &number, error);
}

/* Both lists: allocated whole, then filled; a value of another type ends it. */
static bool read_list(const json_t *list, const char *where, const JsonField *field, Error *error) {
    bool whole = field->kind == JSON_FIELD_INTS;
    size_t count = json_array_size(list);
    void *values = calloc(count + 1, whole ? sizeof(int) : sizeof(double));
    if (values == NULL) return fail(error, "%s: out of memory for key '%s'", where, field->key);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const json_t *item = json_array_get(list, i);
        char place[32];
        int64_t integer;
        snprintf(place, sizeof place, "[%zu]", i);
        if (whole ? !json_is_integer(item) : !json_is_number(item)) {
            ok = fail(error, "%s: key '%s%s' is %s, expected %s", where, field->key, place,
                      type_name(item), whole ? "an integer" : "a number");
        } else if (whole) {
            ok = read_integer(item, where, field, place, INT_MIN, INT_MAX, &integer, error);
            if (ok) ((int *)values)[i] = (int)integer;
        } else {
            ok = read_number(item, where, field, place, &((double *)values)[i], error);
        }
    }
    if (!ok) {
        free(values);
        return false;
    }
    if (whole) {
        JsonInts *target = field->value;
        free(target->values);
        *target = (JsonInts){values, count};
    } else {
        JsonDoubles *target = field->value;
        free(target->values);
        *target = (JsonDoubles){values, count};
    }
    return true;
}

static bool read_field(const json_t *value, const char *where, const JsonField *field, Error *error) {
    int64_t integer;
    double number;
    if (!type_fits(value, field->kind))
        return fail(error, "%s: key '%s' is %s, expected %s", where, field->key, type_name(value),
                    expected_name(field->kind));
    switch (field->kind) {
        case JSON_FIELD_BOOL:
            *(bool *)field->value = json_is_true(value);
            return true;
        case JSON_FIELD_INT:
            if (!read_integer(value, where, field, "", INT_MIN, INT_MAX, &integer, error)) return false;
            *(int *)field->value = (int)integer;
            return true;
        case JSON_FIELD_INT64:
            if (!read_integer(value, where, field, "", INT64_MIN, INT64_MAX, &integer, error))
                return false;
            *(int64_t *)field->value = integer;
            return true;
        case JSON_FIELD_DOUBLE:
            if (!read_number(value, where, field, "", &number, error)) return false;
            *(double *)field->value = number;
            return true;
        case JSON_FIELD_TEXT:
            *(const char **)field->value = json_string_value(value);
            return true;
        case JSON_FIELD_DOUBLES:
        case JSON_FIELD_INTS:
            return read_list(value, where, field, error);
        default:
            *(const json_t **)field->value = value;
            return true;
    }
}

static bool refuse_unknown(const json_t *object, const char *where, const JsonField *fields, int count,
                           Error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        Nearest best = {0};
        bool known = false;
        for (int i = 0; i < count && !known; i++) {
            known = strcmp(key, fields[i].key) == 0;
            nearest_offer(&best, key, fields[i].key);
        }
        char question[128];
        if (!known)
            return fail(error, "%s: unknown key '%.80s'%s", where, key,
                        nearest_question(&best, "", question));
    }
    return true;
}

bool json_read_fields(const json_t *object, const char *where, const JsonField *fields, int count,
                      Error *error) {
    if (!json_is_object(object))
        return fail(error, "%s: found %s, expected an object", where, type_name(object));
    if (!refuse_unknown(object, where, fields, count, error)) return false;
    for (int i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].key);
        if (value != NULL) {
            if (!read_field(value, where, &fields[i], error)) return false;
        } else if (fields[i].required) {
            return fail(error, "%s: key '%s' is missing, expected %s", where, fields[i].key,
                        expected_name(fields[i].kind));
        }
    }
    return true;
}
