/* A sheet of images, row by row. */
#ifndef KAIROS_IO_GRID_H
#define KAIROS_IO_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

typedef struct {
    int columns;        /* 0 = grid_columns(n) */
    int scale;          /* each pixel becomes scale x scale; 0 = 1 */
    int gap;            /* pixels between neighbours, not enlarged; none at the edges */
    uint8_t background; /* the value of gaps and empty places */
} GridStyle;

typedef struct {
    uint8_t *pixels; /* [height][width][channels]; free it */
    int height, width, channels;
} Sheet;

/* Nearly square, and without empty places if n has a divisor for it (8 = 4 x 2, 64 = 8 x 8, 7 = 3 x 3).
 */
int grid_columns(int n);

/* images: [n][h][w][c], n >= 1.  On an error the sheet is empty. */
bool grid_make(const uint8_t *images, int n, int h, int w, int c, GridStyle style, Sheet *sheet,
               Error *error);

#endif
