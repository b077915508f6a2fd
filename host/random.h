/* The order of the random draws of an image, as NVlabs' generate_images makes them (DESIGN: an image
 * depends on its seed alone).  Draw 0 is the initial noise, draw 1 the class label (drawn even if it is
 * then overridden, not drawn if the model has no labels), then one draw for each stochastic step. */
#ifndef KAIROS_RANDOM_H
#define KAIROS_RANDOM_H

#include <stdint.h>

enum { RANDOM_NOISE_DRAW = 0, RANDOM_LABEL_DRAW = 1 };

/* The class label of an image: torch.randint(label_dim) of its generator.  label_dim >= 1. */
int32_t random_label(uint64_t seed, int label_dim);

/* Number of the draw of the first stochastic step. */
int random_first_solver_draw(int label_dim);

#endif
