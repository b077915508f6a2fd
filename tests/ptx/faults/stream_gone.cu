// Work is given to a stream that was destroyed.
__global__ void nothing() {}

int main() {
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    cudaStreamDestroy(stream);
    nothing<<<1, 1, 0, stream>>>();  // finds: wrong_use host
    return cudaGetLastError() != cudaErrorInvalidResourceHandle;
}
