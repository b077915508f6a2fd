// A cooperative launch has more blocks than the device holds at once.
__global__ void nothing() {}

int main() {
    cudaDeviceProp p;
    cudaGetDeviceProperties(&p, 0);
    const int held = p.multiProcessorCount * (p.maxThreadsPerMultiProcessor / 1024);
    const cudaError_t error =
        cudaLaunchCooperativeKernel(nothing, dim3(held + 1), dim3(1024),  // finds: launch host
                                    nullptr);
    return error != cudaErrorCooperativeLaunchTooLarge;
}
