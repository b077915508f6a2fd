// A copy from the host whose source is the device's.
int main() {
    int *a, *b;
    cudaMalloc(&a, 64);
    cudaMalloc(&b, 64);
    return cudaMemcpy(a, b, 64, cudaMemcpyHostToDevice) !=
           cudaErrorInvalidValue;  // finds: wrong_use host
}
