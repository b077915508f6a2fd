/* Any text as dataset.json: refused with a message, or a label for every image. */
#include <stdlib.h>

#include "io/labels.h"

static void expect(int condition) {
    if (!condition) abort();
}

/* The images are named "a", "b" and so on. */
static int64_t find(const void *context, const char *name) {
    int64_t images = *(const int64_t *)context, image = name[0] - 'a';
    return name[0] != '\0' && name[1] == '\0' && image >= 0 && image < images ? image : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int64_t images = 1; images <= 3; images++) {
        Error error = {0};
        int32_t *labels;
        bool ok =
            labels_parse((const char *)data, size, "fuzz", images, find, &images, &labels, &error);
        expect(ok || (labels == NULL && error.text[0] != '\0'));
        for (int64_t i = 0; labels != NULL && i < images; i++)
            expect(labels[i] >= 0 && labels[i] < LABELS_MAX);
        free(labels);
    }
    return 0;
}
