/* Lists of seeds: "0-63", "1,5,7-9". */
#ifndef KAIROS_IO_SEEDS_H
#define KAIROS_IO_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { SEEDS_LIMIT = 100000000 };

typedef struct {
    uint64_t *values; /* free it */
    size_t count;
} Seeds;

typedef struct {
    uint64_t first, last; /* first <= last */
} SeedRange;

/* Whether a seed of one makes an image of the other: seeds count modulo 2^32. */
bool seeds_overlap(SeedRange a, SeedRange b);

/* Numbers 0 to 2^64-1 and inclusive ranges, separated by commas; spaces round them are allowed.  The
 * order is kept; two seeds that are equal modulo 2^32, and so make one image, are an error.  At most
 * `limit` seeds.  On an error *seeds is empty. */
bool seeds_parse(const char *text, size_t limit, Seeds *seeds, Error *error);

#endif
