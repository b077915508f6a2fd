#include "io/shuffle.h"

#include "device/philox.h"

/* A draw that no tensor has, so that an order owes nothing to the noise of the same seed. */
static const uint32_t SHUFFLE_DRAW = UINT32_MAX;

/* A number in [0, end). */
static int64_t number_below(int64_t end, uint64_t seed) {
    const PhiloxBlock block = philox_block(seed & UINT32_MAX, SHUFFLE_DRAW, (uint64_t)end);
    return (int64_t)(((uint64_t)block.word[1] << 32 | block.word[0]) % (uint64_t)end);
}

void shuffle(int64_t *values, int64_t count, uint64_t seed) {
    for (int64_t i = count - 1; i > 0; i--) {
        const int64_t j = number_below(i + 1, seed), value = values[i];
        values[i] = values[j];
        values[j] = value;
    }
}
