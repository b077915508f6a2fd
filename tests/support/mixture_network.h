/* A network whose every answer is known: D(x; sigma) of images that lie about two centres, m and -m, as
 * N(+-m, width^2).  It lets the layers above a network be tested without weights and without Python.
 *
 * Along m that is toy/mixture.h's one-dimensional mixture of two Gaussians; across it, one Gaussian.  A
 * label tells the centre: 0 is -m, 1 is m; the zero label leaves both possible.  It computes on the
 * host, in double. */
#ifndef KAIROS_TESTS_MIXTURE_NETWORK_H
#define KAIROS_TESTS_MIXTURE_NETWORK_H

#include "nets/network.h"
#include "schedule/schedule.h"
#include "toy/mixture.h"

typedef struct {
    Network base;
    Mixture along;      /* centres -|m| and |m| */
    double *direction;  /* [h,w,c]: m / |m| */
    long long images;   /* that went through forward() */
    long long fails_at; /* forward() fails at this image and later; -1 = never */
} MixtureNetwork;

/* |m| is `distance`.  label_dim: 0 or 2. */
MixtureNetwork *mixture_network_create(Context *ctx, int h, int w, int c, double distance, double width,
                                       int label_dim);

/* Of one image [h,w,c], in double: D(x; sigma). */
void mixture_network_denoise(const MixtureNetwork *net, const float *x, double sigma, int label,
                             double *denoised);
/* E||x_0 - D(x; sigma)||^2 of one image. */
double mixture_network_error(const MixtureNetwork *net, double sigma, int label);
/* Where the probability flow takes x at noise level sigma, at noise level 0: along m its quantile stays
 * the same, across m its distance from 0 in standard deviations. */
void mixture_network_transport(const MixtureNetwork *net, const float *x, double sigma, int label,
                               double *out);
/* Image number i of a random data set; the images of label k are the odd (1) or the even (0). */
void mixture_network_image(const MixtureNetwork *net, int i, float *image);
/* A folder of the first `images` of them, with their labels if the network has classes: its path. */
const char *mixture_network_data(const MixtureNetwork *net, const char *name, int images);

#endif
