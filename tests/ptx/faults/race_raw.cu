// A barrier is missing between the writing of a tile and its reading.  Which side comes second, and is
// found, is open.
#include <cuda_runtime.h>

__global__ void reverse(float *x) {
    __shared__ float s[128];
    const int i = threadIdx.x;
    s[i] = x[i];        // finds: race
    x[i] = s[127 - i];  // finds: race  // also: uninitialised
}

int main() {
    float *x;
    cudaMalloc(&x, 128 * sizeof(float));
    cudaMemset(x, 0, 128 * sizeof(float));
    reverse<<<1, 128>>>(x);
    return cudaDeviceSynchronize();
}
