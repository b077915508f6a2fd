/* One-dimensional data whose score is known: equal mixtures of points or of Gaussians, mean 0 and
 * standard deviation 1, as in the one-dimensional experiments of Stancevic, Handke, Ambrogioni 2025
 * (appendix H.2).
 *
 * The frame is EDM's: x = x_0 + sigma n.  A variance-preserving process is the same in other words: its
 * state is x / sqrt(1 + sigma^2), and DDIM commutes with that factor (Karras et al. 2022, section 2).
 */
#ifndef KAIROS_TOY_MIXTURE_H
#define KAIROS_TOY_MIXTURE_H

#include <stdint.h>

enum { MIXTURE_CAPACITY = 64 };

typedef struct {
    int components;
    double width;                    /* standard deviation of each component; 0 = points */
    double centre[MIXTURE_CAPACITY]; /* [components], increasing */
} Mixture;

/* Where the centres lie.  Random: drawn from a Gaussian, independently, so that gaps are of many sizes.
 * Jittered: evenly spaced, then each moved by up to +-0.4 of the spacing.  Even: all gaps alike. */
typedef enum { LAYOUT_RANDOM, LAYOUT_JITTERED, LAYOUT_EVEN } MixtureLayout;

/* The centres that (seed, repetition) draw, shifted and scaled so that the data have mean 0 and
 * standard deviation 1. 2 <= components <= MIXTURE_CAPACITY and 0 <= width < 1 (or one component of
 * width 1). */
Mixture mixture_create(int components, double width, MixtureLayout layout, uint64_t seed,
                       uint64_t repetition);

/* D(x; sigma) = E[x_0 | x_0 + sigma n = x], the denoiser that a perfect network would be. */
double mixture_denoise(const Mixture *mixture, double x, double sigma);

/* E (x_0 - D(x; sigma))^2, by quadrature: the squared error curve of the perfect network. */
double mixture_squared_error(const Mixture *mixture, double sigma);

/* P(x_0 <= x), and its inverse for 0 < p < 1; width > 0. */
double mixture_cdf(const Mixture *mixture, double x);
double mixture_quantile(const Mixture *mixture, double p);

#endif
