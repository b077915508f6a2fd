// CUDA's runtime API, whose functions the files of this folder define and the library exports.
#pragma once

#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>

// The functions that nvcc's host code calls besides those of the headers.
extern "C" {
void **__cudaRegisterFatBinary(void *wrapper);
void __cudaRegisterFatBinaryEnd(void **handle);
void __cudaUnregisterFatBinary(void **handle);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name,
                            int thread_limit, uint3 *tid, uint3 *bid, dim3 *block, dim3 *grid,
                            int *warp_size);
void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int external,
                       size_t bytes, int constant, int global);
void __cudaRegisterManagedVar(void **handle, void **host, char *device, const char *name, int external,
                              size_t bytes, int constant, int global);
char __cudaInitModule(void **handle);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args, size_t shared,
                               cudaStream_t stream);
cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
                                    size_t shared, cudaStream_t stream);
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, CUstream_st *stream);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream);
}
#pragma GCC visibility pop

#include <functional>
#include <mutex>

// Every function that touches what threads share holds this lock, for a program may call from several.
std::recursive_mutex &api_mutex();
#define API_GUARD const std::lock_guard<std::recursive_mutex> api_guard(api_mutex())

// Keeps the error for cudaGetLastError, and returns it.
cudaError_t result(cudaError_t error);
// A kernel ended by trap or a failed assertion: every later call fails, as on a GPU.
void device_failed(cudaError_t error);
cudaError_t device_status();

// Does the work of a stream: now, or when the graph runs into which the stream is captured.
cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<cudaError_t()> work);
// What only a stream that is not captured may do.
cudaError_t refuse_while_capturing(cudaStream_t stream, const char *what);
// Counts nanoseconds of the pretended device; it never stands still between two operations.
uint64_t device_time();
