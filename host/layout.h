/* Between the host's files, [n,c,h,w], and the device's NHWC. */
#ifndef KAIROS_LAYOUT_H
#define KAIROS_LAYOUT_H

/* planes [n,c,h,w] from pixels [n,h,w,c]. */
void planes_from_pixels(const float *pixels, int n, int h, int w, int c, float *planes);
/* pixels [n,h,w,c] from planes [n,c,h,w]. */
void pixels_from_planes(const float *planes, int n, int h, int w, int c, float *pixels);

#endif
