// The host writes more into a variable than it has.
__device__ int four[4];
__global__ void read(int *out) { *out = four[threadIdx.x]; }

int main() {
    const int five[5] = {};
    int *out;
    cudaMalloc(&out, 4);
    read<<<1, 1>>>(out);
    return cudaMemcpyToSymbol(four, five, sizeof five) != cudaErrorInvalidValue;  // finds: bounds host
}
