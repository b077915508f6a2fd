/* A plain convolutional classifier as a feature network: 3x3 convolutions (padding 1, stride 1 or 2)
 * with bias and ReLU, then the mean over all pixels.
 *
 * Metadata of its file: architecture "convnet"; layers "[[1,32,1],[32,64,2]]", input channels, output
 * channels and stride of each; input "1x32x32 in [-1,1]", channels, height and width.  Tensors
 * conv.I.weight [cout,cin,3,3] and conv.I.bias [cout]; others, such as the classifier's last layer, are
 * not used. */
#ifndef KAIROS_CONVNET_H
#define KAIROS_CONVNET_H

#include "nets/features.h"

/* NULL with `error` filled.  The network computes in float32. */
FeatureNet *convnet_create(Context *ctx, const Safetensors *file, Error *error);

#endif
