/* Errors as values.  Library code fills an Error and returns false or NULL; commands report it. */
#ifndef KAIROS_ERROR_H
#define KAIROS_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char text[1024]; /* one sentence: what failed, on what, and what to do; "" = no error */
} Error;

/* Formats the message into `error` (NULL: dropped) and returns false, so that a caller can write
 * `return fail(error, "%s: ...", path)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool fail(Error *error, const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
