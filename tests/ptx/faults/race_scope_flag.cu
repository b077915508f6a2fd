// A value is handed to another block behind a flag whose scope is the block: neither is safe.
#include <cuda/atomic>

using Flag = cuda::atomic_ref<int, cuda::thread_scope_block>;

__global__ void hand_on(float *value, int *flag, float *to) {
    if (blockIdx.x == 0) {
        *value = 3;
        Flag(*flag).store(1, cuda::memory_order_release);  // also: race
    } else {
        while (Flag(*flag).load(cuda::memory_order_acquire) == 0) {  // also: race
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
