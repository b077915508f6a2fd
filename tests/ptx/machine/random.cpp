// The seed that the environment gives.
#include "random.h"

#include "../checks/options.h"

uint64_t ptx_seed() {
    static const uint64_t seed = number_option("KAIROS_PTX_SEED", 0, UINT64_MAX, 0);
    return seed;
}
