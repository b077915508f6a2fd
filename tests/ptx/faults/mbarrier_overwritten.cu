// An array reaches over the mbarrier behind it.
#include "../tests/ptx_async.h"

__global__ void overwritten(int *to) {
    __shared__ struct {
        int values[2];
        uint64_t barrier;
    } s;
    const uint32_t at = shared_address(&s.barrier);
    barrier_init(&s.barrier, 1);
    for (int i = 0; i < 3; ++i) ((volatile int *)s.values)[i] = i;
    asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0]; }" ::"r"(at) : "memory");  // finds: wrong_use
    *to = s.values[0];
}

int main() {
    int *to;
    cudaMalloc(&to, 128);
    overwritten<<<1, 1>>>(to);
    return cudaDeviceSynchronize();
}
