// Faithful mode: a block is fibers.
#ifdef SIMT_FAITHFUL

#include <stdlib.h>

#include <atomic>

#include "block.h"
#include "grid.h"
#include "simt.h"

namespace simt {

static unsigned long long environment_seed() {
    const char *text = getenv("KAIROS_SIMT_SEED");
    return text != nullptr ? strtoull(text, nullptr, 10) : 0;
}
static std::atomic<unsigned long long> seed{environment_seed()}, launches{0};

// Of one block, whichever OS thread runs it (the finalizer of splitmix64).
static unsigned long long mix(unsigned long long x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

bool run_grid(const Launch &launch, const std::function<void()> &thread) {
    const long long blocks = blocks_of(launch.grid);
    const unsigned long long launch_seed = mix(mix(seed) + ++launches);
    std::atomic<bool> failed{false};
#pragma omp parallel if (blocks > 1)
    {
        Block &block = this_block();
        gridDim = launch.grid;
        block.begin(launch, thread);
#pragma omp for schedule(dynamic)
        for (long long b = 0; b < blocks; ++b)
            if (!failed && !block.run(block_index(launch.grid, b), mix(launch_seed + b))) failed = true;
        block.end();
    }
    return !failed;
}

void *shared_array(const SharedArray &array) { return this_block().shared_array(array); }

}  // namespace simt

void simt_set_seed(unsigned long long value) {
    simt::seed = value;
    simt::launches = 0;
}

#else

#include "simt.h"
void simt_set_seed(unsigned long long) {}

#endif
