// A program asks for more shared memory than a block can have.
__global__ void fill() {
    extern __shared__ int words[];
    words[threadIdx.x] = 0;
}

int main() {
    const int bytes = 228 << 10;
    return cudaFuncSetAttribute(fill, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                bytes) !=  // finds: launch host
           cudaErrorInvalidValue;
}
