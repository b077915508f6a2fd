// An address inside of an allocation is freed.
#include <cuda_runtime.h>

int main() {
    char *x;
    cudaMalloc(&x, 8);
    return cudaFree(x + 1) != cudaErrorInvalidValue;  // finds: wrong_use host
}
