/* A denoising network of any kind.  The layers above know nothing else of it.
 *
 * A kind of network is a struct that begins with a Network, and a function that makes one from a
 * configuration and weights: edm2.c, and a line in model.c. */
#ifndef KAIROS_NETWORK_H
#define KAIROS_NETWORK_H

#include <jansson.h>

#include "arena.h"
#include "kernels.h"

typedef struct Network Network;
struct Network {
    Context *ctx;
    const char *architecture; /* its name in model files */
    int h, w, c;              /* of an image */
    int label_dim;            /* classes; 0 = unconditional */
    double sigma_data;        /* of the preconditioning (kernels.h: Prediction) */
    DType dtype;              /* of its activations */
    long long parameters;

    /* The raw output F in D(x; sigma) = c_skip x + c_out F.  x [n,h,w,c] F32 is the noisy image as it
     * is: the network scales it, and arranges its channels, as it wants them.  sigma: device [n];
     * labels: device [n], -1 = the zero label.  Returns [n,h,w,c], taken from the arena; the caller
     * releases it.  An image's output does not depend on the others of its batch.  Errors are kept in
     * the context. */
    Tensor (*forward)(const Network *net, Arena *arena, Tensor x, const float *sigma,
                      const int32_t *labels);

    /* The network's own estimate u(sigma) of the log of its expected weighted loss per dimension
     * (Karras et al. 2024, Eq. 21): [n,1,1,1] F32, taken from the arena.  NULL = it makes none. */
    Tensor (*logvar)(const Network *net, Arena *arena, int n, const float *sigma);

    /* What sets this network apart from others of its architecture, for people: an object of numbers
     * and lists of numbers.  NULL when out of memory. */
    json_t *(*describe)(const Network *net);
    void (*destroy)(Network *net);
};

/* The shape of n of its images, F32, without memory. */
Tensor network_images(const Network *net, int n);
int network_values(const Network *net); /* of an image: h w c */
void network_destroy(Network *net);     /* NULL: nothing */

#endif
