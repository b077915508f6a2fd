// A thread waits for a phase while two of them pass: by parity it cannot tell that its own is over.
#include "../tests/ptx_async.h"

__global__ void overtaken(int *to) {
    __shared__ uint64_t barrier;
    const uint32_t at = shared_address(&barrier);
    if (threadIdx.x == 0) barrier_init(&barrier, 1);
    __syncthreads();
    auto passed = [&](int parity) {
        int done;
        asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.s32 %0, 1, 0, p; }"
                     : "=r"(done) : "r"(at), "r"(parity) : "memory");  // finds: asynchronous
        return done;
    };
    if (threadIdx.x == 32) to[0] = passed(0);
    __syncthreads();
    if (threadIdx.x == 0)
        for (int k = 0; k < 2; ++k) barrier_arrive(&barrier);
    __syncthreads();
    if (threadIdx.x == 32) to[1] = passed(0);
}

int main() {
    int *to;
    cudaMalloc(&to, 128);
    overtaken<<<1, 64>>>(to);
    return cudaDeviceSynchronize();
}
