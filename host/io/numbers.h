/* Numbers and lists of numbers from text; the whole text must be one. */
#ifndef KAIROS_IO_NUMBERS_H
#define KAIROS_IO_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* `what` names the value in messages ("--steps"); low and high are the accepted range, inclusive. */
bool parse_integer(const char *text, const char *what, int64_t low, int64_t high, int64_t *value,
                   Error *error);
/* Finite numbers only: no NaN and no infinity, whatever the range. */
bool parse_double(const char *text, const char *what, double low, double high, double *value,
                  Error *error);

/* "80,40,20": numbers separated by commas, 1 to `capacity` of them. */
bool parse_doubles(const char *text, const char *what, double low, double high, double *values,
                   int capacity, int *count, Error *error);

#endif
