// The runtime's functions: memory, copies, variables, streams, events, graphs, attributes, occupancy,
// launches.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

static int failures = 0;

#define EXPECT(got, wanted) expect(#got, (long long)(got), (long long)(wanted), __LINE__)
static void expect(const char *what, long long got, long long wanted, int line) {
    if (got == wanted) return;
    std::printf("line %d: %s is %lld, expected %lld\n", line, what, got, wanted);
    ++failures;
}

__device__ int counter;
__device__ int table[8] = {1, 2, 3, 4};
__device__ int *pointer = &table[2];
__constant__ float factors[4];
__managed__ int managed = 5;

__global__ void add(int *x, int n, int by) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += by;
}

__global__ void scale(float *x) { x[threadIdx.x] = threadIdx.x * factors[threadIdx.x % 4]; }

__global__ void use_variables(int *out) {
    out[0] = table[3] + *pointer;
    out[1] = managed;
    managed = 7;
    counter = 11;
}

struct Big {
    char bytes[100];
    double value;
    short last;
};
__global__ void take_struct(Big big, char c, long long l, double *out) {
    out[0] = big.bytes[99], out[1] = big.value, out[2] = big.last, out[3] = c, out[4] = (double)l;
}

__global__ void sizes(unsigned *out) {
    extern __shared__ unsigned words[];
    words[threadIdx.x] = threadIdx.x;
    __syncthreads();
    if (threadIdx.x == 0) {
        out[0] = gridDim.x, out[1] = gridDim.y, out[2] = gridDim.z;
        out[3] = blockDim.x, out[4] = words[blockDim.x - 1];
    }
}

