// Clusters: distributed shared memory, multicast, barriers, stores that tell an mbarrier of another
// block.
#include "ptx_async.h"
#include "tensor.h"

// ---- a sum over the blocks of a cluster, read from each other's shared memory ----
template <int SIZE>
__global__ void sums(const uint32_t *x, uint32_t *to) {
#if __CUDA_ARCH__ >= 900
    __shared__ uint32_t s[64];
    const int i = threadIdx.x;
    const uint32_t rank = cluster_rank();
    s[i] = x[blockIdx.x * 64 + i];
    cluster_sync();
    uint32_t sum = 0;
    for (uint32_t r = 0; r < SIZE; ++r) {
        uint32_t value, found;
        const uint32_t address = mapped(&s[(i + r) % 64], r);
        asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
        asm volatile("getctarank.shared::cluster.u32 %0, %1;" : "=r"(found) : "r"(address));
        sum += found == r ? value * (r + 1) : 0x12345;
        // The generic form of the same address.
        uint64_t generic;
        uint32_t again;
        asm volatile("mapa.u64 %0, %1, %2;" : "=l"(generic) : "l"(&s[(i + r) % 64]), "r"(r));
        asm volatile("getctarank.u64 %0, %1;" : "=r"(found) : "l"(generic));
        asm volatile("ld.u32 %0, [%1];" : "=r"(again) : "l"(generic) : "memory");
        sum += (again - value) + (found - r);
    }
    to[blockIdx.x * 64 + i] = sum + rank;
    cluster_sync();
#endif
}

cudaLaunchConfig_t configuration(int blocks, int threads, int cluster, cudaLaunchAttribute *attribute) {
    cudaLaunchConfig_t config{};
    config.gridDim = blocks, config.blockDim = threads;
    attribute->id = cudaLaunchAttributeClusterDimension;
    attribute->val.clusterDim.x = cluster,
    attribute->val.clusterDim.y = attribute->val.clusterDim.z = 1;
    config.attrs = attribute, config.numAttrs = 1;
    return config;
}

template <int SIZE>
void test_sums() {
    const int blocks = 3 * SIZE;
    const std::vector<uint32_t> in = random_words(SIZE, blocks * 64);
    std::vector<uint32_t> expected(in.size());
    for (int b = 0; b < blocks; ++b)
        for (int i = 0; i < 64; ++i) {
            for (int r = 0; r < SIZE; ++r)
                expected[b * 64 + i] += in[(b / SIZE * SIZE + r) * 64 + (i + r) % 64] * (r + 1);
            expected[b * 64 + i] += b % SIZE;
        }
    Array<uint32_t> x(in), to(in.size());
    cudaLaunchAttribute attribute;
    const auto config = configuration(blocks, 64, SIZE, &attribute);
    MUST(cudaLaunchKernelEx(&config, sums<SIZE>, (const uint32_t *)x, (uint32_t *)to));
    expect("sums in clusters of " + std::to_string(SIZE), to.values(), expected);
}

// ---- each block loads a slice of a tile for all: multicast ----
template <int SIZE, bool TENSOR>
__global__ void multicast(const __grid_constant__ CUtensorMap map, const uint32_t *x, uint32_t *to,
                          int rounds) {
#if __CUDA_ARCH__ >= 900
    __shared__ __align__(128) uint32_t s[SIZE][128];
    __shared__ uint64_t full, empty;
    const uint32_t rank = cluster_rank();
    if (threadIdx.x == 0) barrier_init(&full, 1), barrier_init(&empty, SIZE), fence_init();
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
    cluster_wait();
    uint32_t sum = 0;
    for (int r = 0; r < rounds; ++r) {
        if (threadIdx.x == 0) {
            barrier_wait(&empty, r + 1 & 1);
            barrier_arrive_expect(&full, SIZE * 512);
            const uint16_t mask = (1 << SIZE) - 1;
            const int at = (r * SIZE + rank) * 128;
            if (TENSOR)
                asm volatile(
                    "cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes."
                    "multicast::cluster "
                    "[%0], [%1, {%2}], [%3], %4;" ::"r"(shared_address(s[rank])),
                    "l"(&map), "r"(at), "r"(shared_address(&full)), "h"(mask)
                    : "memory");
            else
                asm volatile(
                    "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::"
                    "cluster [%0], [%1], 512, "
                    "[%2], %3;" ::"r"(shared_address(s[rank])),
                    "l"(x + at), "r"(shared_address(&full)), "h"(mask)
                    : "memory");
        }
        barrier_wait(&full, r & 1);
        for (int k = 0; k < SIZE; ++k) sum += s[k][(threadIdx.x + rank) % 128] * (k + r + 1);
        __syncthreads();
        // All blocks write here: all must know that it is empty.
        if (threadIdx.x < SIZE)
            asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(
                             mapped(&empty, threadIdx.x))
                         : "memory");
    }
    to[blockIdx.x * 128 + threadIdx.x] = sum;
    cluster_sync();
