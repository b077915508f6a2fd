// A value is handed to another block behind a flag, but the reader has no fence.
#include <cuda_runtime.h>

__global__ void hand_on(float *value, volatile int *flag, float *to) {
    if (blockIdx.x == 0) {
        *value = 3;
        __threadfence();
        *flag = 1;
    } else {
        while (*flag == 0) {
        }
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
