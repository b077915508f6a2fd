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

bool seeds_overlap(SeedRange a, SeedRange b) {
    const uint32_t up = (uint32_t)(b.first - a.first), down = (uint32_t)(a.first - b.first);
    return up <= a.last - a.first || down <= b.last - b.first;
}

static int compare_ranges(const void *a, const void *b) {
    const uint64_t x = ((const SeedRange *)a)->first, y = ((const SeedRange *)b)->first;
    if ((uint32_t)x != (uint32_t)y) return (uint32_t)x > (uint32_t)y ? 1 : -1;
    return (x > y) - (x < y);
}

/* Two seeds that are equal modulo 2^32 are one image, which would be counted twice.  Sorts the ranges
 * by where they begin on that circle: there each must end before the next begins. */
static bool check_distinct(SeedRange *ranges, size_t count, Error *error) {
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    for (size_t i = 0; count > 1 && i < count; i++) {
        const SeedRange own = ranges[i], next = ranges[(i + 1) % count];
        const uint32_t gap = (uint32_t)(next.first - own.first);
        if (own.last - own.first < gap) continue;
        const uint64_t same = own.first + gap;
        if (same == next.first) return fail(error, "seeds: %" PRIu64 " is in the list twice", same);
        return fail(
            error, "seeds: %" PRIu64 " and %" PRIu64 " make the same image, as seeds count modulo 2^32",
            same, next.first);
    }
    return true;
}

/* How many ranges and seeds the text has. */
static bool count_seeds(const char *text, size_t limit, size_t *ranges, size_t *seeds, Error *error) {
    SeedRange range;
    *ranges = *seeds = 0;
    for (const char *at = text;; at++) {
        at = read_range(at, &range.first, &range.last, error);
        if (at == NULL) return false;
        /* last - first may be 2^64 - 1: 1 is added only where it fits. */
        if (range.last - range.first >= limit - *seeds)
            return fail(error, "seeds: '%.40s' names more than %zu of them", text, limit);
        *seeds += (size_t)(range.last - range.first) + 1;
        ++*ranges;
        if (*at == '\0') return true;
    }
}

bool seeds_parse(const char *text, size_t limit, Seeds *seeds, Error *error) {
    size_t range_count, count;
    *seeds = (Seeds){0};
    if (!count_seeds(text, limit, &range_count, &count, error)) return false;
    SeedRange *ranges = malloc(range_count * sizeof *ranges);
    uint64_t *values = malloc(count * sizeof *values);
    bool ok = (ranges != NULL && values != NULL) ||
              fail(error, "seeds: out of memory for %zu of them", count);
    const char *at = text;
    for (size_t r = 0, n = 0; ok && r < range_count; r++, at++) {
        at = read_range(at, &ranges[r].first, &ranges[r].last, error);
        for (uint64_t i = 0; i <= ranges[r].last - ranges[r].first; i++)
            values[n++] = ranges[r].first + i;
    }
    ok = ok && check_distinct(ranges, range_count, error);
    free(ranges);
    if (ok)
        *seeds = (Seeds){values, count};
    else
        free(values);
    return ok;
}
