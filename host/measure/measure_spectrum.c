#include <stdlib.h>

#include "measure/measure.h"

/* full[c][ky][kx] = half / images, of which columns beyond w/2 are those of the opposite direction. */
static void expand(const double *half, int64_t images, int c, int h, int w, float *full) {
    const int columns = w / 2 + 1;
    for (int k = 0; k < c; k++)
        for (int ky = 0; ky < h; ky++)
            for (int kx = 0; kx < w; kx++) {
                const bool there = kx < columns;
                const int row = there ? ky : (h - ky) % h, column = there ? kx : w - kx;
                *full++ = (float)(half[((size_t)k * h + row) * columns + column] / images);
            }
}

bool measure_spectrum(const MeasureSums *sums, const double *sigma, int c, int h, int w,
                      Spectrum *spectrum, Error *error) {
    const size_t directions = (size_t)c * h * w, levels = sums->levels;
    *spectrum =
        (Spectrum){.levels = sums->levels, .directions = (int)directions, .c = c, .h = h, .w = w};
    spectrum->sigma = malloc(levels * sizeof *spectrum->sigma);
    spectrum->power = malloc(levels * directions * sizeof *spectrum->power);
    spectrum->amplitude = malloc(directions * sizeof *spectrum->amplitude);
    if (spectrum->sigma == NULL || spectrum->power == NULL || spectrum->amplitude == NULL) {
        spectrum_free(spectrum);
        return fail(error, "out of memory for the spectrum");
    }
    for (size_t i = 0; i < levels; i++) {
        spectrum->sigma[i] = sigma[i];
        expand(sums->power + i * sums->directions, sums->images, c, h, w,
               spectrum->power + i * directions);
    }
    expand(sums->amplitude, sums->images, c, h, w, spectrum->amplitude);
    return true;
}
