/* The data's labels, as far as the network knows any. */
#ifndef KAIROS_MEASURE_LABELS_H
#define KAIROS_MEASURE_LABELS_H

#include "io/dataset.h"

/* known[i]: the label of image first + i of the data, -1 if it has none or the network no classes
 * (label_dim 0).  labels: [n], what was read; NULL = none.  Fails, naming the image, if the network has
 * no such class. */
bool measure_labels(const Dataset *data, int64_t first, int n, const int32_t *labels, int label_dim,
                    int32_t *known, Error *error);

#endif
