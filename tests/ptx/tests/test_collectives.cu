// Instructions in which lanes take part together, against plain loops: shfl, vote, match, redux, elect,
// bar.warp.sync.
#include "gpu.h"

constexpr int N = 32;

using Values = std::vector<uint32_t>;

// Runs a kernel of one warp; it writes `outputs` values a lane.
template <class Kernel, class... Arguments>
static Values run(Kernel kernel, const Values &in, int outputs, Arguments... arguments) {
    const Array<uint32_t> from(in), to(N * outputs);
    kernel<<<1, N>>>(from, to, arguments...);
    MUST(cudaDeviceSynchronize());
    return to.values();
}

static void expect_lane(const char *what, int lane, uint32_t is, uint32_t should) {
    expect(what, lane, is, should);
}

// ---- shfl ----

template <int mode>
__global__ void shuffles(const uint32_t *in, uint32_t *out, uint32_t b_or, uint32_t c) {
    const int l = threadIdx.x;
    const uint32_t a = in[l], b = in[N + l] | b_or;
    uint32_t d = 0, p = 0;
#define SHUFFLE(name)                                                        \
    asm volatile("{.reg .pred q; shfl.sync." name                            \
                 ".b32 %0|q, %2, %3, %4, 0xffffffff; selp.u32 %1, 1, 0, q;}" \
                 : "=r"(d), "=r"(p)                                          \
                 : "r"(a), "r"(b), "r"(c))
    if (mode == 0) SHUFFLE("up");
    if (mode == 1) SHUFFLE("down");
    if (mode == 2) SHUFFLE("bfly");
    if (mode == 3) SHUFFLE("idx");
    out[l] = d, out[N + l] = p;
}

// The pseudocode of the PTX ISA.
static void check_shuffle(int mode, uint32_t seed, uint32_t c) {
    Values in = random_words(seed, 2 * N);
    for (int l = 0; l < N; ++l)
        if (seed % 2) in[N + l] = hash(seed);  // the same for all lanes
    const Values out = mode == 0   ? run(shuffles<0>, in, 2, 0u, c)
                       : mode == 1 ? run(shuffles<1>, in, 2, 0u, c)
                       : mode == 2 ? run(shuffles<2>, in, 2, 0u, c)
                                   : run(shuffles<3>, in, 2, 0u, c);
    for (int lane = 0; lane < N; ++lane) {
        const int bval = in[N + lane] & 31, cval = c & 31, mask = c >> 8 & 31;
        const int max_lane = (lane & mask) | (cval & ~mask), min_lane = lane & mask;
        int j = 0;
        bool pval = false;
        switch (mode) {
            case 0:
                j = lane - bval, pval = j >= max_lane;
                break;
            case 1:
                j = lane + bval, pval = j <= max_lane;
                break;
            case 2:
                j = lane ^ bval, pval = j <= max_lane;
                break;
            case 3:
                j = min_lane | (bval & ~mask), pval = j <= max_lane;
                break;
        }
        if (!pval) j = lane;
        expect_lane("shfl", lane, out[lane], in[j]);
        expect_lane("shfl's predicate", lane, out[N + lane], pval);
    }
}

// ---- votes ----

__global__ void votes(const uint32_t *in, uint32_t *out, uint32_t) {
    const int l = threadIdx.x;
    // Odd and even lanes vote apart, in one instruction.
    const uint32_t mask = l % 2 ? 0xaaaaaaaau : 0x55555555u;
    const bool a = in[l] & 1;
    out[l] = __all_sync(mask, a);
    out[N + l] = __any_sync(mask, a);
    out[2 * N + l] = __uni_sync(mask, a);
    out[3 * N + l] = __ballot_sync(mask, a);
    uint32_t d;
    asm volatile("{.reg .pred p; setp.ne.u32 p, %1, 0; vote.sync.ballot.b32 %0, !p, 0xffffffff;}"
                 : "=r"(d)
                 : "r"((uint32_t)a));
    out[4 * N + l] = d;
    out[5 * N + l] = 0;
    if (in[l] & 2) out[5 * N + l] = __activemask();
}

static void check_votes(const Values &in) {
    const Values out = run(votes, in, 6, 0u);
    uint32_t yes = 0, in_branch = 0;
    for (int l = 0; l < N; ++l) yes |= (in[l] & 1) << l, in_branch |= (in[l] >> 1 & 1) << l;
    for (int l = 0; l < N; ++l) {
        const uint32_t mask = l % 2 ? 0xaaaaaaaau : 0x55555555u, here = yes & mask;
        expect_lane("vote.all", l, out[l], here == mask);
        expect_lane("vote.any", l, out[N + l], here != 0);
        expect_lane("vote.uni", l, out[2 * N + l], here == mask || here == 0);
        expect_lane("vote.ballot", l, out[3 * N + l], here);
        expect_lane("vote.ballot of !p", l, out[4 * N + l], ~yes);
        if (in[l] & 2) expect_lane("activemask", l, out[5 * N + l], in_branch);
    }
}

// ---- match ----

__global__ void matches(const uint32_t *in, uint32_t *out, uint32_t) {
    const int l = threadIdx.x;
    const uint32_t mask = l < 16 ? 0xffffu : 0xffff0000u;
    const unsigned long long wide = (unsigned long long)in[l] << 32 | 7;
    int same;
    out[l] = __match_any_sync(mask, in[l]);
    out[N + l] = __match_any_sync(mask, wide);
    out[2 * N + l] = __match_all_sync(mask, in[l], &same);
    out[3 * N + l] = same;
    out[4 * N + l] = __match_all_sync(mask, wide, &same);
    out[5 * N + l] = same;
}

