// What the CPU target's own sources share: the queue of a stream, and the last error.
#pragma once

#include <functional>

#include "include/cuda_runtime_api.h"

namespace simt {

// Runs the work now, or records it if the stream is being captured.  Library calls (cuDNN, cuBLAS,
// cuFFT) go through this too.
void enqueue(cudaStream_t stream, std::function<void()> work);

bool capturing(cudaStream_t stream);

// Sets the last error of this thread, and returns it.
cudaError_t failed(cudaError_t error);

}  // namespace simt
