// The device: its stream, the libraries' handles, sticky errors, memory, planning.
#include "context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <new>

#include "device/launch.cuh"

// Waves of a grid at most: a few, so that a processor that is ahead takes blocks from one that is
// behind. On the host's cores, which other processes use too, blocks cost next to nothing.
constexpr int DEVICE_WAVES = 4, HOST_WAVES = 16;

size_t dtype_size(DType dtype) { return dtype == F32 ? 4 : 2; }

size_t tensor_bytes(Tensor t) { return (size_t)t.n * t.h * t.w * t.c * dtype_size(t.dtype); }

Tensor tensor_images(Tensor t, int i, int n) {
    if (t.data != NULL) t.data = (char *)t.data + (size_t)i * (tensor_bytes(t) / t.n);
    t.n = n;
    return t;
}

bool context_fail(Context *ctx, const char *format, ...) {
    if (ctx->error.text[0] != '\0') return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ctx->error.text, sizeof ctx->error.text, format, arguments);
    va_end(arguments);
    return false;
}

bool check_cuda(Context *ctx, cudaError_t status, const char *what) {
    if (status == cudaSuccess) return true;
    return context_fail(ctx, "%s failed on device %d: %s", what, ctx->device,
                        cudaGetErrorString(status));
}

bool check_cudnn(Context *ctx, cudnnStatus_t status, const char *what) {
    if (status == CUDNN_STATUS_SUCCESS) return true;
    return context_fail(ctx, "%s failed on device %d: %s", what, ctx->device,
                        cudnnGetErrorString(status));
}

bool check_cublas(Context *ctx, cublasStatus_t status, const char *what) {
    if (status == CUBLAS_STATUS_SUCCESS) return true;
    return context_fail(ctx, "%s failed on device %d: %s", what, ctx->device,
                        cublasGetStatusString(status));
}

void check_launch(Context *ctx, const char *kernel) { check_cuda(ctx, cudaGetLastError(), kernel); }

