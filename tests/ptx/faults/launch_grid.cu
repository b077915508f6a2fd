// A launch has more blocks in y than a grid may have.
__global__ void nothing() {}

int main() {
    nothing<<<dim3(1, 65536), 32>>>();  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidConfiguration;
}
