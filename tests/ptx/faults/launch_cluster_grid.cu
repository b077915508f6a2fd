// A grid that is not whole clusters.
// devices: 90,100
__global__ void __cluster_dims__(4, 1, 1) nothing() {}

int main() {
    nothing<<<6, 32>>>();  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidClusterSize;
}
