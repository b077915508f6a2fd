/* Any bytes as the file of a feature network or of reference statistics: refused with a message, or
 * read into what later code takes for granted. */
#include <math.h>
#include <stdlib.h>

#include "nets/convnet_config.h"
#include "quality/statistics_file.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void read_network(const Safetensors *file) {
    Error error = {0};
    ConvNetConfig config;
    const bool ok = convnet_config_read(&config, file, &error);
    expect(ok || error.text[0] != '\0');
    expect(!ok || (config.layers >= 1 && config.layers <= CONVNET_LAYERS && config.h >= 1 &&
                   config.w >= 1 && config.layer[0].cin == config.c));
    for (int i = 0; ok && i < config.layers; i++)
        expect(config.layer[i].cout >= 1 && config.layer[i].stride >= 1 &&
               (i == 0 || config.layer[i].cin == config.layer[i - 1].cout));
}

static void read_statistics(const Safetensors *file) {
    Error error = {0};
    Gaussian gaussian;
    if (!gaussian_parse(&gaussian, file, "", &error)) {
        expect(error.text[0] != '\0');
        return;
    }
    for (int i = 0; i < gaussian.features * gaussian.features; i++) expect(isfinite(gaussian.sigma[i]));
    gaussian_free(&gaussian);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Error error = {0};
    Safetensors *file = safetensors_parse(data, size, "fuzz", &error);
    if (file != NULL) {
        read_network(file);
        read_statistics(file);
    }
    safetensors_close(file);
    return 0;
}