static void test_memory() {
    int *a = nullptr, *b = nullptr, host[64], back[64];
    for (int i = 0; i < 64; ++i) host[i] = i;
    EXPECT(cudaMalloc(&a, sizeof host), cudaSuccess);
    EXPECT(cudaMalloc(&b, sizeof host), cudaSuccess);
    EXPECT((size_t)a % 256, 0);
    EXPECT(cudaMemcpy(a, host, sizeof host, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT(cudaMemcpy(b, a, sizeof host, cudaMemcpyDefault), cudaSuccess);
    EXPECT(cudaMemcpy(back, b, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(std::memcmp(host, back, sizeof back), 0);
    // A 4x4 corner of an 8x8 array of ints, into 4 rows of 16 bytes.
    int corner[16];
    EXPECT(cudaMemcpy2D(corner, 16, a + 8 * 2 + 3, 32, 16, 4, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(corner[0], 19);
    EXPECT(corner[15], 46);
    EXPECT(cudaMemset(a, 1, sizeof host), cudaSuccess);
    EXPECT(cudaMemset2D(a, 32, 2, 4, 8), cudaSuccess);
    EXPECT(cudaMemcpy(back, a, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(back[0], 0x02020202);
    EXPECT(back[63], 0x01010101);
    size_t available = 0, total = 0, before = 0;
    EXPECT(cudaMemGetInfo(&before, &total), cudaSuccess);
    EXPECT(cudaFree(a), cudaSuccess);
    EXPECT(cudaMemGetInfo(&available, &total), cudaSuccess);
    EXPECT(available > before, true);
    EXPECT(cudaFree(b), cudaSuccess);
    EXPECT(cudaFree(nullptr), cudaSuccess);
    void *large = nullptr;
    EXPECT(cudaMalloc(&large, total + 1), cudaErrorMemoryAllocation);
    EXPECT(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT(cudaGetLastError(), cudaSuccess);
}

static void test_host_memory() {
    int *pinned = nullptr, *m = nullptr, *device = nullptr;
    EXPECT(cudaMallocHost(&pinned, 128), cudaSuccess);
    EXPECT(cudaMallocManaged(&m, 128), cudaSuccess);
    for (int i = 0; i < 32; ++i) pinned[i] = i, m[i] = 2 * i;
    add<<<1, 32>>>(pinned, 32, 1);
    add<<<1, 32>>>(m, 32, 1);
    EXPECT(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT(pinned[31], 32);
    EXPECT(m[31], 63);
    std::vector<int> own(32, 3);
    EXPECT(cudaHostRegister(own.data(), 128, cudaHostRegisterDefault), cudaSuccess);
    EXPECT(cudaHostGetDevicePointer((void **)&device, own.data(), 0), cudaSuccess);
    add<<<1, 32>>>(device, 32, 1);
    EXPECT(own[31], 4);
    cudaPointerAttributes attributes;
    EXPECT(cudaPointerGetAttributes(&attributes, own.data() + 1), cudaSuccess);
    EXPECT(attributes.type, cudaMemoryTypeHost);
    EXPECT(cudaHostUnregister(own.data()), cudaSuccess);
    EXPECT(cudaPointerGetAttributes(&attributes, own.data() + 1), cudaSuccess);
    EXPECT(attributes.type, cudaMemoryTypeUnregistered);
    EXPECT(cudaPointerGetAttributes(&attributes, m), cudaSuccess);
    EXPECT(attributes.type, cudaMemoryTypeManaged);
    EXPECT(cudaFreeHost(pinned), cudaSuccess);
    EXPECT(cudaFree(m), cudaSuccess);
}

static void test_variables() {
    const float values[4] = {1, 2, 3, 4};
    float *x = nullptr, back[32];
    EXPECT(cudaMemcpyToSymbol(factors, values, sizeof values), cudaSuccess);
    EXPECT(cudaMalloc(&x, sizeof back), cudaSuccess);
    scale<<<1, 32>>>(x);
    EXPECT(cudaMemcpy(back, x, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(back[31], 124);
    EXPECT(cudaFree(x), cudaSuccess);

    int *out = nullptr, got[2], count = 0;
    EXPECT(managed, 5);
    managed = 6;
    EXPECT(cudaMalloc(&out, sizeof got), cudaSuccess);
    use_variables<<<1, 1>>>(out);
    EXPECT(cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(got[0], 4 + 3);
    EXPECT(got[1], 6);
    EXPECT(managed, 7);
    EXPECT(cudaMemcpyFromSymbol(&count, counter, sizeof count), cudaSuccess);
    EXPECT(count, 11);
    const int nine = 9;
    EXPECT(cudaMemcpyToSymbol(table, &nine, 4, 12), cudaSuccess);
    use_variables<<<1, 1>>>(out);
    EXPECT(cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(got[0], 9 + 3);
    void *at = nullptr;
    size_t bytes = 0;
    EXPECT(cudaGetSymbolAddress(&at, table), cudaSuccess);
    EXPECT(cudaGetSymbolSize(&bytes, table), cudaSuccess);
    EXPECT(bytes, 32);
    EXPECT(cudaMemcpy(got, (int *)at + 2, 8, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(got[1], 9);
    EXPECT(cudaFree(out), cudaSuccess);
}

static void test_launches() {
    Big big = {};
    big.bytes[99] = 42, big.value = 2.5, big.last = -3;
    double *out = nullptr, got[5];
    EXPECT(cudaMalloc(&out, sizeof got), cudaSuccess);
    take_struct<<<1, 1>>>(big, 'x', 1ll << 40, out);
    EXPECT(cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(got[0], 42);
    EXPECT(got[1] * 2, 5);
    EXPECT(got[2], -3);
    EXPECT(got[3], 'x');
    EXPECT(got[4], 1ll << 40);
    EXPECT(cudaFree(out), cudaSuccess);

    unsigned *u = nullptr, sized[5];
    EXPECT(cudaMalloc(&u, sizeof sized), cudaSuccess);
    void *args[] = {&u};
    EXPECT(cudaLaunchKernel((const void *)sizes, dim3(3, 2, 4), dim3(64), args, 256, nullptr),
           cudaSuccess);
    EXPECT(cudaMemcpy(sized, u, sizeof sized, cudaMemcpyDeviceToHost), cudaSuccess);
    const unsigned wanted[5] = {3, 2, 4, 64, 63};
    for (int i = 0; i < 5; ++i) EXPECT(sized[i], wanted[i]);
    // More than 48 KB, after asking for it.
    EXPECT(cudaFuncSetAttribute(sizes, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10),
           cudaSuccess);
    sizes<<<1, 1024, 100 << 10>>>(u);
    EXPECT(cudaGetLastError(), cudaSuccess);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(2), config.blockDim = dim3(32), config.dynamicSmemBytes = 128;
    EXPECT(cudaLaunchKernelEx(&config, sizes, u), cudaSuccess);
    EXPECT(cudaMemcpy(sized, u, sizeof sized, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(sized[0], 2);
    EXPECT(cudaFree(u), cudaSuccess);
}

static void test_streams() {
    cudaStream_t stream, other;
    cudaEvent_t start, end;
    int *x = nullptr, back[32];
    EXPECT(cudaMalloc(&x, sizeof back), cudaSuccess);
    EXPECT(cudaStreamCreate(&stream), cudaSuccess);
    EXPECT(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
    EXPECT(cudaEventCreate(&start), cudaSuccess);
    EXPECT(cudaEventCreate(&end), cudaSuccess);
    EXPECT(cudaMemsetAsync(x, 0, sizeof back, stream), cudaSuccess);
    EXPECT(cudaEventRecord(start, stream), cudaSuccess);
    add<<<1, 32, 0, stream>>>(x, 32, 1);
    EXPECT(cudaEventRecord(end, stream), cudaSuccess);
    EXPECT(cudaStreamWaitEvent(other, end), cudaSuccess);
    add<<<1, 32, 0, other>>>(x, 32, 2);
    EXPECT(cudaStreamSynchronize(other), cudaSuccess);
    float milliseconds = -1;
    EXPECT(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
    EXPECT(milliseconds > 0, true);
    EXPECT(cudaMemcpy(back, x, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(back[31], 3);
    static int called = 0;
    EXPECT(cudaLaunchHostFunc(
               stream, [](void *data) { called += *(int *)data; }, &back[0]),
           cudaSuccess);
    EXPECT(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT(called, 3);
    EXPECT(cudaEventDestroy(start), cudaSuccess);
    EXPECT(cudaEventDestroy(end), cudaSuccess);
    EXPECT(cudaStreamDestroy(other), cudaSuccess);
    EXPECT(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT(cudaFree(x), cudaSuccess);
}

// Captured over two streams, launched twice, then updated.
static void test_graphs() {
    cudaStream_t stream, other;
    cudaEvent_t forked, joined;
    cudaGraph_t graph, changed;
    cudaGraphExec_t exec;
    int *x = nullptr, back[32];
    EXPECT(cudaMalloc(&x, sizeof back), cudaSuccess);
    EXPECT(cudaMemset(x, 0, sizeof back), cudaSuccess);
    EXPECT(cudaStreamCreate(&stream), cudaSuccess);
    EXPECT(cudaStreamCreate(&other), cudaSuccess);
    EXPECT(cudaEventCreateWithFlags(&forked, cudaEventDisableTiming), cudaSuccess);
    EXPECT(cudaEventCreateWithFlags(&joined, cudaEventDisableTiming), cudaSuccess);
    const auto capture = [&](int by, cudaGraph_t *into) {
        cudaStreamCaptureStatus status;
        EXPECT(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
        EXPECT(cudaEventRecord(forked, stream), cudaSuccess);
        EXPECT(cudaStreamWaitEvent(other, forked), cudaSuccess);
        EXPECT(cudaStreamIsCapturing(other, &status), cudaSuccess);
        EXPECT(status, cudaStreamCaptureStatusActive);
        add<<<1, 32, 0, other>>>(x, 32, by);
        EXPECT(cudaEventRecord(joined, other), cudaSuccess);
        EXPECT(cudaStreamWaitEvent(stream, joined), cudaSuccess);
        add<<<1, 16, 0, stream>>>(x, 16, 10);
        EXPECT(cudaStreamEndCapture(stream, into), cudaSuccess);
        EXPECT(cudaStreamIsCapturing(other, &status), cudaSuccess);
        EXPECT(status, cudaStreamCaptureStatusNone);
    };
    capture(1, &graph);
    EXPECT(cudaMemcpy(back, x, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(back[0], 0);  // capturing runs nothing
    size_t nodes = 0;
    EXPECT(cudaGraphGetNodes(graph, nullptr, &nodes), cudaSuccess);
    EXPECT(nodes, 2);
    EXPECT(cudaGraphInstantiate(&exec, graph), cudaSuccess);
    EXPECT(cudaGraphLaunch(exec, stream), cudaSuccess);
    EXPECT(cudaGraphLaunch(exec, stream), cudaSuccess);
    capture(100, &changed);
    cudaGraphExecUpdateResultInfo info;
    EXPECT(cudaGraphExecUpdate(exec, changed, &info), cudaSuccess);
    EXPECT(cudaGraphLaunch(exec, stream), cudaSuccess);
    EXPECT(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT(cudaMemcpy(back, x, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT(back[15], 2 + 100 + 30);
    EXPECT(back[16], 2 + 100);
    EXPECT(cudaGraphExecDestroy(exec), cudaSuccess);
    EXPECT(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT(cudaGraphDestroy(changed), cudaSuccess);
    EXPECT(cudaEventDestroy(forked), cudaSuccess);
    EXPECT(cudaEventDestroy(joined), cudaSuccess);
    EXPECT(cudaStreamDestroy(other), cudaSuccess);
    EXPECT(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT(cudaFree(x), cudaSuccess);
}

static void test_pools() {
    cudaStream_t stream;
    cudaMemPool_t pool;
    int *x = nullptr, back[32];
    unsigned long long threshold = 1 << 20, kept = 0;
    EXPECT(cudaStreamCreate(&stream), cudaSuccess);
    EXPECT(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
    EXPECT(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), cudaSuccess);
    EXPECT(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept), cudaSuccess);
    EXPECT(kept, threshold);
    EXPECT(cudaMallocAsync(&x, sizeof back, stream), cudaSuccess);
    EXPECT(cudaMemsetAsync(x, 0, sizeof back, stream), cudaSuccess);
    add<<<1, 32, 0, stream>>>(x, 32, 4);
    EXPECT(cudaMemcpyAsync(back, x, sizeof back, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT(cudaFreeAsync(x, stream), cudaSuccess);
    EXPECT(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT(back[0], 4);
    EXPECT(cudaStreamDestroy(stream), cudaSuccess);
}

static void test_device() {
    cudaDeviceProp p;
    int count = 0, value = 0, version = 0;
    EXPECT(cudaGetDeviceCount(&count), cudaSuccess);
    EXPECT(count, 1);
    EXPECT(cudaGetDeviceProperties(&p, 0), cudaSuccess);
    const char *wanted = std::getenv("KAIROS_PTX_DEVICE");
    EXPECT(p.major * 10 + p.minor, wanted != nullptr ? std::atoi(wanted) : 80);
    EXPECT(p.sharedMemPerBlockOptin, p.major == 8 ? 163 << 10 : 227 << 10);
    EXPECT(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
    EXPECT(value, p.sharedMemPerBlockOptin);
    EXPECT(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
    EXPECT(value, p.multiProcessorCount);
    EXPECT(cudaRuntimeGetVersion(&version), cudaSuccess);
    EXPECT(version, CUDART_VERSION);
    EXPECT(cudaSetDevice(0), cudaSuccess);
    EXPECT(cudaSetDevice(1), cudaErrorInvalidDevice);
    EXPECT(cudaPeekAtLastError(), cudaErrorInvalidDevice);
    EXPECT(cudaGetLastError(), cudaErrorInvalidDevice);
    EXPECT(cudaPeekAtLastError(), cudaSuccess);
    EXPECT(std::strcmp(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice"), 0);
    EXPECT(std::strcmp(cudaGetErrorString(cudaErrorInvalidDevice), "invalid device ordinal"), 0);
    size_t limit = 0;
    EXPECT(cudaDeviceSetLimit(cudaLimitPrintfFifoSize, 1 << 16), cudaSuccess);
    EXPECT(cudaDeviceGetLimit(&limit, cudaLimitPrintfFifoSize), cudaSuccess);
    EXPECT(limit, 1 << 16);
}

__global__ void __launch_bounds__(256, 2) bounded(int *x) {
    __shared__ int s[2048];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[255 - threadIdx.x];
}

static void test_functions() {
    cudaFuncAttributes a;
    int blocks = 0;
    EXPECT(cudaFuncGetAttributes(&a, bounded), cudaSuccess);
    EXPECT(a.sharedSizeBytes, 8192);
    EXPECT(a.maxThreadsPerBlock, 256);
    EXPECT(a.maxDynamicSharedSizeBytes, 40960);
    EXPECT(a.numRegs > 0 && a.numRegs <= 32, true);
    // 2048 threads a multiprocessor: 8 blocks of 256; shared memory lets 17 (164 KB) or more in.
    EXPECT(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 256, 0), cudaSuccess);
    EXPECT(blocks, 8);
    // 8 + 32 + 1 KB each: 4 of 164 KB, 5 of 228 KB.
    cudaDeviceProp p;
    EXPECT(cudaGetDeviceProperties(&p, 0), cudaSuccess);
    EXPECT(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 256, 32 << 10), cudaSuccess);
    EXPECT(blocks, p.major == 8 ? 4 : 5);
    EXPECT(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, bounded, 512, 0), cudaSuccess);
    EXPECT(blocks, 0);
    int grid = 0, block = 0;
    EXPECT(cudaOccupancyMaxPotentialBlockSize(&grid, &block, add), cudaSuccess);
    EXPECT(grid * block, p.multiProcessorCount * 2048);
    const char *name = nullptr;
    EXPECT(cudaFuncGetName(&name, (const void *)add), cudaSuccess);
    EXPECT(std::strcmp(name, "_Z3addPiii"), 0);
}

int main() {
    test_memory();
    test_host_memory();
    test_variables();
    test_launches();
    test_streams();
    test_graphs();
    test_pools();
    test_device();
    test_functions();
    return failures != 0;
}
