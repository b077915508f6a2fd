/* What a file is that was taken for another kind: by its first bytes, for messages. */
#ifndef KAIROS_IO_FOREIGN_H
#define KAIROS_IO_FOREIGN_H

#include <stddef.h>

#include "error.h"

/* Replaces `error`, which says that `name` is not what was expected ("a safetensors file"), if its
 * first bytes show what it is instead.  Returns false. */
bool fail_as_foreign(const char *name, const void *data, size_t size, const char *expected,
                     Error *error);

#endif
