/* Whether kairos made a file: by what its files have in common and others have not. */
#ifndef KAIROS_IO_ORIGIN_H
#define KAIROS_IO_ORIGIN_H

#include <stdbool.h>

/* True if FILE.run.json is there and kairos' own (manifest.h), or if the file itself shows it: JSON by
 * the command that made it, safetensors by its tensors, a sheet of images by its PNG chunk (png.h), a
 * report by its title. */
bool made_by_kairos(const char *path);

#endif
