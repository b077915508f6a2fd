// The descriptor of B leads out of shared memory.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    __shared__ __align__(128) uint32_t a[A_WORDS], b[B_WORDS];
    fill(a, A_WORDS), fill(b, B_WORDS);
    proxy_fence();
    __syncthreads();
    float d[4] = {};
    wgmma_fence();
    MULTIPLY(d, descriptor(a), descriptor(b) + 1024);  // finds: bounds
    commit();
    wait();
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
