#include "random.h"

#include "device/philox.h"

int32_t random_label(uint64_t seed, int label_dim) {
    return (int32_t)random_below(seed, (uint32_t)label_dim, RANDOM_LABEL_DRAW);
}

int random_first_solver_draw(int label_dim) {
    return label_dim > 0 ? RANDOM_LABEL_DRAW + 1 : RANDOM_LABEL_DRAW;
}
