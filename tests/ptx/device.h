// The GPU that is pretended: KAIROS_PTX_DEVICE = 80 (A100; the default), 90 (H100) or 100 (B200).
// KAIROS_PTX_MULTIPROCESSORS and KAIROS_PTX_MEMORY (in bytes) make it smaller or larger.
#pragma once

#include <cstddef>

struct Device {
    const char *name;
    int major, minor;
    const char *targets[3];  // PTX that it takes, best first ("sm_90a")
    int multiprocessors;
    int threads_per_block, threads_per_multiprocessor, blocks_per_multiprocessor;
    int registers_per_block, registers_per_multiprocessor, registers_per_thread;
    int shared_per_block, shared_per_block_optin, shared_per_multiprocessor, shared_reserved;
    size_t memory;
};
const Device &device();
