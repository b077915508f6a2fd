#include "io/grid.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

int grid_columns(int n) {
    int root = 1;
    while ((long long)root * root < n) root++;
    for (int columns = root; columns <= 2 * root && columns <= n; columns++)
        if (n % columns == 0 && columns <= 2 * (n / columns)) return columns;
    return root;
}

/* One image, enlarged, with its first pixel at `target`; `stride` bytes between rows of the sheet. */
static void draw(const uint8_t *image, int h, int w, int c, int scale, uint8_t *target, size_t stride) {
    size_t row_bytes = (size_t)w * (size_t)scale * (size_t)c;
    for (int y = 0; y < h; y++) {
        uint8_t *row = target + (size_t)y * (size_t)scale * stride;
        uint8_t *at = row;
        for (int x = 0; x < w; x++, image += c)
            for (int i = 0; i < scale; i++, at += c) memcpy(at, image, (size_t)c);
        for (int i = 1; i < scale; i++) memcpy(row + (size_t)i * stride, row, row_bytes);
    }
}

bool grid_make(const uint8_t *images, int n, int h, int w, int c, GridStyle style, Sheet *sheet,
               Error *error) {
    *sheet = (Sheet){0};
    int scale = style.scale == 0 ? 1 : style.scale;
    if (n < 1 || h < 1 || w < 1 || c < 1 || style.columns < 0 || scale < 0 || style.gap < 0)
        return fail(error,
                    "cannot make a sheet of %d images of %d x %d x %d, columns %d, scale %d, gap %d", n,
                    h, w, c, style.columns, scale, style.gap);
    int columns = style.columns == 0 ? grid_columns(n) : style.columns < n ? style.columns : n;
    int rows = (n + columns - 1) / columns;
    /* Products of two ints and more: exact in 128 bits. */
    __int128 width = (__int128)columns * ((__int128)w * scale + style.gap) - style.gap;
    __int128 height = (__int128)rows * ((__int128)h * scale + style.gap) - style.gap;
    if (width > INT_MAX || height > INT_MAX || width * height > INT_MAX / c)
        return fail(error, "a sheet of %d x %d images of %d x %d pixels is too large", columns, rows, w,
                    h);
    size_t stride = (size_t)width * (size_t)c;
    uint8_t *pixels = malloc(stride * (size_t)height);
    if (pixels == NULL)
        return fail(error, "out of memory for a sheet of %d x %d images", columns, rows);
    memset(pixels, style.background, stride * (size_t)height);
    for (int i = 0; i < n; i++) {
        size_t top = (size_t)(i / columns) * ((size_t)h * (size_t)scale + (size_t)style.gap);
        size_t left = (size_t)(i % columns) * ((size_t)w * (size_t)scale + (size_t)style.gap);
        draw(images + (size_t)i * (size_t)h * (size_t)w * (size_t)c, h, w, c, scale,
             pixels + top * stride + left * (size_t)c, stride);
    }
    *sheet = (Sheet){pixels, (int)height, (int)width, c};
    return true;
}
