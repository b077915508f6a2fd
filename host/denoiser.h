/* D(x; sigma): a network, perhaps guided by another, with its memory on the device. */
#ifndef KAIROS_DENOISER_H
#define KAIROS_DENOISER_H

#include "arena.h"
#include "kernels.h"
#include "nets/network.h"

typedef struct {
    Context *ctx;
    const Network *net;
    const Network *gnet;  /* the reference network of guidance; NULL = net with the zero label */
    float guidance;       /* D = D_ref + guidance (D - D_ref); 1 = none, the reference is not run */
    int batch;            /* most images at once */
    int pass;             /* images of one pass through the network */
    bool spectral;        /* denoiser_error adds up the error's spectrum */
    size_t extra_bytes;   /* of device memory that the caller will take, and the plan counts */
    Arena arena;          /* activations of a pass */
    float *sigma;         /* device [batch] */
    int32_t *labels;      /* device [batch]; -1 = the zero label */
    int32_t *no_labels;   /* device [batch], all -1 */
    Transform *transform; /* of the images of a pass; NULL unless spectral */
} Denoiser;

typedef struct {
    long long macs;          /* multiply-accumulates for one image, guidance included */
    size_t activation_bytes; /* of a pass */
    size_t workspace_bytes;
    size_t state_bytes; /* noise levels, labels, what the sampler keeps, and extra_bytes */
} DenoiserPlan;

/* What a denoiser of this batch size needs, without allocating it. */
DenoiserPlan denoiser_plan(Context *ctx, const Network *net, const Network *gnet, float guidance,
                           int batch);

/* Plans all memory before the first launch and takes it.  Fails if the networks do not fit together,
 * or if the device has too little memory: then the error names the largest batch that would fit. */
bool denoiser_create(Denoiser *denoiser, Context *ctx, const Network *net, const Network *gnet,
                     float guidance, int batch, Error *error);

/* The same for denoiser_error, without guidance; extra_bytes: what the caller will take besides two
 * images, a squared error and a seed for each of the batch. */
bool denoiser_create_measuring(Denoiser *denoiser, Context *ctx, const Network *net, int batch,
                               bool spectral, size_t extra_bytes, Error *error);
void denoiser_destroy(Denoiser *denoiser);

/* Sets the labels of the next calls' n images: host memory, -1 = the zero label. */
void denoiser_set_labels(Denoiser *denoiser, const int32_t *labels, int n);

/* Sets the noise levels of the next calls: of n images (host memory), or one for all; the latter does
 * not wait for the device. */
void denoiser_set_sigma(Denoiser *denoiser, const float *sigma, int n);
void denoiser_set_one_sigma(Denoiser *denoiser, float sigma);

/* Runs the network(s) on x [n,h,w,c] F32 and then the solver step, whose prediction is filled in here.
 * out may be x.  Errors are kept in the context. */
void denoiser_step(Denoiser *denoiser, Tensor x, SolverStep step, Tensor out);

/* Runs the network(s) in the same way on x, which is x0 with noise, and then measures:
 * squared[i] = ||x0 - D(x; sigma)||^2 of image i (device [n]) and, if the denoiser is spectral, adds
 * the error's power in each direction of its Fourier transform to `power` (device; kernels.h:
 * spectrum_add). */
void denoiser_error(Denoiser *denoiser, Tensor x, Tensor x0, double *squared, double *power);

/* amplitude[direction] += |x^_0| of each image (device): of a spectral denoiser. */
void denoiser_amplitude(Denoiser *denoiser, Tensor x0, double *amplitude);

/* What to try when results are infinite or not a number, as the end of a message. */
const char *denoiser_overflow_advice(const Denoiser *denoiser);

/* u(sigma) for n noise levels (both host), which become those of the next calls: the network's own
 * estimate of its log error.  Fails if the network makes none (net->logvar). */
void denoiser_logvar(Denoiser *denoiser, const float *sigma, int n, float *logvar);

#endif
