/* PNG images read: 8 bits a channel, gray or RGB, as PIL opens them in its modes L and RGB.
 * Palettes, alpha channels and other depths are refused by name: there is more than one way to turn
 * them into a network's channels. */
#ifndef KAIROS_IO_PNG_READ_H
#define KAIROS_IO_PNG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct {
    int height, width;
    int channels; /* 1 gray, 3 RGB */
} PngInfo;

enum { PNG_MAX_SIDE = 16384 };

/* Reads the header alone.  Refuses sizes that so many bytes of file cannot unpack to, so that memory
 * for the pixels may be allocated after it.  `name` stands for the file in messages. */
bool png_inspect(const void *data, size_t size, const char *name, PngInfo *info, Error *error);

/* pixels: [height][width][channels] of png_inspect.  Checksums are verified and a file that is cut
 * short is an error; colour profiles, gamma and text are skipped. */
bool png_decode(const void *data, size_t size, const char *name, uint8_t *pixels, Error *error);

#endif
