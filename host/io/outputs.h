/* The files that a run is to write, looked at before it begins: none may be lost that it does not mean
 * to replace. */
#ifndef KAIROS_IO_OUTPUTS_H
#define KAIROS_IO_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Refuses an output that is a file which the run reads, an image or dataset.json in a folder that it
 * reads, the same file as another output, or, unless `force`, a file that is there, is not empty, and
 * was not made by kairos.  A file under another name or behind a link is the same.
 * outputs, inputs: paths, of which those that are NULL are passed over. */
bool outputs_check(const char *const *outputs, size_t output_count, const char *const *inputs,
                   size_t input_count, bool force, Error *error);

/* The option of every command that calls it, as an entry of a table of options. */
#define OUTPUTS_OPTION_FORCE(value_)                              \
    {                                                             \
        .name = "force", .kind = OPTION_FLAG, .value = &(value_), \
        .help = "replace a file that kairos did not make"         \
    }

#endif
