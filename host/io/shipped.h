/* Files that come with kairos: presets and weights. */
#ifndef KAIROS_IO_SHIPPED_H
#define KAIROS_IO_SHIPPED_H

#include <limits.h>
#include <stdbool.h>

/* Finds a file such as "configs/edm2-img64-s.json" in the working directory, or beside the program: in
 * the source tree above build/, or installed in share/kairos/ next to bin/.  False: nowhere. */
bool shipped_file(const char *name, char path[PATH_MAX]);

#endif
