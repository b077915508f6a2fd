/* The configuration in a model file's metadata, from its text to the layers of the network. */
#include <stddef.h>
#include <stdint.h>

#include "io/json.h"
#include "nets/edm2_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Error error = {""};
    Edm2Config config;
    Edm2Layout layout;
    json_t *object = json_parse_text((const char *)data, size, "config", &error);
    if (object == NULL) return 0;
    if (edm2_config_read(&config, object, "config", &error) &&
        edm2_layout_make(&layout, &config, &error))
        edm2_layout_free(&layout);
    json_decref(object);
    return 0;
}
