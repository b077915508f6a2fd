// A buffer is filled again while the copy from it may still read, and at the end nobody waits for the last copy.
// devices: 90,100
#include <cuda_runtime.h>

#include <cstdint>

__global__ void store(int *to) {
    __shared__ __align__(16) int s[64];
    const int i = threadIdx.x;
    for (int t = 0; t < 2; ++t) {
        s[i] = i + t;  // finds: asynchronous all // also: race
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        if (i == 0)
            asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 256;"
                         "cp.async.bulk.commit_group;" ::"l"(to + t * 64),
                         "r"((uint32_t)__cvta_generic_to_shared(s)) : "memory");  // finds: asynchronous all
        __syncthreads();
    }
}

int main() {
    int *to;
    cudaMalloc(&to, 512);
    store<<<1, 64>>>(to);
    return cudaDeviceSynchronize();
}
