// A copy that should be from the host has a source on the device.
int main() {
    int *a, *b;
    cudaMalloc(&a, 64);
    cudaMalloc(&b, 64);
    return cudaMemcpy(a, b, 64, cudaMemcpyHostToDevice) !=
           cudaErrorInvalidValue;  // finds: wrong_use host
}
