// Blocks of a cluster read each other's shared memory between barriers of the cluster.
// devices: 90,100
#include <cooperative_groups.h>

#include "expect.h"

namespace cg = cooperative_groups;

__global__ void __cluster_dims__(4, 1, 1) ring(const int *x, int *to) {
    __shared__ int s[32];
    cg::cluster_group cluster = cg::this_cluster();
    const int i = threadIdx.x, rank = cluster.block_rank();
    s[i] = x[blockIdx.x * 32 + i];
    cluster.sync();
    const int *other = cluster.map_shared_rank(s, (rank + 1) % 4);
    const int v = other[31 - i];
    to[blockIdx.x * 32 + i] = v;
    cluster.sync();
}

// A value behind a flag, both in global memory.
__global__ void __cluster_dims__(2, 1, 1) flag(int *value, int *flag, int *to) {
    if (blockIdx.x == 0) {
        *value = 5;
        asm volatile("fence.acq_rel.cluster; st.relaxed.cluster.global.u32 [%0], 1;" ::"l"(flag)
                     : "memory");
    } else {
        int is = 0;
        while (is == 0)
            asm volatile("ld.relaxed.cluster.global.u32 %0, [%1];" : "=r"(is) : "l"(flag) : "memory");
        asm volatile("fence.acq_rel.cluster;" ::: "memory");
        *to = *value;
    }
}

int main() {
    std::vector<int> x(256), y(256);
    for (int i = 0; i < 256; ++i) x[i] = i * 9;
    for (int i = 0; i < 256; ++i) {
        const int block = i / 32, beside = block / 4 * 4 + (block + 1) % 4;
        y[i] = x[beside * 32 + 31 - i % 32];
    }
    const int *from = upload(x);
    int *to = upload(std::vector<int>(256));
    ring<<<8, 32>>>(from, to);
    int *words = upload(std::vector<int>(3));
    flag<<<2, 1>>>(words, words + 1, words + 2);
    return expect("ring", download(to, 256), y) + expect("flag", download(words, 3), {5, 1, 5});
}
