// The last block sums what all blocks wrote, but their fences are of their block only.
#include <cuda_runtime.h>

__global__ void sum(const float *x, float *parts, unsigned *count, float *to) {
    if (threadIdx.x == 0) {
        float s = 0;
        for (int i = 0; i < 32; ++i) s += x[blockIdx.x * 32 + i];
        parts[blockIdx.x] = s;
        __threadfence_block();
        if (atomicAdd(count, 1) == gridDim.x - 1) {
            __threadfence();
            s = 0;
            for (unsigned b = 0; b < gridDim.x; ++b) s += parts[b];  // finds: race thread=(0,0,0)
            *to = s;
        }
    }
}

int main() {
    float *x, *parts, *to;
    unsigned *count;
    cudaMalloc(&x, 256 * sizeof(float));
    cudaMalloc(&parts, 8 * sizeof(float));
    cudaMalloc(&to, sizeof(float));
    cudaMalloc(&count, sizeof(unsigned));
    cudaMemset(x, 0, 256 * sizeof(float));
    cudaMemset(count, 0, sizeof(unsigned));
    sum<<<8, 32>>>(x, parts, count, to);
    return cudaDeviceSynchronize();
}
