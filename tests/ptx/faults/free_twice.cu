// Memory is freed twice.
#include <cuda_runtime.h>

int main() {
    char *x;
    cudaMalloc(&x, 8);
    cudaFree(x);
    return cudaFree(x) != cudaErrorInvalidValue;  // finds: wrong_use host
}
