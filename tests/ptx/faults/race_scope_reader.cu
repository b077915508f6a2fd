// A value is handed to another block behind a flag, and the reader's fence is of its block only.
#include <cuda_runtime.h>

__global__ void hand_on(float *value, volatile int *flag, float *to) {
    if (blockIdx.x == 0) {
        *value = 3;
        __threadfence();
        *flag = 1;
    } else {
        while (*flag == 0) {
        }
        __threadfence_block();
        *to = *value;  // finds: race block=(1,0,0) thread=(0,0,0)
    }
}

int main() {
    float *value, *to;
    int *flag;
    cudaMalloc(&value, sizeof(float));
    cudaMalloc(&to, sizeof(float));
    cudaMalloc(&flag, sizeof(int));
    cudaMemset(flag, 0, sizeof(int));
    hand_on<<<2, 1>>>(value, flag, to);
    return cudaDeviceSynchronize();
}
