// A block ends while another one of its cluster may still read its shared memory.
// devices: 90,100
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

__global__ void __cluster_dims__(2, 1, 1) neighbour(const int *x, int *to) {
    __shared__ int s[32];
    cg::cluster_group cluster = cg::this_cluster();
    const int i = threadIdx.x;
    s[i] = x[blockIdx.x * 32 + i];
    cluster.sync();
    const int *other = cluster.map_shared_rank(s, cluster.block_rank() ^ 1);
    for (int k = 0; k < 200; ++k) to[blockIdx.x * 32 + i] = other[i] + k;  // finds: race // also: bounds
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 64 * sizeof(int));
    cudaMalloc(&to, 64 * sizeof(int));
    cudaMemset(x, 0, 64 * sizeof(int));
    neighbour<<<2, 32>>>(x, to);
    return cudaDeviceSynchronize();
}
