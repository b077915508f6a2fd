/* NumPy's array files (.npy), as data sets have them: images [c,h,w], C order, little-endian, of uint8
 * or float32.  The format: numpy/lib/format.py, versions 1.0 and 2.0. */
#ifndef KAIROS_IO_NPY_H
#define KAIROS_IO_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef enum { NPY_UINT8, NPY_FLOAT32 } NpyType;

typedef struct {
    NpyType type;
    int c, h, w;
    const uint8_t *data; /* c h w values, within the file's bytes; may not be aligned */
} NpyImage;

enum { NPY_MAX_SIDE = 16384, NPY_MAX_CHANNELS = 1024 };

/* Reads the header and checks it against the size of the file.  `name` stands for it in messages. */
bool npy_parse(const void *data, size_t size, const char *name, NpyImage *image, Error *error);

#endif
