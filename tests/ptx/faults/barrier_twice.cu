// A producer announces its second value before anybody has taken the first.
#include <cuda_runtime.h>

__global__ void produce(int *x) {
    if (threadIdx.x < 32) {
        for (int k = 0; k < 2; ++k) {
            x[k * 32 + threadIdx.x] = k;
            asm volatile("bar.arrive 2, 96;" ::: "memory");  // finds: barrier thread=(0,0,0)
        }
    }
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    produce<<<1, 96>>>(x);
    return cudaDeviceSynchronize();
}
