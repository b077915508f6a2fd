// A row of ldmatrix does not lie at a multiple of 16 bytes.
#include <cuda_runtime.h>
#include <cstdint>

__global__ void load(uint32_t *x, int pitch) {
    __shared__ __align__(16) uint32_t s[8 * 5];
    for (int i = threadIdx.x; i < 8 * 5; i += 32) s[i] = i;
    __syncwarp();
    const uint32_t row = (uint32_t)__cvta_generic_to_shared(s) + threadIdx.x % 8 * pitch;
    uint32_t loaded;
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
                 : "=r"(loaded)
                 : "r"(row));  // finds: misaligned thread=(1,0,0)
    x[threadIdx.x] = loaded;
}

int main() {
    uint32_t *x;
    cudaMalloc(&x, 32 * sizeof(int));
    load<<<1, 32>>>(x, 20);
    return cudaDeviceSynchronize();
}
