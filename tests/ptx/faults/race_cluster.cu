// A block reads the shared memory of another one of its cluster, which may not have written it yet.
// devices: 90,100
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

__global__ void __cluster_dims__(2, 1, 1) swap(const int *x, int *to) {
    __shared__ int s[32];
    cg::cluster_group cluster = cg::this_cluster();
    const int i = threadIdx.x;
    s[i] = 0;
    cluster.sync();
    s[i] = x[blockIdx.x * 32 + i];  // finds: race
    __syncthreads();
    to[blockIdx.x * 32 + i] = cluster.map_shared_rank(s, cluster.block_rank() ^ 1)[i];  // finds: race
    cluster.sync();
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 64 * sizeof(int));
    cudaMalloc(&to, 64 * sizeof(int));
    cudaMemset(x, 0, 64 * sizeof(int));
    swap<<<2, 32>>>(x, to);
    return cudaDeviceSynchronize();
}
