// A load of 16 bytes is used but for the middle ones; nobody has written the last one.
#include <cuda_runtime.h>

__global__ void pick(int *to) {
    __shared__ alignas(16) int s[4];
    if (threadIdx.x == 0) s[0] = 1;
    __syncthreads();
    int a, b;
    asm volatile(
        "{ .reg .b32 x, y; .pragma \"used_bytes_mask 61455\"; ld.shared.v4.u32 {%0, x, y, %1}, [%2]; }"
        : "=r"(a), "=r"(b)
        : "r"((unsigned)__cvta_generic_to_shared(s)));  // finds: uninitialised
    to[threadIdx.x] = a + b;
}

int main() {
    int *to;
    cudaMalloc(&to, 32 * sizeof(int));
    pick<<<1, 32>>>(to);
    return cudaDeviceSynchronize();
}
