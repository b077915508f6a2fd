/* A plain convolutional classifier as a feature network: 3x3 convolutions (padding 1, stride 1 or 2)
 * with bias and ReLU, then the mean over all pixels.  What its file holds: convnet_config.h. */
#ifndef KAIROS_CONVNET_H
#define KAIROS_CONVNET_H

#include "nets/features.h"

/* NULL with `error` filled.  The network computes in float32. */
FeatureNet *convnet_create(Context *ctx, const Safetensors *file, Error *error);

#endif