static void check_matches(uint32_t different) {
    Values in(N);
    for (int l = 0; l < N; ++l) in[l] = hash(l) % different;
    const Values out = run(matches, in, 6, 0u);
    for (int l = 0; l < N; ++l) {
        uint32_t same = 0;
        for (int k = l / 16 * 16; k < l / 16 * 16 + 16; ++k) same |= (uint32_t)(in[k] == in[l]) << k;
        const uint32_t mask = l < 16 ? 0xffffu : 0xffff0000u;
        expect_lane("match.any.b32", l, out[l], same);
        expect_lane("match.any.b64", l, out[N + l], same);
        expect_lane("match.all.b32", l, out[2 * N + l], same == mask ? mask : 0);
        expect_lane("match.all's predicate", l, out[3 * N + l], same == mask);
        expect_lane("match.all.b64", l, out[4 * N + l], same == mask ? mask : 0);
        expect_lane("match.all's predicate", l, out[5 * N + l], same == mask);
    }
}

// ---- redux, elect ----

__global__ void reductions(const uint32_t *in, uint32_t *out, uint32_t) {
    const int l = threadIdx.x;
    const uint32_t mask = l < 8 ? 0xffu : 0xffffff00u;
    out[l] = __reduce_add_sync(mask, in[l]);
    out[N + l] = __reduce_min_sync(mask, in[l]);
    out[2 * N + l] = __reduce_max_sync(mask, in[l]);
    out[3 * N + l] = __reduce_min_sync(mask, (int)in[l]);
    out[4 * N + l] = __reduce_max_sync(mask, (int)in[l]);
    out[5 * N + l] = __reduce_and_sync(mask, in[l]);
    out[6 * N + l] = __reduce_or_sync(mask, in[l]);
    out[7 * N + l] = __reduce_xor_sync(mask, in[l]);
}

static void check_reductions(const Values &in) {
    const Values out = run(reductions, in, 8, 0u);
    for (int l = 0; l < N; ++l) {
        uint32_t sum = 0, least = ~0u, most = 0, all = ~0u, any = 0, odd = 0;
        int32_t low = INT32_MAX, high = INT32_MIN;
        for (int k = l < 8 ? 0 : 8; k < (l < 8 ? 8 : 32); ++k) {
            const uint32_t x = in[k];
            const int32_t s = (int32_t)x;
            sum += x, least = x < least ? x : least, most = x > most ? x : most;
            low = s < low ? s : low, high = s > high ? s : high;
            all &= x, any |= x, odd ^= x;
        }
        const uint32_t should[8] = {sum, least, most, (uint32_t)low, (uint32_t)high, all, any, odd};
        for (int i = 0; i < 8; ++i) expect_lane("redux", l, out[i * N + l], should[i]);
    }
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
__device__ uint32_t elected(uint32_t mask) {
    uint32_t leader, p;
    asm volatile("{.reg .pred q; elect.sync %0|q, %2; selp.u32 %1, 1, 0, q;}"
                 : "=r"(leader), "=r"(p)
                 : "r"(mask));
    return leader | p << 8;
}
#endif

__global__ void elections(const uint32_t *, uint32_t *out, uint32_t) {
    out[threadIdx.x] = ~0u;
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x >= 5) out[threadIdx.x] = elected(0xffffffe0u);
#endif
}

static void check_elections() {
    const Values out = run(elections, Values(N), 1, 0u);
    if (out[31] == ~0u) return;  // no such instruction before sm_90
    for (int l = 0; l < N; ++l) expect_lane("elect", l, out[l], l < 5 ? ~0u : 5u | (l == 5) << 8);
}

// ---- lanes that come apart ----

// Lanes hand values on through shared memory, from branch to branch.
__global__ void apart(const uint32_t *in, uint32_t *out, uint32_t) {
    __shared__ uint32_t passed[N];
    const int l = threadIdx.x;
    uint32_t x = in[l];
    passed[l] = x;
    if (l % 2) {
        for (uint32_t i = 0; i < in[l] % 7; ++i) x += i;
        __syncwarp();
        x += passed[l - 1];
    } else {
        __syncwarp();
        x += passed[l + 1];
    }
    __syncwarp();
    passed[l] = x;
    __syncwarp();
    if (l < 12) {
        x = passed[11 - l];
        x += __shfl_sync(0xfffu, x, 3);
    }
    out[l] = x;
}

static void check_apart(const Values &in) {
    const Values out = run(apart, in, 1, 0u);
    Values x = in;
    for (int l = 0; l < N; ++l) {
        if (l % 2)
            for (uint32_t i = 0; i < in[l] % 7; ++i) x[l] += i;
        x[l] += in[l ^ 1];
    }
    for (int l = 0; l < N; ++l)
        expect_lane("branches", l, out[l], l < 12 ? x[11 - l] + x[11 - 3] : x[l]);
}

int main() {
    for (int mode = 0; mode < 4; ++mode)
        for (uint32_t seed = 0; seed < 6; ++seed)
            for (const uint32_t c : {0x1fu, 0u, 0x1800u, 0x181fu, 0x1c1fu, 0x0010u, 0x1007u})
                check_shuffle(mode, seed, c);
    check_votes(random_words(1, N));
    check_votes(Values(N, 1));
    check_votes(Values(N, 2));
    for (const uint32_t different : {1u, 2u, 5u, 1000u}) check_matches(different);
    for (uint32_t seed = 0; seed < 4; ++seed) check_reductions(random_words(seed, N));
    check_elections();
    check_apart(random_words(9, N));
    return report();
}
