// What the CPU target's own sources share: the queue of a stream, and the last error.
#pragma once

#include <functional>

#include "include/cuda_runtime_api.h"

namespace simt {

// Runs the work now, or records it if the stream is being captured.  After work that failed nothing
// runs until the error is cleared.  Library calls (cuDNN, cuBLAS, cuFFT) go through this too.
void enqueue(cudaStream_t stream, std::function<void()> work);

bool capturing(cudaStream_t stream);

// Sets the last error of this thread, and returns it.
cudaError_t failed(cudaError_t error);

// The same for work that failed while it ran: synchronizing reports it too, until it is cleared.
void work_failed();

// What synchronizing returns.
cudaError_t work_status();

}  // namespace simt
