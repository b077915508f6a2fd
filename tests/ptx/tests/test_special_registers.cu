// Special registers, addresses of variables, and conversions of addresses, as nvcc's code and inline
// PTX use them.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "gpu.h"

namespace {

__device__ uint32_t special(int which) {
    uint32_t x = 0;
    switch (which) {
        case 0:
            asm("mov.u32 %0, %%tid.x;" : "=r"(x));
            break;
        case 1:
            asm("mov.u32 %0, %%tid.y;" : "=r"(x));
            break;
        case 2:
            asm("mov.u32 %0, %%tid.z;" : "=r"(x));
            break;
        case 3:
            asm("mov.u32 %0, %%ntid.x;" : "=r"(x));
            break;
        case 4:
            asm("mov.u32 %0, %%ntid.y;" : "=r"(x));
            break;
        case 5:
            asm("mov.u32 %0, %%ntid.z;" : "=r"(x));
            break;
        case 6:
            asm("mov.u32 %0, %%ctaid.x;" : "=r"(x));
            break;
        case 7:
            asm("mov.u32 %0, %%ctaid.y;" : "=r"(x));
            break;
        case 8:
            asm("mov.u32 %0, %%ctaid.z;" : "=r"(x));
            break;
        case 9:
            asm("mov.u32 %0, %%nctaid.x;" : "=r"(x));
            break;
        case 10:
            asm("mov.u32 %0, %%nctaid.y;" : "=r"(x));
            break;
        case 11:
            asm("mov.u32 %0, %%nctaid.z;" : "=r"(x));
            break;
        case 12:
            asm("mov.u32 %0, %%laneid;" : "=r"(x));
            break;
        case 13:
            asm("mov.u32 %0, %%warpid;" : "=r"(x));
            break;
        case 14:
            asm("mov.u32 %0, %%lanemask_lt;" : "=r"(x));
            break;
        case 15:
            asm("mov.u32 %0, %%lanemask_ge;" : "=r"(x));
            break;
        case 16:
            asm("mov.u32 %0, %%lanemask_eq;" : "=r"(x));
            break;
        case 17:
            asm("mov.u32 %0, %%lanemask_le;" : "=r"(x));
            break;
        case 18:
            asm("mov.u32 %0, %%lanemask_gt;" : "=r"(x));
            break;
        case 19:
            asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(x));
            break;
        case 20:
            asm("mov.u32 %0, %%nsmid;" : "=r"(x));
            break;
        case 21:
            asm("mov.u32 %0, %%smid;" : "=r"(x));
            break;
    }
    return x;
}
constexpr int REGISTERS = 22;

__global__ void read_all(uint32_t *out) {
    const uint32_t block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const uint32_t thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    uint32_t *mine = out + (size_t)(block * blockDim.x * blockDim.y * blockDim.z + thread) * REGISTERS;
    for (int i = 0; i < REGISTERS; ++i) mine[i] = special(i);
}

void test_places(dim3 grid, dim3 block) {
    const size_t threads = (size_t)grid.x * grid.y * grid.z * block.x * block.y * block.z;
    Array<uint32_t> device(threads * REGISTERS);
    read_all<<<grid, block, 512>>>(device);
    const std::vector<uint32_t> all = device.values();
    int multiprocessors = 0;
    cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0);
    size_t at = 0;
    for (unsigned bz = 0; bz < grid.z; ++bz)
        for (unsigned by = 0; by < grid.y; ++by)
            for (unsigned bx = 0; bx < grid.x; ++bx)
                for (unsigned z = 0, t = 0; z < block.z; ++z)
                    for (unsigned y = 0; y < block.y; ++y)
                        for (unsigned x = 0; x < block.x; ++x, ++t, ++at) {
                            const unsigned lane = t % 32;
                            uint32_t lower = 0;
                            for (unsigned l = 0; l < lane; ++l) lower += 1u << l;
                            const uint32_t self = 1u << lane;
                            const uint32_t expected[] = {x,
                                                         y,
                                                         z,
                                                         block.x,
                                                         block.y,
                                                         block.z,
                                                         bx,
                                                         by,
                                                         bz,
                                                         grid.x,
                                                         grid.y,
                                                         grid.z,
                                                         lane,
                                                         t / 32,
                                                         lower,
                                                         ~lower,
                                                         self,
                                                         lower + self,
                                                         ~(lower + self),
                                                         512,
                                                         (uint32_t)multiprocessors};
                            const char *names[] = {
                                "tid.x",       "tid.y",       "tid.z",       "ntid.x",
                                "ntid.y",      "ntid.z",      "ctaid.x",     "ctaid.y",
                                "ctaid.z",     "nctaid.x",    "nctaid.y",    "nctaid.z",
                                "laneid",      "warpid",      "lanemask_lt", "lanemask_ge",
                                "lanemask_eq", "lanemask_le", "lanemask_gt", "dynamic_smem_size",
                                "nsmid"};
                            for (int i = 0; i < REGISTERS - 1; ++i)
                                expect(names[i], at, all[at * REGISTERS + i], expected[i]);
                            expect("smid < nsmid", at,
                                   all[at * REGISTERS + REGISTERS - 1] < (uint32_t)multiprocessors,
                                   true);
                        }
}

// ---- time ----

