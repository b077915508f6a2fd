// Launches: what the device's limits say of them, and how many blocks it holds at once.
#pragma once

#include "../machine/block.h"
#include "modules.h"

struct LaunchRequest {
    Size3 grid, block, cluster;
    size_t dynamic_shared = 0;
    bool cooperative = false;
};

// Reports a finding, and returns an error, if the device cannot run it.
cudaError_t check_launch(const Kernel &kernel, const LaunchRequest &request);
cudaError_t launch_kernel(Kernel &kernel, const LaunchRequest &request, void **args,
                          cudaStream_t stream);

// What keeps more blocks from a multiprocessor.
struct Occupancy {
    int by_threads = 0, by_blocks = 0, by_registers = 0, by_shared = 0;
    int blocks() const;
    const char *limit() const;  // "registers"
};
Occupancy occupancy_of(const Program &program, int threads, size_t dynamic_shared);
int registers_of_block(int registers, int threads);
// The largest block of a kernel.
int threads_most(const Program &program);
// Dynamic shared memory that a launch may ask for.
size_t dynamic_shared_most(const Kernel &kernel);
