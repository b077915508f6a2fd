// A block is one call.
#include <stdlib.h>

#include <new>

#include "grid.h"

namespace simt {

void run_grid(const Launch &launch, const std::function<void()> &thread) {
    const long long blocks = blocks_of(launch.grid);
#pragma omp parallel if (blocks > 1)
    {
        gridDim = launch.grid;
        // Of exactly this size, so that AddressSanitizer sees accesses past it.
        void *shared = nullptr;
        if (launch.shared_bytes > 0 && posix_memalign(&shared, 256, launch.shared_bytes) != 0)
            throw std::bad_alloc();
        dynamic_shared = shared;
#pragma omp for schedule(dynamic)
        for (long long b = 0; b < blocks; ++b) {
            blockIdx = block_index(launch.grid, b);
            thread();
        }
        free(shared);
    }
}

}  // namespace simt
