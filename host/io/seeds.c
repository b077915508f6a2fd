#include "io/seeds.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *skip_spaces(const char *text) {
    while (*text == ' ' || *text == '\t') text++;
    return text;
}

/* Returns what follows the number, or NULL. */
static const char *read_seed(const char *text, uint64_t *seed, Error *error) {
    if (*text < '0' || *text > '9') {
        fail(error, "seeds: expected a number at '%.40s'; write them like 0-63 or 1,5,7-9", text);
        return NULL;
    }
    const char *start = text;
    for (*seed = 0; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(*seed, 10, seed) ||
            __builtin_add_overflow(*seed, (uint64_t)(*text - '0'), seed)) {
            fail(error, "seeds: %.40s is too large: at most %" PRIu64, start, UINT64_MAX);
            return NULL;
        }
    }
    return skip_spaces(text);
}

/* Reads "first" or "first-last" and the comma after it, if any. */
static const char *read_range(const char *text, uint64_t *first, uint64_t *last, Error *error) {
    const char *at = read_seed(skip_spaces(text), first, error);
    if (at == NULL) return NULL;
    *last = *first;
    if (*at == '-') {
        at = read_seed(skip_spaces(at + 1), last, error);
        if (at == NULL) return NULL;
    }
    if (*last < *first) {
        fail(error, "seeds: the range %" PRIu64 "-%" PRIu64 " runs backwards", *first, *last);
        return NULL;
    }
    if (*at != ',' && *at != '\0') {
        fail(error, "seeds: expected a comma at '%.40s'; write them like 0-63 or 1,5,7-9", at);
        return NULL;
    }
    return at;
}

bool seeds_parse(const char *text, size_t limit, Seeds *seeds, Error *error) {
    uint64_t first, last;
    *seeds = (Seeds){0};
    size_t count = 0;
    for (const char *at = text;; at++) {
        at = read_range(at, &first, &last, error);
        if (at == NULL) return false;
        /* last - first may be 2^64 - 1: 1 is added only where it fits. */
        if (last - first >= limit - count)
            return fail(error, "seeds: '%.40s' names more than %zu of them", text, limit);
        count += (size_t)(last - first) + 1;
        if (*at == '\0') break;
    }
    seeds->values = malloc(count * sizeof *seeds->values);
    if (seeds->values == NULL) return fail(error, "seeds: out of memory for %zu of them", count);
    for (const char *at = text; seeds->count < count; at++) {
        at = read_range(at, &first, &last, error);
        for (uint64_t i = 0; i <= last - first; i++) seeds->values[seeds->count++] = first + i;
    }
    return true;
}
