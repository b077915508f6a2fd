// How the blocks of a grid are run: spread over OpenMP's threads, which oneDNN uses too.
#pragma once

#include <functional>

#include "launch.h"

namespace simt {

// Runs `thread` for every block.
void run_grid(const Launch &launch, const std::function<void()> &thread);

inline long long blocks_of(dim3 grid) { return 1ll * grid.x * grid.y * grid.z; }

inline uint3 block_index(dim3 grid, long long number) {
    const long long plane = 1ll * grid.x * grid.y;
    return {static_cast<unsigned int>(number % grid.x),
            static_cast<unsigned int>(number % plane / grid.x),
            static_cast<unsigned int>(number / plane)};
}

}  // namespace simt
