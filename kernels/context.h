// What the launchers see of a context.
#ifndef KAIROS_CONTEXT_H
#define KAIROS_CONTEXT_H

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <map>
#include <utility>

#include "device/launch.cuh"
#include "kernels.h"

struct Context {
    cudaStream_t stream;
    Engine engine;
    int device, processors;
    bool host_cores;     /* the device is the host's own cores: it has no compute capability */
    size_t shared_bytes; /* most that a block may have */
    cudnnHandle_t cudnn; /* opened for ENGINE_LIBRARY */
    cublasHandle_t cublas;
    void *workspace;
    size_t workspace_bytes;
    ConvolutionListener listener; /* NULL = none */
    void *listener_user;
    bool planning;
    Plan plan;
    Error error; /* the first failure; text "" = none */
    /* Blocks that a processor runs at once, by kernel and dynamic shared memory. */
    std::map<std::pair<const void *, size_t>, int> resident;
};

/* True if the operation is to launch its kernels: no error so far, and not planning. */
bool context_runs(const Context *ctx);

/* Record a failed call by its name; return true if it succeeded. */
bool check_cuda(Context *ctx, cudaError_t status, const char *what);
bool check_cudnn(Context *ctx, cudnnStatus_t status, const char *what);
bool check_cublas(Context *ctx, cublasStatus_t status, const char *what);

/* After a LAUNCH: records a launch that failed. */
void check_launch(Context *ctx, const char *kernel);

struct Grid {
    int blocks;
    Split split; /* of the items among the blocks */
};

/* The grid: blocks of BLOCK threads of `kernel` for `items`, of which a block handles `per_block` at a
 * time: one for each of those, or else a whole number of waves of the device, since kernels loop over
 * their block_range.  Call it after cudaFuncSetAttribute. */
Grid grid_of(Context *ctx, const void *kernel, size_t shared_bytes, long long items, int per_block);

template <typename... P>
Grid grid_for(Context *ctx, void (*kernel)(P...), long long items, int per_block,
              size_t shared_bytes = 0) {
    return grid_of(ctx, reinterpret_cast<const void *>(kernel), shared_bytes, items, per_block);
}

/* Counts what an operation costs while planning. */
void context_plan_add(Context *ctx, long long macs, size_t workspace_bytes);

#endif
