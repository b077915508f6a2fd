// Static and dynamic shared memory together are more than a launch may have without asking.
__global__ void fill(int *out) {
    __shared__ int fixed[1024];
    extern __shared__ int words[];
    fixed[threadIdx.x] = words[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = fixed[31 - threadIdx.x] + words[31 - threadIdx.x];
}

int main() {
    int *out;
    cudaMalloc(&out, 128);
    fill<<<1, 32, 45 << 10>>>(out);  // finds: launch host
    return cudaGetLastError() != cudaErrorInvalidValue;
}
