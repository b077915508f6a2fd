// The host copies one element more than there is.
// finds: bounds host
#include <cuda_runtime.h>

#include <cstdlib>

int main() {
    float *x, host[101] = {};
    cudaMalloc(&x, 100 * sizeof(float));
    cudaMemcpy(x, host, 101 * sizeof(float), cudaMemcpyHostToDevice);
    return EXIT_SUCCESS;
}
