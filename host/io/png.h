/* PNG images, 8 bits a channel: gray (1 channel) or RGB (3). */
#ifndef KAIROS_IO_PNG_H
#define KAIROS_IO_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* pixels: [height][width][channels], contiguous.  *png is allocated (free it). */
bool png_encode(const uint8_t *pixels, int height, int width, int channels, uint8_t **png, size_t *size,
                Error *error);

/* Encodes, then writes the file whole or not at all; its folder must exist. */
bool png_write(const char *path, const uint8_t *pixels, int height, int width, int channels,
               Error *error);

/* The same for a sheet of several images, with a chunk that says that kairos made it: unlike a run's
 * images, a sheet may have any name, and take the place of another sheet (io/outputs.h). */
bool png_write_sheet(const char *path, const uint8_t *pixels, int height, int width, int channels,
                     Error *error);
/* Whether the file that begins so has that chunk. */
bool png_is_sheet(const void *head, size_t size);

/* Whether the file is there, and begins and ends as a PNG does: a machine that lost its power may leave
 * files with a name, even a length, but without their bytes. */
bool png_is_whole(const char *path);

#endif
