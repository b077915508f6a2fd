// A launch takes more than 48 KB of dynamic shared memory, without asking for it.
__global__ void fill() {
    extern __shared__ int words[];
    words[threadIdx.x] = 0;
}

int main() {
    fill<<<1, 32, (48 << 10) + 4>>>();  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidValue;
}
