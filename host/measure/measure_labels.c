#include "measure/measure_labels.h"

#include <stddef.h>

bool measure_labels(const Dataset *data, int64_t first, int n, const int32_t *labels, int label_dim,
                    int32_t *known, Error *error) {
    char title[512];
    for (int i = 0; i < n; i++) {
        known[i] = label_dim > 0 && labels != NULL ? labels[i] : -1;
        if (known[i] >= label_dim)
            return fail(error, "%s has the label %d, the model has %d classes",
                        dataset_title(data, first + i, title), known[i], label_dim);
    }
    return true;
}
