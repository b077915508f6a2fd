#include "io/npy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/foreign.h"

/* The header is a Python dictionary, {'descr': '<f4', 'fortran_order': False, 'shape': (4, 64, 64), },
 * of which only this form is read: three keys in any order, and nothing else. */
enum { MAX_HEADER = 4096, MAX_RANK = 8 };

typedef struct {
    const char *at, *end;
    char type[16];
    bool has_type, has_order, has_shape, fortran_order;
    int rank;
    int64_t shape[MAX_RANK];
} Header;

static void skip_space(Header *header) {
    while (header->at < header->end && isspace((unsigned char)*header->at)) header->at++;
}

/* Goes past `token`, if that comes next. */
static bool take(Header *header, const char *token) {
    size_t length = strlen(token);
    skip_space(header);
    if ((size_t)(header->end - header->at) < length || memcmp(header->at, token, length) != 0)
        return false;
    header->at += length;
    return true;
}

/* A text in quotes, without escapes. */
static bool take_text(Header *header, char *text, size_t capacity) {
    skip_space(header);
    if (header->at == header->end || (*header->at != '\'' && *header->at != '"')) return false;
    char quote = *header->at++;
    const char *end = memchr(header->at, quote, (size_t)(header->end - header->at));
    if (end == NULL || (size_t)(end - header->at) >= capacity) return false;
    size_t length = (size_t)(end - header->at);
    for (size_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)header->at[i]) || header->at[i] == '\\') return false;
    memcpy(text, header->at, length);
    text[length] = '\0';
    header->at = end + 1;
    return true;
}

static bool take_size(Header *header, int64_t *value) {
    const char *begin = header->at;
    *value = 0;
    while (header->at < header->end && isdigit((unsigned char)*header->at)) {
        if (*value > INT64_MAX / 10 - 1) return false;
        *value = 10 * *value + (*header->at++ - '0');
    }
    return header->at > begin;
}

/* (4, 64, 64), (4,) or (). */
static bool take_shape(Header *header) {
    if (!take(header, "(")) return false;
    header->rank = 0;
    bool comma = true;
    while (!take(header, ")")) {
        if (!comma || header->rank == MAX_RANK || !take_size(header, &header->shape[header->rank]))
            return false;
        header->rank++;
        comma = take(header, ",");
    }
    return comma || header->rank > 1;
}

static bool take_field(Header *header) {
    char key[16];
    if (!take_text(header, key, sizeof key) || !take(header, ":")) return false;
    if (strcmp(key, "descr") == 0) {
        if (header->has_type || !take_text(header, header->type, sizeof header->type)) return false;
        return header->has_type = true;
    }
    if (strcmp(key, "fortran_order") == 0) {
        if (header->has_order) return false;
        header->fortran_order = take(header, "True");
        return header->has_order = header->fortran_order || take(header, "False");
    }
    if (strcmp(key, "shape") != 0 || header->has_shape) return false;
    return header->has_shape = take_shape(header);
}

static bool take_header(Header *header) {
    if (!take(header, "{")) return false;
    bool comma = true;
    while (!take(header, "}")) {
        if (!comma || !take_field(header)) return false;
        comma = take(header, ",");
    }
    skip_space(header);
    return header->at == header->end && header->has_type && header->has_order && header->has_shape;
}

/* ---- what the header says ----------------------------------------------------------------------- */

static const char *shape_text(const Header *header, char text[256]) {
    int length = snprintf(text, 256, "[");
    for (int i = 0; i < header->rank; i++)
        length += snprintf(text + length, 256 - (size_t)length, "%s%" PRId64, i > 0 ? "," : "",
                           header->shape[i]);
    snprintf(text + length, 256 - (size_t)length, "]");
    return text;
}

static bool check_header(const Header *header, const char *name, NpyImage *image, Error *error) {
    char text[256];
    if (strcmp(header->type, "|u1") == 0 || strcmp(header->type, "<u1") == 0)
        image->type = NPY_UINT8;
    else if (strcmp(header->type, "<f4") == 0)
        image->type = NPY_FLOAT32;
    else
        return fail(error,
                    "%s holds values of the type '%s'; expected '|u1' (uint8) or '<f4' (float32)", name,
                    header->type);
    const int64_t *shape = header->shape;
    if (header->rank != 3)
        return fail(error, "%s has the shape %s; expected [channels,height,width]", name,
                    shape_text(header, text));
    if (header->fortran_order)
        return fail(error, "%s is in Fortran's order; expected C's (numpy.ascontiguousarray)", name);
    if (shape[0] < 1 || shape[0] > NPY_MAX_CHANNELS || shape[1] < 1 || shape[1] > NPY_MAX_SIDE ||
        shape[2] < 1 || shape[2] > NPY_MAX_SIDE)
        return fail(error, "%s has the shape %s; expected 1 to %d channels and 1 to %d a side", name,
                    shape_text(header, text), NPY_MAX_CHANNELS, NPY_MAX_SIDE);
    image->c = (int)shape[0];
    image->h = (int)shape[1];
    image->w = (int)shape[2];
    return true;
}

bool npy_parse(const void *data, size_t size, const char *name, NpyImage *image, Error *error) {
    const uint8_t *bytes = data;
    if (size < 8 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return fail(error, "%s is not an NPY file: it does not begin with NPY's signature", name) ||
               fail_as_foreign(name, bytes, size, "a NumPy array", error);
    if ((bytes[6] != 1 && bytes[6] != 2) || bytes[7] != 0)
        return fail(error, "%s is an NPY file of version %d.%d; expected 1.0 or 2.0", name, bytes[6],
                    bytes[7]);
    size_t begin = bytes[6] == 1 ? 10 : 12;
    if (size < begin) return fail(error, "%s is cut short: it has only %zu bytes", name, size);
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] == 2) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > MAX_HEADER)
        return fail(error, "%s: a header of %zu bytes; at most %d are read", name, length, MAX_HEADER);
    if (length > size - begin)
        return fail(error, "%s is cut short: its header has %zu bytes, of which %zu are there", name,
                    length, size - begin);
    const char *text = (const char *)bytes + begin;
    Header header = {.at = text, .end = text + length};
    if (!take_header(&header))
        return fail(error, "%s: its header is not that of a plain array, at byte %td", name,
                    header.at - text);
    if (!check_header(&header, name, image, error)) return false;
    image->data = bytes + begin + length;
    long long found = (long long)(size - begin - length);
    long long expected =
        (long long)image->c * image->h * image->w * (image->type == NPY_FLOAT32 ? 4 : 1);
    if (found != expected)
        return fail(error, "%s has %lld bytes of values; its shape needs %lld", name, found, expected);
    return true;
}
