/* Control variates of a measurement: features of an image that its squared error goes with, and whose
 * mean over the whole data set is known from reading it, without the network (regression.h).
 *
 * They are sum (x_0 - m)^2, with the mean image m of the class, which is the squared error at
 * sigma_max; and over all pairs of neighbours in rows and columns, of their differences d, the sums of
 * |d|^(1/2), |d| and d^2, which tell how much of an image is edges and texture: the error at low noise.
 */
#ifndef KAIROS_CONTROLS_H
#define KAIROS_CONTROLS_H

#include "io/dataset.h"

enum { CONTROLS = 4 };
/* In settings: sums of other control variates are not gone on with. */
#define CONTROLS_NAMES "energy about the class mean; differences to the 1/2, 1, 2"

typedef struct {
    int h, w, c;
    int label_dim;         /* of the network */
    double *class_mean;    /* [label_dim + 1][h,w,c]: row 0 of the images without a class */
    double mean[CONTROLS]; /* over the data set */
} Controls;

/* Reads the whole data set, in its present order; `name` stands for it in messages.  A class is one of
 * the network's label_dim; the labels are passed over if it has none. */
bool controls_create(Controls *controls, Dataset *data, const char *name, int label_dim, int batch,
                     bool quiet, Error *error);
void controls_free(Controls *controls);

/* Of one image [h,w,c], less their means over the data set; label -1 = none. */
void controls_of_image(const Controls *controls, const float *image, int label,
                       double values[CONTROLS]);

#endif
