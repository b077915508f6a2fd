// Lanes of one instruction write different values to one place.
#include <cuda_runtime.h>

__global__ void scatter(const int *at, float *to) {
    to[at[threadIdx.x]] = threadIdx.x;  // finds: race thread=(9,0,0)
}

int main() {
    int host[32], *at;
    float *to;
    for (int i = 0; i < 32; ++i) host[i] = i == 9 ? 3 : i;
    cudaMalloc(&at, sizeof host);
    cudaMalloc(&to, 32 * sizeof(float));
    cudaMemcpy(at, host, sizeof host, cudaMemcpyHostToDevice);
    scatter<<<1, 32>>>(at, to);
    return cudaDeviceSynchronize();
}
