// ld and st of every width, vector and space, with their hints and orders; isspacep.
#include "gpu.h"

// Copies `n` elements lane by lane; the hints and orders must change nothing.
#define COPY(NAME, LOAD, STORE, CONSTRAINT, TYPE)                                                 \
    __global__ void NAME(const TYPE *from, TYPE *to) {                                            \
        TYPE v;                                                                                   \
        asm volatile(LOAD " %0, [%1];" : "=" CONSTRAINT(v) : "l"(from + threadIdx.x) : "memory"); \
        asm volatile(STORE " [%0], %1;" ::"l"(to + threadIdx.x), CONSTRAINT(v) : "memory");       \
    }
COPY(plain_32, "ld.global.b32", "st.global.b32", "r", uint32_t)
COPY(cached_32, "ld.global.ca.u32", "st.global.wb.u32", "r", uint32_t)
COPY(streamed_32, "ld.global.cs.s32", "st.global.cs.s32", "r", uint32_t)
COPY(constant_32, "ld.global.nc.L1::no_allocate.L2::128B.b32", "st.global.L1::evict_first.b32", "r",
     uint32_t)
COPY(volatile_32, "ld.volatile.global.u32", "st.volatile.global.u32", "r", uint32_t)
COPY(relaxed_32, "ld.relaxed.gpu.global.u32", "st.relaxed.sys.global.u32", "r", uint32_t)
COPY(ordered_64, "ld.acquire.gpu.u64", "st.release.gpu.u64", "l", uint64_t)
COPY(weak_64, "ld.weak.global.b64", "st.weak.global.b64", "l", uint64_t)
COPY(mmio_32, "ld.mmio.relaxed.sys.global.u32", "st.mmio.relaxed.sys.global.u32", "r", uint32_t)
COPY(half, "ld.global.u16", "st.global.u16", "h", uint16_t)
COPY(generic_64, "ld.f64", "st.f64", "d", double)

template <class T>
void test_copy(const char *what, void (*kernel)(const T *, T *)) {
    std::vector<T> values(32);
    const std::vector<uint32_t> words = random_words(3, 64);
    for (int i = 0; i < 32; ++i) values[i] = (T)((uint64_t)words[i] << 13 ^ words[32 + i]);
    const Array<T> from(values), to(32);
    kernel<<<1, 32>>>(from, to);
    expect(what, to.values(), values);
}

// Bytes and halves are extended to the register by their sign.
__global__ void extend(const uint32_t *x, uint32_t *to) {
    uint32_t s8, u8, s16, u16, b8;
    uint64_t wide;
    const uint32_t *p = x + threadIdx.x;
    asm volatile("ld.global.s8 %0, [%1];" : "=r"(s8) : "l"(p));
    asm volatile("ld.global.u8 %0, [%1+1];" : "=r"(u8) : "l"(p));
    asm volatile("ld.global.s16 %0, [%1+2];" : "=r"(s16) : "l"(p));
    asm volatile("ld.global.u16 %0, [%1];" : "=r"(u16) : "l"(p));
    asm volatile("ld.global.b8 %0, [%1+3];" : "=r"(b8) : "l"(p));
    asm volatile("ld.global.s8 %0, [%1+3];" : "=l"(wide) : "l"(p));
    const uint32_t values[] = {s8, u8, s16, u16, b8, (uint32_t)wide, (uint32_t)(wide >> 32)};
    for (int k = 0; k < 7; ++k) to[k * 32 + threadIdx.x] = values[k];
}

void test_extend() {
    const std::vector<uint32_t> x = random_words(5, 32);
    std::vector<uint32_t> should(7 * 32);
    for (int i = 0; i < 32; ++i) {
        const int64_t last = (int8_t)(x[i] >> 24);
        const uint32_t values[] = {
            (uint32_t)(int8_t)x[i], x[i] >> 8 & 0xff, (uint32_t)(int16_t)(x[i] >> 16),
            x[i] & 0xffff,          x[i] >> 24,       (uint32_t)last,
            (uint32_t)(last >> 32)};
        for (int k = 0; k < 7; ++k) should[k * 32 + i] = values[k];
    }
    const Array<uint32_t> from(x), to(7 * 32);
    extend<<<1, 32>>>(from, to);
    expect("extended", to.values(), should);
}

// Narrow stores take the low bits, and leave the bytes beside alone.
__global__ void narrow(const uint32_t *x, uint32_t *to) {
    const uint32_t v = x[threadIdx.x];
    asm volatile("st.global.u8 [%0], %1;" ::"l"(to + threadIdx.x), "r"(v) : "memory");
    asm volatile("st.global.u16 [%0+2], %1;" ::"l"(to + threadIdx.x), "r"(v) : "memory");
}

void test_narrow() {
    const std::vector<uint32_t> x = random_words(6, 32);
    std::vector<uint32_t> should(32);
    for (int i = 0; i < 32; ++i) should[i] = x[i] << 16 | 0xEE00 | (x[i] & 0xff);
    const Array<uint32_t> from(x), to(32);
    narrow<<<1, 32>>>(from, to);
    expect("narrow", to.values(), should);
}