static bool open_device(Context *ctx, int device) {
    cudaDeviceProp properties;
    ctx->device = device;
    if (!check_cuda(ctx, cudaSetDevice(device), "opening the device")) return false;
    if (!check_cuda(ctx, cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties"))
        return false;
    // What the kernels are compiled for; the CPU target has no number.
    if (properties.major > 0 && properties.major < 8)
        return context_fail(ctx, "device %d, %s, has compute capability %d.%d, expected at least 8.0",
                            device, properties.name, properties.major, properties.minor);
    ctx->processors = properties.multiProcessorCount;
    ctx->host_cores = properties.major == 0;
    ctx->shared_bytes = properties.sharedMemPerBlockOptin;
    return check_cuda(ctx, cudaStreamCreateWithFlags(&ctx->stream, cudaStreamNonBlocking),
                      "cudaStreamCreate");
}

static bool open_libraries(Context *ctx) {
    return check_cudnn(ctx, cudnnCreate(&ctx->cudnn), "opening cuDNN") &&
           check_cudnn(ctx, cudnnSetStream(ctx->cudnn, ctx->stream), "cudnnSetStream") &&
           check_cublas(ctx, cublasCreate(&ctx->cublas), "opening cuBLAS") &&
           check_cublas(ctx, cublasSetStream(ctx->cublas, ctx->stream), "cublasSetStream");
}

Context *context_create(int device, Engine engine, Error *error) {
    Context *ctx = new (std::nothrow) Context();
    if (ctx == NULL) {
        fail(error, "out of memory");
        return NULL;
    }
    ctx->engine = engine;
    if (open_device(ctx, device) && (engine == ENGINE_NATIVE || open_libraries(ctx))) return ctx;
    fail(error, "%s", ctx->error.text);
    context_destroy(ctx);
    return NULL;
}

void context_destroy(Context *ctx) {
    if (ctx == NULL) return;
    if (ctx->cublas != NULL) cublasDestroy(ctx->cublas);
    if (ctx->cudnn != NULL) cudnnDestroy(ctx->cudnn);
    if (ctx->workspace != NULL) cudaFree(ctx->workspace);
    if (ctx->stream != NULL) cudaStreamDestroy(ctx->stream);
    delete ctx;
}

bool context_ok(const Context *ctx) { return ctx->error.text[0] == '\0'; }

const Error *context_error(const Context *ctx) { return &ctx->error; }

void context_clear_error(Context *ctx) { ctx->error.text[0] = '\0'; }

DeviceInfo context_device(Context *ctx) {
    DeviceInfo info = {};
    cudaDeviceProp properties;
    if (check_cuda(ctx, cudaGetDeviceProperties(&properties, ctx->device), "cudaGetDeviceProperties"))
        snprintf(info.name, sizeof info.name, "%s", properties.name);
    check_cuda(ctx, cudaMemGetInfo(&info.memory_free, &info.memory_total), "cudaMemGetInfo");
    info.processors = ctx->processors;
    info.host_cores = ctx->host_cores;
    return info;
}

int context_pass(const Context *ctx, int per_processor, int batch) {
    const int most = per_processor * ctx->processors;
    if (batch <= most) return batch;
    const int passes = (batch + most - 1) / most, even = (batch + passes - 1) / passes;
    return (even + 3) / 4 * 4;
}

void context_plan_begin(Context *ctx) {
    ctx->planning = true;
    ctx->plan = Plan();
}

Plan context_plan_end(Context *ctx) {
    ctx->planning = false;
    return ctx->plan;
}

void context_plan_add(Context *ctx, long long macs, size_t workspace_bytes) {
    ctx->plan.macs += macs;
    if (workspace_bytes > ctx->plan.workspace_bytes) ctx->plan.workspace_bytes = workspace_bytes;
}

void context_reserve_workspace(Context *ctx, size_t bytes) {
    if (!context_ok(ctx) || bytes <= ctx->workspace_bytes) return;
    device_free(ctx, ctx->workspace);
    ctx->workspace = device_alloc(ctx, bytes);
    ctx->workspace_bytes = ctx->workspace != NULL ? bytes : 0;
}

void context_listen(Context *ctx, ConvolutionListener listener, void *user) {
    ctx->listener = listener;
    ctx->listener_user = user;
}

bool context_runs(const Context *ctx) { return context_ok(ctx) && !ctx->planning; }

// Blocks of `kernel` that a processor runs at once.  If that is none, the launch will say so.
static int resident_blocks(Context *ctx, const void *kernel, size_t shared_bytes) {
    int &blocks = ctx->resident[{kernel, shared_bytes}];
    if (blocks == 0)
        check_cuda(ctx,
                   cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, BLOCK, shared_bytes),
                   "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
    return blocks > 0 ? blocks : 1;
}

static long long blocks_of(Context *ctx, const void *kernel, size_t shared_bytes, long long wanted) {
    const long long wave = (long long)ctx->processors * resident_blocks(ctx, kernel, shared_bytes);
    if (wanted <= wave) return wanted < 1 ? 1 : wanted;
    const long long most = ctx->host_cores ? HOST_WAVES : DEVICE_WAVES, waves = wanted / wave;
    return wave * (waves < most ? waves : most);
}

Grid grid_of(Context *ctx, const void *kernel, size_t shared_bytes, long long items, int per_block) {
    const long long blocks = blocks_of(ctx, kernel, shared_bytes, (items + per_block - 1) / per_block);
    return {(int)blocks, split_of(items, (int)blocks)};
}

void *device_alloc(Context *ctx, size_t bytes) {
    void *data = NULL;
    if (!context_ok(ctx)) return NULL;
    const cudaError_t status = cudaMalloc(&data, bytes > 0 ? bytes : 1);
    if (status == cudaSuccess) return data;
    cudaGetLastError();  // an allocation that failed is reported here, not at the next launch
    context_fail(ctx, "device %d has no room for %.1f MB: %s", ctx->device, bytes / 1e6,
                 cudaGetErrorString(status));
    return NULL;
}

void device_free(Context *ctx, void *data) {
    if (data != NULL) check_cuda(ctx, cudaFree(data), "cudaFree");
}

void device_upload(Context *ctx, void *device, const void *host, size_t bytes) {
    if (!context_runs(ctx) || bytes == 0) return;
    check_cuda(ctx, cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, ctx->stream),
               "copying to the device");
    // The caller may change or free its memory at once, also when it is pinned.
    device_synchronize(ctx);
}

void device_download(Context *ctx, void *host, const void *device, size_t bytes) {
    if (!context_runs(ctx) || bytes == 0) return;
    check_cuda(ctx, cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, ctx->stream),
               "copying from the device");
    device_synchronize(ctx);
}

void device_synchronize(Context *ctx) {
    if (context_runs(ctx)) check_cuda(ctx, cudaStreamSynchronize(ctx->stream), "the device's work");
}
