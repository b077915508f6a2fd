// A launch has clusters of 16 blocks, which only some GPUs run, without allowing it; GPUs before 9.0 have no clusters.
__global__ void nothing() {}

int main() {
    cudaLaunchAttribute size;
    size.id = cudaLaunchAttributeClusterDimension;
    size.val.clusterDim.x = 16, size.val.clusterDim.y = size.val.clusterDim.z = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(32), config.blockDim = dim3(32), config.attrs = &size, config.numAttrs = 1;
    return cudaLaunchKernelEx(&config, nothing) == cudaSuccess;  // finds: launch host
}
