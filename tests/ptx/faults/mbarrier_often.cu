// A thread arrives at an mbarrier with a count that is more than what its phase still expects.
#include <cstdint>

__global__ void often(int *to) {
    __shared__ uint64_t barrier;
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(&barrier);
    if (threadIdx.x == 0) asm volatile("mbarrier.init.shared.b64 [%0], 2;" ::"r"(at) : "memory");
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
