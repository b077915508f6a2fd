// A block ends, and nobody has waited for the copy to its shared memory.
// devices: 90,100
#include "bulk.h"

__global__ void tile(const int *x, int *to) {
    __shared__ __align__(128) int s[64];
    __shared__ uint64_t barrier;
    const int i = threadIdx.x;
    if (i == 0) {
        init(&barrier, 1);
        expect(&barrier, 256);
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 256, [%2];"
                     ::"r"(shared_address(s)), "l"(x), "r"(shared_address(&barrier)) : "memory");  // finds: asynchronous
    }
    to[i] = 0;
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 256);
    cudaMalloc(&to, 256);
    cudaMemset(x, 0, 256);
    tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
