#include "layout.h"

#include <stddef.h>

void planes_from_pixels(const float *pixels, int n, int h, int w, int c, float *planes) {
    const size_t area = (size_t)h * w;
    for (int i = 0; i < n; i++)
        for (size_t p = 0; p < area; p++)
            for (int k = 0; k < c; k++) planes[(i * (size_t)c + k) * area + p] = *pixels++;
}

void pixels_from_planes(const float *planes, int n, int h, int w, int c, float *pixels) {
    const size_t area = (size_t)h * w;
    for (int i = 0; i < n; i++)
        for (size_t p = 0; p < area; p++)
            for (int k = 0; k < c; k++) *pixels++ = planes[(i * (size_t)c + k) * area + p];
}
