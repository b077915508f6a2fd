#include "nets/convnet_config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"

enum { MOST_CHANNELS = 8192, MOST_PIXELS = 4096 /* of a side */ };

static bool in_range(const json_t *value, int low, int high) {
    return json_is_integer(value) && json_integer_value(value) >= low &&
           json_integer_value(value) <= high;
}

static bool read_layer(ConvNetConfig *net, const json_t *entry, int i, const char *where,
                       Error *error) {
    const json_t *cin = json_array_get(entry, 0), *cout = json_array_get(entry, 1);
    const json_t *stride = json_array_get(entry, 2);
    if (json_array_size(entry) != 3 || !in_range(cin, 1, MOST_CHANNELS) ||
        !in_range(cout, 1, MOST_CHANNELS) || !in_range(stride, 1, 2))
        return fail(error,
                    "%s: entry %d is not [input channels, output channels, stride], with 1 to %d "
                    "channels and a stride of 1 or 2",
                    where, i, MOST_CHANNELS);
    net->layer[i] = (ConvNetLayer){.cin = (int)json_integer_value(cin),
                                   .cout = (int)json_integer_value(cout),
                                   .stride = (int)json_integer_value(stride)};
    const int before = i == 0 ? net->c : net->layer[i - 1].cout;
    return net->layer[i].cin == before || fail(error, "%s: entry %d takes %d channels, expected %d",
                                               where, i, net->layer[i].cin, before);
}

static bool read_layers(ConvNetConfig *net, const char *text, const char *path, Error *error) {
    char where[PATH_MAX + 32];
    snprintf(where, sizeof where, "%s: layers", path);
    if (text == NULL) return fail(error, "%s: no \"layers\" in the file's metadata", path);
    json_t *list = json_parse_text(text, strlen(text), where, error);
    if (list == NULL) return false;
    const size_t count = json_array_size(list);
    bool ok = (count >= 1 && count <= CONVNET_LAYERS) ||
              fail(error, "%s: expected an array of 1 to %d layers", where, CONVNET_LAYERS);
    for (size_t i = 0; ok && i < count; i++)
        ok = read_layer(net, json_array_get(list, i), (int)i, where, error);
    net->layers = ok ? (int)count : 0;
    json_decref(list);
    return ok;
}

static bool read_input(ConvNetConfig *net, const char *text, const char *path, Error *error) {
    int used = 0;
    if (text != NULL &&
        sscanf(text, "%4dx%4dx%4d in [-1,1]%n", &net->c, &net->h, &net->w, &used) == 3 && used > 0 &&
        text[used] == '\0' && net->c >= 1 && net->h >= 1 && net->w >= 1 && net->h <= MOST_PIXELS &&
        net->w <= MOST_PIXELS)
        return true;
    return fail(error,
                "%s: input is \"%s\" in the file's metadata, expected channels, height and width "
                "(sides up to %d) as in \"1x32x32 in [-1,1]\"",
                path, text != NULL ? text : "not stated", MOST_PIXELS);
}

bool convnet_config_read(ConvNetConfig *net, const Safetensors *file, Error *error) {
    const char *path = safetensors_name(file);
    *net = (ConvNetConfig){.layers = 0};
    return read_input(net, safetensors_metadata(file, "input"), path, error) &&
           read_layers(net, safetensors_metadata(file, "layers"), path, error);
}