// Vectors whose address register is one of their own targets; half of the lanes.
__global__ void vectors(const uint32_t *x, uint32_t *to) {
    if (threadIdx.x % 2 == 1) return;
    const int i = threadIdx.x;
    uint32_t a, b, c, d;
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                 : "l"(x + 4 * i));
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(to + 4 * i), "r"(d), "r"(c), "r"(b),
                 "r"(a)
                 : "memory");
    asm volatile(
        "{ .reg .b64 p, q; ld.global.v2.b64 {p, q}, [%0]; st.global.v2.b64 [%1], {q, p}; }" ::"l"(
            x + 4 * i),
        "l"(to + 128 + 4 * i)
        : "memory");
    asm volatile(
        "{ .reg .b16 p, q; ld.global.v2.b16 {p, q}, [%0]; st.global.v2.b16 [%1], {q, p}; }" ::"l"(x +
                                                                                                  i),
        "l"(to + 256 + i)
        : "memory");
    asm volatile(
        "{ .reg .b32 p, q, r, s; ld.global.v4.u8 {p, q, r, s}, [%0]; st.global.v4.u8 [%1], {s, r, q, "
        "p}; }" ::"l"(x + i),
        "l"(to + 288 + i)
        : "memory");
}

void test_vectors() {
    const std::vector<uint32_t> x = random_words(7, 128);
    std::vector<uint32_t> should(320, 0xEEEEEEEE);
    for (int i = 0; i < 32; i += 2) {
        for (int k = 0; k < 4; ++k)
            should[4 * i + k] = x[4 * i + 3 - k], should[128 + 4 * i + k] = x[4 * i + (k ^ 2)];
        should[256 + i] = x[i] << 16 | x[i] >> 16;
        should[288 + i] = __builtin_bswap32(x[i]);
    }
    const Array<uint32_t> from(x), to(320);
    vectors<<<1, 32>>>(from, to);
    expect("vectors", to.values(), should);
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 1000
__global__ void wide_vectors(const uint32_t *x, uint32_t *to) {
    asm volatile(
        "{ .reg .b32 r<8>; ld.global.v8.b32 {r0, r1, r2, r3, r4, r5, r6, r7}, [%0];"
        " st.global.v8.b32 [%1], {r7, r6, r5, r4, r3, r2, r1, r0}; }" ::"l"(x + 8 * threadIdx.x),
        "l"(to + 8 * threadIdx.x)
        : "memory");
}
#else
__global__ void wide_vectors(const uint32_t *, uint32_t *) {}
#endif

void test_wide_vectors() {
    const std::vector<uint32_t> x = random_words(8, 256);
    std::vector<uint32_t> should(256);
    for (int i = 0; i < 256; ++i) should[i] = x[i / 8 * 8 + 7 - i % 8];
    const Array<uint32_t> from(x), to(256);
    wide_vectors<<<1, 32>>>(from, to);
    expect("v8", to.values(), should);
}

// Shared memory by its own addresses, volatile and in vectors, and by generic ones.
__global__ void shared(const uint32_t *x, uint32_t *to) {
    __shared__ uint4 s[32];
    const int i = threadIdx.x;
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(&s[i]),
                   other = (uint32_t)__cvta_generic_to_shared(&s[31 - i]);
    asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(at), "r"(x[i]), "r"(x[32 + i]) : "memory");
    asm volatile("st.volatile.shared.u64 [%0+8], %1;" ::"r"(at), "l"((uint64_t)x[i] << 32 | i)
                 : "memory");
    __syncthreads();
    uint32_t a, b;
    asm volatile("ld.shared.v2.u32 {%0, %1}, [%2+4];" : "=r"(a), "=r"(b) : "r"(other - 4) : "memory");
    to[i] = a, to[32 + i] = b;
    const volatile uint4 *generic = &s[31 - i];
    to[64 + i] = generic->z, to[96 + i] = generic->w;
    bool inside, beside;
    asm("{ .reg .pred p; isspacep.shared p, %1; selp.u32 %0, 1, 0, p; }" : "=r"(a) : "l"(generic));
    asm("{ .reg .pred p; isspacep.global p, %1; selp.u32 %0, 1, 0, p; }" : "=r"(b) : "l"(generic));
    inside = a == 1 && b == 0;
    asm("{ .reg .pred p; isspacep.shared p, %1; selp.u32 %0, 1, 0, p; }" : "=r"(a) : "l"(to));
    asm("{ .reg .pred p; isspacep.global p, %1; selp.u32 %0, 1, 0, p; }" : "=r"(b) : "l"(to));
    beside = a == 0 && b == 1;
    to[128 + i] = inside && beside;
}

void test_shared() {
    const std::vector<uint32_t> x = random_words(9, 64);
    std::vector<uint32_t> should(160, 1);
    for (int i = 0; i < 32; ++i) {
        const int k = 31 - i;
        should[i] = x[k], should[32 + i] = x[32 + k], should[64 + i] = k, should[96 + i] = x[k];
    }
    const Array<uint32_t> from(x), to(160);
    shared<<<1, 32>>>(from, to);
    expect("shared", to.values(), should);
}

int main() {
    test_copy<uint32_t>("b32", plain_32);
    test_copy<uint32_t>("ca, wb", cached_32);
    test_copy<uint32_t>("cs", streamed_32);
    test_copy<uint32_t>("nc", constant_32);
    test_copy<uint32_t>("volatile", volatile_32);
    test_copy<uint32_t>("relaxed", relaxed_32);
    test_copy<uint32_t>("mmio", mmio_32);
    test_copy<uint64_t>("acquire, release", ordered_64);
    test_copy<uint64_t>("weak", weak_64);
    test_copy<uint16_t>("u16", half);
    test_copy<double>("f64", generic_64);
    test_extend();
    test_narrow();
    test_vectors();
    if (capability() >= 10) test_wide_vectors();
    test_shared();
    return report();
}