#endif
}

template <int SIZE, bool TENSOR>
void test_multicast() {
    const int rounds = 5, words = SIZE * 128 * rounds;
    const std::vector<uint32_t> in = random_words(SIZE, words);
    std::vector<uint32_t> expected(SIZE * 2 * 128);
    for (int b = 0; b < SIZE * 2; ++b)
        for (int i = 0; i < 128; ++i)
            for (int r = 0; r < rounds; ++r)
                for (int k = 0; k < SIZE; ++k)
                    expected[b * 128 + i] +=
                        in[(r * SIZE + k) * 128 + (i + b % SIZE) % 128] * (k + r + 1);
    Array<uint32_t> x(in), to(expected.size());
    Tensor t(1, 4, {words, 1, 1, 1, 1});
    CUtensorMap map;
    expect("encode", 0, (int)encode(map, t, x, CU_TENSOR_MAP_DATA_TYPE_UINT32, {128, 1, 1, 1, 1}), 0);
    cudaLaunchAttribute attribute;
    const auto config = configuration(SIZE * 2, 128, SIZE, &attribute);
    MUST(cudaLaunchKernelEx(&config, multicast<SIZE, TENSOR>, map, (const uint32_t *)x, (uint32_t *)to,
                            rounds));
    expect("multicast in clusters of " + std::to_string(SIZE), to.values(), expected);
}

// ---- what blocks hand on to the next: st.async, red.async, and copies from shared to shared memory
// ----
__global__ void handed_on(const uint32_t *x, uint32_t *to) {
#if __CUDA_ARCH__ >= 900
    __shared__ __align__(16) uint32_t stored[128], copied[128], own[128], added[4];
    __shared__ uint64_t full;
    const uint32_t rank = cluster_rank(), i = threadIdx.x, next = (rank + 1) % 4;
    own[i] = x[blockIdx.x * 128 + i];
    if (i < 4) added[i] = 100;
    if (i == 0) barrier_init(&full, 1), fence_init();
    fence_async();
    cluster_sync();
    if (i == 0) barrier_arrive_expect(&full, 512 + 512 + 128 * 4);
    const uint32_t barrier = mapped(&full, next);
    if (i < 32)
        asm volatile(
            "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, "
            "[%5];" ::"r"(mapped(&stored[i * 4], next)),
            "r"(own[i * 4]), "r"(own[i * 4 + 1]), "r"(own[i * 4 + 2]), "r"(own[i * 4 + 3]), "r"(barrier)
            : "memory");
    if (i == 32)
        asm volatile(
            "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], 512, "
            "[%2];" ::"r"(mapped(copied, next)),
            "r"(shared_address(own)), "r"(barrier)
            : "memory");
    asm volatile(
        "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, "
        "[%2];" ::"r"(mapped(&added[i % 4], next)),
        "r"(i), "r"(barrier)
        : "memory");
    barrier_wait(&full, 0);
    to[blockIdx.x * 128 + i] = stored[i] * 3 + copied[i] + added[i % 4];
    cluster_sync();
#endif
}

void test_handed_on() {
    const std::vector<uint32_t> in = random_words(9, 4 * 128);
    std::vector<uint32_t> expected(in.size());
    for (int b = 0; b < 4; ++b)
        for (int i = 0; i < 128; ++i) {
            uint32_t sum = 100;
            for (int k = i % 4; k < 128; k += 4) sum += k;
            expected[b * 128 + i] = in[(b + 3) % 4 * 128 + i] * 4 + sum;
        }
    Array<uint32_t> x(in), to(in.size());
    cudaLaunchAttribute attribute;
    const auto config = configuration(4, 128, 4, &attribute);
    MUST(cudaLaunchKernelEx(&config, handed_on, (const uint32_t *)x, (uint32_t *)to));
    expect("handed on", to.values(), expected);
}

// ---- warps that hand registers to each other ----
__global__ void __launch_bounds__(384, 1) registers(int *to) {
#if __CUDA_ARCH_FEAT_SM90_ALL || __CUDA_ARCH_FEAT_SM100_ALL
    if (threadIdx.x < 128)
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    else
        asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
#endif
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
    to[threadIdx.x] = threadIdx.x;
}

void test_registers() {
    std::vector<int> expected(384);
    for (int i = 0; i < 384; ++i) expected[i] = i;
    Array<int> to(384);
    registers<<<1, 384>>>(to);
    expect("registers", to.values(), expected);
}

int main() {
    if (capability() < 9)
        return std::printf("skipped: clusters begin with compute capability 9.0\n"), 0;
    test_sums<1>(), test_sums<2>(), test_sums<4>(), test_sums<8>();
    test_multicast<2, false>(), test_multicast<4, false>(), test_multicast<2, true>(),
        test_multicast<4, true>();
    test_handed_on();
    test_registers();
    return report();
}
