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

/* Numbers 0 to 2^64-1 and inclusive ranges, separated by commas; spaces round them are allowed.  The
 * order is kept; a seed that comes twice is an error.  At most `limit` seeds.  On an error *seeds is
 * empty. */
bool seeds_parse(const char *text, size_t limit, Seeds *seeds, Error *error);

#endif
