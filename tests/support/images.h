/* Data sets of small images, whose values follow from their numbers. */
#ifndef KAIROS_TESTS_IMAGES_H
#define KAIROS_TESTS_IMAGES_H

#include <stddef.h>
#include <stdint.h>

enum { IMAGE_H = 6, IMAGE_W = 5 };

/* The first `count` bytes of image i. */
void make_pixels(int i, int count, uint8_t *pixels);
float value_of(uint8_t byte); /* as a data set gives it */

/* Image i as a PNG, gray (c = 1) or RGB (3); allocated (free it). */
uint8_t *make_png(int i, int c, size_t *size);

/* An NPY file of one [c,h,w]; its size. */
size_t make_npy(uint8_t *bytes, const char *type, int c, int h, int w, const void *data, size_t size);

/* A folder of `images` PNG files, "0/00.png" on, and dataset.json of that text (NULL: none); its path,
 * in test_path(""). */
const char *make_folder(const char *name, int images, int c, const char *labels);
void put_file(const char *folder, const char *name, const void *data, size_t size);

/* values: [n,h,w,c], the images `first` on. */
void expect_images(const float *values, int first, int n, int c);

#endif
