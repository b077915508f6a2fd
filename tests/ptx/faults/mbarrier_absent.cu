// A thread arrives at an mbarrier that nobody has initialised, and at one that was given up.
#include "../tests/ptx_async.h"

__global__ void absent(int *to) {
    __shared__ uint64_t barrier[2];
    const uint32_t at = shared_address(barrier);
    barrier_init(barrier, 1);
    asm volatile("mbarrier.inval.shared.b64 [%0];" ::"r"(at) : "memory");
    barrier[1] = 0;
    asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0]; }" ::"r"(at) : "memory");  // finds: wrong_use all
    asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0 + 8]; }" ::"r"(at) : "memory");  // finds: wrong_use all
    *to = 0;
}

int main() {
    int *to;
    cudaMalloc(&to, 128);
    absent<<<1, 1>>>(to);
    return cudaDeviceSynchronize();
}
