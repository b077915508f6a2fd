// A launch has 1024 threads of a kernel that keeps 96 values in registers: more than a block's 65536.
__global__ void sums(const float *x, float *y) {
    float kept[96], sum = 0;
#pragma unroll
    for (int i = 0; i < 96; ++i) kept[i] = x[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 96; ++i) sum = sum * kept[i] + kept[95 - i];
    y[threadIdx.x] = sum;
}

int main() {
    float *x, *y;
    cudaMalloc(&x, 96 * 4096);
    cudaMalloc(&y, 4096);
    cudaMemset(x, 0, 96 * 4096);
    sums<<<1, 1024>>>(x, y);  // finds: launch host
    return cudaGetLastError() != cudaErrorLaunchOutOfResources;
}
