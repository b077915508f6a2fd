/* What the file of a plain convolutional network says of it.
 *
 * Metadata of its file: architecture "convnet"; layers "[[1,32,1],[32,64,2]]", input channels, output
 * channels and stride of each; input "1x32x32 in [-1,1]", channels, height and width.  Tensors
 * conv.I.weight [cout,cin,3,3] and conv.I.bias [cout]; others, such as the classifier's last layer, are
 * not used. */
#ifndef KAIROS_CONVNET_CONFIG_H
#define KAIROS_CONVNET_CONFIG_H

#include "io/safetensors.h"

enum { CONVNET_LAYERS = 64 };

typedef struct {
    int cin, cout;
    int stride; /* 1 or 2 */
} ConvNetLayer;

typedef struct {
    int h, w, c; /* of the images */
    int layers;  /* at least 1; each takes the channels that the one before gives */
    ConvNetLayer layer[CONVNET_LAYERS];
} ConvNetConfig;

bool convnet_config_read(ConvNetConfig *config, const Safetensors *file, Error *error);

#endif
