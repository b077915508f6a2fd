/* Feature networks: images -> vectors, whose means and covariances the Frechet distance compares.
 *
 * A network sees what a PNG file holds, bytes, whether the images come from files or straight from a
 * sampler.  It describes itself by its file's metadata ("architecture"), and brings its images to the
 * size that it wants itself: Inception-v3 or DINOv2 would be one more file like convnet.c, with its
 * resizing, and a line in features.c. */
#ifndef KAIROS_FEATURES_H
#define KAIROS_FEATURES_H

#include "arena.h"
#include "io/safetensors.h"
#include "kernels.h"

typedef struct FeatureNet FeatureNet;
struct FeatureNet {
    Context *ctx;
    int features; /* of an image */
    /* Fails if the network does not take images of this size. */
    bool (*accepts)(const FeatureNet *net, int h, int w, int c, Error *error);
    /* pixels: device bytes [n][h][w][c], n = out.n; out [n,1,1,features] F32.  An image's features do
     * not depend on the others of its batch.  Errors are kept in the context. */
    void (*forward)(const FeatureNet *net, Arena *arena, const uint8_t *pixels, int h, int w, int c,
                    Tensor out);
    void (*destroy)(FeatureNet *net);
};

/* A feature network, with its memory for images of one size. */
typedef struct {
    FeatureNet *net;
    Context *ctx;
    uint64_t hash;   /* of the file's contents */
    int h, w, c;     /* of the images */
    int batch;       /* most images at once */
    int pass;        /* images of one pass through the network */
    Arena arena;     /* activations of a pass */
    uint8_t *pixels; /* device [batch][h][w][c] */
    Tensor images;   /* device [batch,h,w,c] F32 */
    Tensor out;      /* device [batch,1,1,features] F32 */
} Features;

/* Loads the network in `path` (safetensors) and takes its memory. */
bool features_create(Features *features, Context *ctx, const char *path, int h, int w, int c, int batch,
                     Error *error);
void features_destroy(Features *features);

/* values: host [n][net->features], the features of n <= batch images in [-1,1], x: device [n,h,w,c]
 * F32. They are rounded as a PNG file would round them.  Errors are kept in the context. */
void features_of(Features *features, Tensor x, float *values);
/* The same of images on the host, [n][h][w][c]. */
void features_of_host(Features *features, const float *images, int n, float *values);

#endif
