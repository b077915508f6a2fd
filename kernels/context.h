/* What the launchers see of a context. */
#ifndef KAIROS_CONTEXT_H
#define KAIROS_CONTEXT_H

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>

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
};

#ifdef __cplusplus

/* True if the operation is to launch its kernels: no error so far, and not planning. */
bool context_runs(const Context *ctx);

/* Record a failed call by its name; return true if it succeeded. */
bool check_cuda(Context *ctx, cudaError_t status, const char *what);
bool check_cudnn(Context *ctx, cudnnStatus_t status, const char *what);
bool check_cublas(Context *ctx, cublasStatus_t status, const char *what);

/* After a LAUNCH: records a launch that failed. */
void check_launch(Context *ctx, const char *kernel);

/* Blocks for `items` of which a block handles `per_block` at a time: at most a few waves of the
 * device, since kernels loop over their block_range. */
int blocks_for(const Context *ctx, long long items, int per_block);

/* Counts what an operation costs while planning. */
void context_plan_add(Context *ctx, long long macs, size_t workspace_bytes);

#endif

#endif
