// A launch has more threads than a block may have.
__global__ void nothing() {}

int main() {
    nothing<<<1, 1025>>>();  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidConfiguration;
}
