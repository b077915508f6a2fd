// So many threads that 64 bits cannot count them: a product that wraps around is 64.
__global__ void nothing() {}

int main() {
    nothing<<<1, dim3(536838145, 536903681, 64)>>>();  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidConfiguration;
}