__global__ void read_clocks(unsigned long long *out) {
    const long long begin = clock64();
    unsigned low, high;
    unsigned long long timer, later;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(timer));
    do {
        asm volatile("mov.u32 %0, %%clock;" : "=r"(low));
        asm volatile("mov.u32 %0, %%clock_hi;" : "=r"(high));
    } while (((unsigned long long)high << 32 | low) < (unsigned long long)begin + 500);
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(later));
    out[0] = clock64() - begin >= 500;
    out[1] = later > timer;
}

void test_time() {
    Array<unsigned long long> device(2);
    read_clocks<<<1, 1>>>(device);
    expect("clock", 0, device.values()[0], 1ull);
    expect("globaltimer", 0, device.values()[1], 1ull);
}

// ---- addresses ----

__device__ uint32_t table[8] = {10, 11, 12, 13, 14, 15, 16, 17};
__constant__ uint32_t constants[4] = {20, 21, 22, 23};
struct Parameter {
    uint32_t values[4];
};

__global__ void through_addresses(uint32_t *out, const __grid_constant__ Parameter parameter) {
    __shared__ uint32_t shared[32];
    uint32_t local[4];
    const int t = threadIdx.x;
    shared[t] = 100 + t;
    for (int i = 0; i < 4; ++i) local[(i + t) % 4] = 1000 * t + i;
    __syncthreads();
    // Through generic addresses that the compiler cannot see through.
    const uint32_t *places[5] = {table + t % 8, constants + t % 4, shared + (t + 1) % 32, local + t % 4,
                                 parameter.values + t % 4};
    for (int i = 0; i < 5; ++i) {
        const uint32_t *place = places[i];
        asm volatile("" : "+l"(place));
        out[t * 8 + i] = *place;
    }
    // There and back.
    uint64_t generic = (uint64_t)(shared + t), in_space, again;
    asm("cvta.to.shared.u64 %0, %1;" : "=l"(in_space) : "l"(generic));
    asm("cvta.shared.u64 %0, %1;" : "=l"(again) : "l"(in_space));
    uint32_t value;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(value) : "r"((uint32_t)in_space) : "memory");
    out[t * 8 + 5] = again == generic;
    out[t * 8 + 6] = value;
    uint64_t of_table;
    asm("{ .reg .u64 a; mov.u64 a, %1; cvta.to.global.u64 a, a; cvta.global.u64 %0, a; }"
        : "=l"(of_table)
        : "l"(table));
    out[t * 8 + 7] = of_table == (uint64_t)table;
}

void test_addresses() {
    Array<uint32_t> device(32 * 8);
    through_addresses<<<1, 32>>>(device, Parameter{{30, 31, 32, 33}});
    const std::vector<uint32_t> host = device.values();
    for (uint32_t t = 0; t < 32; ++t) {
        const uint32_t expected[] = {
            10 + t % 8, 20 + t % 4, 100 + (t + 1) % 32, 1000 * t, 30 + t % 4, 1, 100 + t, 1};
        const char *names[] = {"global",    "constant", "shared",    "local",
                               "parameter", "cvta",     "to.shared", "to.global"};
        for (int i = 0; i < 8; ++i) expect(names[i], t, host[t * 8 + i], expected[i]);
    }
}

// ---- clusters ----

constexpr int CLUSTER_REGISTERS = 7;
__global__ void read_cluster(uint32_t *out) {
#if __CUDA_ARCH__ >= 900
    uint32_t *mine = out + (blockIdx.x + gridDim.x * blockIdx.y) * CLUSTER_REGISTERS;
    asm("mov.u32 %0, %%clusterid.x;" : "=r"(mine[0]));
    asm("mov.u32 %0, %%nclusterid.x;" : "=r"(mine[1]));
    asm("mov.u32 %0, %%cluster_ctaid.x;" : "=r"(mine[2]));
    asm("mov.u32 %0, %%cluster_ctaid.y;" : "=r"(mine[3]));
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(mine[4]));
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(mine[5]));
    asm("{ .reg .pred p; mov.pred p, %%is_explicit_cluster; selp.u32 %0, 1, 0, p; }" : "=r"(mine[6]));
#endif
}

void test_clusters() {
    if (capability() < 9) return;
    const dim3 grid(6, 4), size(3, 2);
    Array<uint32_t> device(24 * CLUSTER_REGISTERS);
    cudaLaunchConfig_t config = {};
    config.gridDim = grid, config.blockDim = dim3(1);
    cudaLaunchAttribute attribute;
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {size.x, size.y, 1};
    config.attrs = &attribute, config.numAttrs = 1;
    MUST(cudaLaunchKernelEx(&config, read_cluster, (uint32_t *)device));
    const std::vector<uint32_t> all = device.values();
    for (uint32_t y = 0; y < grid.y; ++y)
        for (uint32_t x = 0; x < grid.x; ++x) {
            const uint32_t expected[] = {x / 3, 2, x % 3, y % 2, x % 3 + 3 * (y % 2), 6, 1};
            const char *names[] = {"clusterid.x",        "nclusterid.x",    "cluster_ctaid.x",
                                   "cluster_ctaid.y",    "cluster_ctarank", "cluster_nctarank",
                                   "is_explicit_cluster"};
            for (int i = 0; i < CLUSTER_REGISTERS; ++i)
                expect(names[i], x + 6 * y, all[(x + 6 * y) * CLUSTER_REGISTERS + i], expected[i]);
        }
}

}  // namespace

int main() {
    test_clusters();
    test_places({3, 2, 2}, {5, 4, 3}), test_places({7}, {96}), test_places({2}, {33});
    test_time();
    test_addresses();
    return report();
}
