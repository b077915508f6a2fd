// A launch has more threads than __launch_bounds__ promised.
__global__ void __launch_bounds__(128) nothing() {}

int main() {
    nothing<<<1, 160>>>();  // finds: launch host
    return cudaGetLastError() == cudaSuccess;
}
