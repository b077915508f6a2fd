// A thread arrives twice at its cluster's barrier without waiting between.
// devices: 90,100
__global__ void __cluster_dims__(2, 1, 1) twice(int *to) {
    asm volatile("barrier.cluster.arrive;" ::: "memory");
    asm volatile("barrier.cluster.arrive;" ::: "memory");  // finds: barrier
    asm volatile("barrier.cluster.wait;" ::: "memory");
    to[blockIdx.x * 32 + threadIdx.x] = 0;
}

int main() {
    int *to;
    cudaMalloc(&to, 256);
    twice<<<2, 32>>>(to);
    return cudaDeviceSynchronize();
}
