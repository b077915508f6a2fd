// A cluster of so many blocks that 64 bits cannot count them: a product that wraps around is 1.
__global__ void nothing() {}

int main() {
    cudaLaunchAttribute size;
    size.id = cudaLaunchAttributeClusterDimension;
    size.val.clusterDim.x = 998724481, size.val.clusterDim.y = 1119412321, size.val.clusterDim.z = 33;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(32), config.blockDim = dim3(32), config.attrs = &size, config.numAttrs = 1;
    return cudaLaunchKernelEx(&config, nothing) == cudaSuccess;  // finds: launch host
}
