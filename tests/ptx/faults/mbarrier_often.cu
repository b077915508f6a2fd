// A thread arrives at an mbarrier with a count that is more than what its phase still expects.
#include "../tests/ptx_async.h"

__global__ void often(int *to) {
    __shared__ uint64_t barrier;
    const uint32_t at = shared_address(&barrier);
    if (threadIdx.x == 0) barrier_init(&barrier, 2);
    __syncthreads();
    if (threadIdx.x < 1) {
        asm volatile("mbarrier.arrive.noComplete.shared.b64 _, [%0], 3;" ::"r"(at) : "memory");  // finds: wrong_use
    }
    to[threadIdx.x] = 0;
}

int main() {
    int *to;
    cudaMalloc(&to, 128);
    often<<<1, 32>>>(to);
    return cudaDeviceSynchronize();
}
