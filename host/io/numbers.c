#include "io/numbers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* strtoll and strtod would skip leading spaces. */
static bool begins_like_a_number(const char *text) {
    return *text != '\0' && !isspace((unsigned char)*text);
}

bool parse_integer(const char *text, const char *what, int64_t low, int64_t high, int64_t *value,
                   Error *error) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (!begins_like_a_number(text) || end == text || *end != '\0')
        return fail(error, "%s: '%.80s' is not a whole number", what, text);
    if (errno == ERANGE || number < low || number > high) {
        if (high == INT64_MAX && number < low)
            return fail(error, "%s: %.80s is out of range: at least %" PRId64, what, text, low);
        return fail(error, "%s: %.80s is out of range: %" PRId64 " to %" PRId64, what, text, low, high);
    }
    *value = number;
    return true;
}

bool parse_double(const char *text, const char *what, double low, double high, double *value,
                  Error *error) {
    char *end;
    double number = strtod(text, &end);
    if (!begins_like_a_number(text) || end == text || *end != '\0' || isnan(number))
        return fail(error, "%s: '%.80s' is not a number", what, text);
    if (isinf(number)) return fail(error, "%s: %.80s is not finite", what, text);
    if (number < low || number > high) {
        if (isinf(high)) return fail(error, "%s: %.80s is out of range: at least %g", what, text, low);
        return fail(error, "%s: %.80s is out of range: %g to %g", what, text, low, high);
    }
    *value = number;
    return true;
}

bool parse_doubles(const char *text, const char *what, double low, double high, double *values,
                   int capacity, int *count, Error *error) {
    *count = 0;
    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char piece[64];
        if (length >= sizeof piece) return fail(error, "%s: '%.40s...' is not a number", what, at);
        memcpy(piece, at, length);
        piece[length] = '\0';
        if (*count == capacity) return fail(error, "%s: more than %d numbers", what, capacity);
        if (!parse_double(piece, what, low, high, &values[*count], error)) return false;
        ++*count;
        if (at[length] == '\0') return true;
        at += length + 1;
    }
}
