// The seed that the environment gives.
#include "random.h"

#include <cstdlib>

uint64_t ptx_seed() {
    static const char *text = getenv("KAIROS_PTX_SEED");
    static const uint64_t seed = text != nullptr ? strtoull(text, nullptr, 10) : 0;
    return seed;
}
