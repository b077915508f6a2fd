// wgmma: types, shapes, layouts of shared memory, signs and transposes, against sums in plain loops.
// The layouts are written down here as the canonical layouts of the PTX ISA have them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "matrix_elements.h"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define HAS_WGMMA 1
#else
#define HAS_WGMMA 0
#endif

// ---- the instruction ----

#define REGISTERS_4 "{%0, %1, %2, %3}"
#define REGISTERS_8 "{%0, %1, %2, %3, %4, %5, %6, %7}"
#define REGISTERS_16 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}"
#define REGISTERS_64                                                                              \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
    "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "  \
    "%38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, "  \
    "%56, %57, %58, %59, %60, %61, %62, %63}"
#define REGISTERS_128                                                                             \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
    "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "  \
    "%38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, "  \
    "%56, %57, %58, %59, %60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, "  \
    "%74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, "  \
    "%92, %93, %94, %95, %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, "    \
    "%108, %109, %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, "  \
    "%123, %124, %125, %126, %127}"
#define FROM_MEMORY_4 "%4, %5, p"
#define SCALE_4 "%6"
#define FROM_REGISTERS_4 "{%4, %5, %6, %7}, %8, p"
#define SCALE_A_4 "%9"
#define FROM_MEMORY_8 "%8, %9, p"
#define SCALE_8 "%10"
#define FROM_REGISTERS_8 "{%8, %9, %10, %11}, %12, p"
#define SCALE_A_8 "%13"
#define FROM_MEMORY_16 "%16, %17, p"
#define SCALE_16 "%18"
#define FROM_REGISTERS_16 "{%16, %17, %18, %19}, %20, p"
#define SCALE_A_16 "%21"
#define FROM_MEMORY_64 "%64, %65, p"
#define SCALE_64 "%66"
#define FROM_REGISTERS_64 "{%64, %65, %66, %67}, %68, p"
#define SCALE_A_64 "%69"
#define FROM_MEMORY_128 "%128, %129, p"
#define SCALE_128 "%130"
#define FROM_REGISTERS_128 "{%128, %129, %130, %131}, %132, p"
#define SCALE_A_128 "%133"

#define D4(i) "+r"(d[i]), "+r"(d[i + 1]), "+r"(d[i + 2]), "+r"(d[i + 3])
#define OPERANDS_4 D4(0)
#define OPERANDS_8 D4(0), D4(4)
#define OPERANDS_16 D4(0), D4(4), D4(8), D4(12)
#define D16(i) D4(i), D4(i + 4), D4(i + 8), D4(i + 12)
#define OPERANDS_64 D16(0), D16(16), D16(32), D16(48)
#define OPERANDS_128 OPERANDS_64, D16(64), D16(80), D16(96), D16(112)

// `rest`: what follows scale-d.
#define MEMORY(count, text, rest)                                                \
    asm volatile("{.reg .pred p; setp.ne.b32 p, " SCALE_##count                  \
                 ", 0; wgmma.mma_async.sync.aligned." text " " REGISTERS_##count \
                 ", " FROM_MEMORY_##count rest ";}"                              \
                 : OPERANDS_##count                                              \
                 : "l"(a), "l"(b), "r"(scale)                                    \
                 : "memory")
#define REGISTERS(count, text, rest)                                                  \
    asm volatile("{.reg .pred p; setp.ne.b32 p, " SCALE_A_##count                     \
                 ", 0; wgmma.mma_async.sync.aligned." text " " REGISTERS_##count      \
                 ", " FROM_REGISTERS_##count rest ";}"                                \
                 : OPERANDS_##count                                                   \
                 : "r"(ra[0]), "r"(ra[1]), "r"(ra[2]), "r"(ra[3]), "l"(b), "r"(scale) \
                 : "memory")

// CASE(n, a, b, d, registers of d, MEMORY or REGISTERS, sign of a, of b, transposed a, b, modifiers,
// what follows)
#define ALL_CASES                                                                                    \
    CASE(32, f16, f16, f32, 16, MEMORY, 1, 1, 0, 0, "m64n32k16.f32.f16.f16", ", 1, 1, 0, 0")         \
    CASE(32, f16, f16, f32, 16, MEMORY, -1, 1, 1, 0, "m64n32k16.f32.f16.f16", ", -1, 1, 1, 0")       \
    CASE(32, bf16, bf16, f32, 16, MEMORY, 1, -1, 0, 1, "m64n32k16.f32.bf16.bf16", ", 1, -1, 0, 1")   \
    CASE(32, bf16, bf16, f32, 16, MEMORY, -1, -1, 1, 1, "m64n32k16.f32.bf16.bf16", ", -1, -1, 1, 1") \
    CASE(32, f16, f16, f16, 8, MEMORY, 1, 1, 0, 0, "m64n32k16.f16.f16.f16", ", 1, 1, 0, 0")          \
    CASE(32, f16, f16, f32, 16, REGISTERS, -1, 1, 0, 1, "m64n32k16.f32.f16.f16", ", -1, 1, 1")       \
    CASE(32, tf32, tf32, f32, 16, MEMORY, 1, 1, 0, 0, "m64n32k8.f32.tf32.tf32", ", 1, 1")            \
    CASE(32, tf32, tf32, f32, 16, REGISTERS, 1, -1, 0, 0, "m64n32k8.f32.tf32.tf32", ", 1, -1")       \
    CASE(32, e4m3, e4m3, f32, 16, MEMORY, 1, 1, 0, 0, "m64n32k32.f32.e4m3.e4m3", ", 1, 1")           \
    CASE(32, e5m2, e4m3, f16, 8, MEMORY, 1, 1, 0, 0, "m64n32k32.f16.e5m2.e4m3", ", 1, 1")            \
    CASE(32, e4m3, e5m2, f32, 16, REGISTERS, -1, 1, 0, 0, "m64n32k32.f32.e4m3.e5m2", ", -1, 1")      \
    CASE(32, s8, u8, s32, 16, MEMORY, 1, 1, 0, 0, "m64n32k32.s32.s8.u8", "")                         \
    CASE(32, u8, u8, s32, 16, REGISTERS, 1, 1, 0, 0, "m64n32k32.satfinite.s32.u8.u8", "")            \
    CASE(8, f16, f16, f32, 4, MEMORY, 1, 1, 0, 0, "m64n8k16.f32.f16.f16", ", 1, 1, 0, 0")            \
    CASE(256, f16, f16, f16, 64, MEMORY, 1, 1, 0, 1, "m64n256k16.f16.f16.f16", ", 1, 1, 0, 1")       \
    CASE(256, bf16, bf16, f32, 128, MEMORY, 1, 1, 1, 0, "m64n256k16.f32.bf16.bf16", ", 1, 1, 1, 0")

enum { FIRST = __COUNTER__ };
template <int number, int there>
struct Wgmma;
#define CASE(n, a_, b_, d_, count, from, sa, sb, ta, tb, text, rest)                        \
    template <int there>                                                                    \
    struct Wgmma<__COUNTER__ - FIRST - 1, there> {                                          \
        static constexpr int registers = count;                                             \
        static __device__ void run(uint32_t *d, const uint32_t *ra, uint64_t a, uint64_t b, \
                                   int scale) {                                             \
            if constexpr (there) from(count, text, rest);                                   \
        }                                                                                   \
    };
ALL_CASES
#undef CASE
constexpr int CASES = __COUNTER__ - FIRST - 1;

// Copies `image` into shared memory, and multiplies `slices` times, each time further along K.
template <int number>
__global__ void __launch_bounds__(128)
    multiply(const uint32_t *image, int words, const uint32_t *in_registers, uint64_t a, uint64_t b,
             int slices, uint64_t step_a, uint64_t step_b, int scale, const uint32_t *c,
             uint32_t *out) {
    using Instruction = Wgmma<number, HAS_WGMMA>;
    extern __shared__ __align__(1024) uint32_t memory[];
    const int t = threadIdx.x;
    for (int i = t; i < words; i += 128) memory[i] = image[i];
    uint32_t d[Instruction::registers], ra[4] = {};
    for (int i = 0; i < Instruction::registers; ++i) d[i] = c[i * 128 + t];
    if (in_registers)
        for (int i = 0; i < 4; ++i) ra[i] = in_registers[i * 128 + t];
#if HAS_WGMMA
    asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    const uint64_t start = ((uint32_t)__cvta_generic_to_shared(memory) & 0x3ffff) >> 4;
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    for (int i = 0; i < slices; ++i)
        Instruction::run(d, ra, a + start + i * step_a, b + start + i * step_b, scale | (i > 0));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#endif
    for (int i = 0; i < Instruction::registers; ++i) out[i * 128 + t] = d[i];
}

// ---- layouts: where element (row, k) lies, in bytes ----

static int bytes_of(Format f) { return bits_of(f) / 8; }

struct Layout {
    int mode;  // 0: none, 1: 128, 2: 64, 3: 32 bytes
    bool transposed;
    int bytes, rows, depth;
    uint32_t leading = 0, stride = 0;

    int width() const { return mode == 0 ? 16 : 256 >> mode; }  // bytes
    // Strides that leave gaps where they may.
    void choose() {
        const int patterns = (depth * bytes + width() - 1) / width();
        if (!transposed) {
            leading = mode == 0 ? 8 * 16 * ((rows + 7) / 8) + 128 : 16;
            stride = mode == 0 ? 128 : 8 * width() * patterns + (mode == 1 ? 1024 : 512);
        } else if (mode == 0) {
            stride = 128 * ((depth + 7) / 8) + 16 * 8;
            leading = 128;
        } else {
            leading = 8 * width() * ((depth + 7) / 8) + 1024;
            stride = 8 * width();
        }
    }
    uint32_t plain(int row, int k) const {
        const int t = 16 / bytes;  // elements of 16 bytes
        if (!transposed) {
            const uint32_t along = mode == 0 ? k / t * leading : k / t * 16;
            return row % 8 * width() + row / 8 * stride + along + k % t * bytes;
        }
        const int per_pattern = width() / bytes;
        if (mode == 0) return row % t * bytes + row / t * stride + k % 8 * 16 + k / 8 * leading;
        return row % per_pattern * bytes + row / per_pattern * leading + k % 8 * width() +
               k / 8 * stride;
    }
    // Swizzle<n, 4, 3>: bits 4... of the address are combined with bits 7...
    uint32_t at(uint32_t begin, int row, int k) const {
        const uint32_t address = begin + plain(row, k), mask = mode == 0 ? 0 : (8 >> (mode - 1)) - 1;
        return address ^ (address >> 7 & mask) << 4;
    }
    uint32_t size() const {
        uint32_t last = 0;
        for (int row = 0; row < rows; ++row)
            for (int k = 0; k < depth; ++k) last = std::max(last, plain(row, k));
        return (last + 1024) / 1024 * 1024;
    }
    uint64_t descriptor(uint32_t begin) const {
        return begin >> 4 | (uint64_t)(leading >> 4) << 16 | (uint64_t)(stride >> 4) << 32 |
               (uint64_t)mode << 62;
    }
    // What one instruction's depth adds to the descriptor.
    uint64_t step(int k) const {
        if (!transposed && mode != 0) return k * bytes / 16;
        return plain(0, k) >> 4;
    }
};

// ---- the comparison ----

struct Case {
    int n;
    Format a, b, d;
    int registers;
    bool in_registers;
    int sign_a, sign_b;
    bool transposed_a, transposed_b;
    const char *text;
};
#undef MEMORY
#undef REGISTERS
enum Source { MEMORY, REGISTERS };
#define CASE(n, a, b, d, count, from, sa, sb, ta, tb, text, rest) \
    {n, a, b, d, count, from == REGISTERS, sa, sb, ta, tb, text},
static const Case cases[CASES] = {ALL_CASES};

using Kernel = void (*)(const uint32_t *, int, const uint32_t *, uint64_t, uint64_t, int, uint64_t,
                        uint64_t, int, const uint32_t *, uint32_t *);

static double allowed(Format f, double exact, double magnitudes, int slices) {
    const int digits = f == f32 ? 24 : 11;
    const double unit = std::ldexp(1, std::ilogb(std::fmax(std::fabs(exact), 1e-6)) - digits + 1);
    // Each instruction rounds the sum so far, perhaps twice, and truncates.
    return slices == 1 && default_rounding() ? unit / 2 * 1.0000001
                                             : slices * std::ldexp(magnitudes, -digits + 2);
}

struct Problem {
    const Case &c;
    int mode, slices, scale;
    int k, depth;
    std::vector<uint32_t> a, b, start, in_registers, image;
    Layout la, lb;
    uint32_t begin_b = 0;

    Problem(const Case &c, int mode, int slices, int scale);
    void place(const Layout &layout, uint32_t begin, const std::vector<uint32_t> &elements);
    void compare(const std::vector<uint32_t> &out) const;
    double sum(int row, int column, double &magnitudes) const;
};

Problem::Problem(const Case &c, int mode, int slices, int scale)
    : c(c),
      mode(mode),
      slices(c.in_registers ? 1 : slices),
      scale(scale),
      k(32 / bytes_of(c.a)),
      depth(k * this->slices),
      a(64 * depth),
      b(c.n * depth),
      start(c.registers * 128),
      la{mode, c.transposed_a, bytes_of(c.a), 64, depth},
      lb{mode, c.transposed_b, bytes_of(c.b), c.n, depth} {
    const uint32_t seed = 77 * mode + 13 * slices + c.n;
    for (size_t i = 0; i < a.size(); ++i) a[i] = random_bits(c.a, seed * 100003 + i);
    for (size_t i = 0; i < b.size(); ++i) b[i] = random_bits(c.b, seed * 70001 + i);
    for (size_t i = 0; i < start.size(); ++i)
        start[i] = c.d == f16
                       ? random_bits(f16, seed + 2 * i) | random_bits(f16, seed + 2 * i + 1) << 16
                       : random_bits(c.d, seed + i);
    la.choose(), lb.choose();
    if (!c.in_registers) begin_b = la.size();
    image.assign((begin_b + lb.size()) / 4, 0);
    place(lb, begin_b, b);
    if (!c.in_registers) place(la, 0, a);
    in_registers.assign(4 * 128, 0);
    const int per = 4 / bytes_of(c.a);
    for (int t = 0; t < 128; ++t)
        for (int i = 0; i < 4 * per; ++i) {
            const int row = t / 32 * 16 + t % 32 / 4 + i / per % 2 * 8,
                      column = t % 4 * per + i % per + i / per / 2 * 4 * per;
            in_registers[i / per * 128 + t] |= a[row * depth + column] << i % per * 8 * bytes_of(c.a);
        }
}

void Problem::place(const Layout &layout, uint32_t begin, const std::vector<uint32_t> &elements) {
    for (int row = 0; row < layout.rows; ++row)
        for (int i = 0; i < layout.depth; ++i)
            std::memcpy((char *)image.data() + layout.at(begin, row, i),
                        &elements[row * layout.depth + i], layout.bytes);
}

double Problem::sum(int row, int column, double &magnitudes) const {
    __float128 exact = 0;
    for (int i = 0; i < depth; ++i) {
        const double x = value_of(c.a, a[row * depth + i]) * value_of(c.b, b[column * depth + i]) *
                         c.sign_a * c.sign_b;
        exact += x, magnitudes += std::fabs(x);
    }
    return (double)exact;  // of numbers with few digits: exact
}

void Problem::compare(const std::vector<uint32_t> &out) const {
    for (int t = 0; t < 128; ++t)
        for (int i = 0; i < c.n / 2; ++i) {
            const int row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8,
                      column = i / 4 * 8 + t % 4 * 2 + i % 2;
            const auto element = [&](const std::vector<uint32_t> &from) {
                return c.d == f16 ? value_of(f16, from[i / 2 * 128 + t] >> i % 2 * 16 & 0xffff)
                                  : value_of(c.d, from[i * 128 + t]);
            };
            const double is = element(out), before = scale ? element(start) : 0;
            double magnitudes = std::fabs(before), should = before + sum(row, column, magnitudes);
            if (c.d == s32)
                should = std::strstr(c.text, "satfinite") ? std::fmin(should, INT32_MAX)
                                                          : (int32_t)(int64_t)should;
            const double tolerance = c.d == s32 ? 0 : allowed(c.d, should, magnitudes, slices);
            if (std::fabs(is - should) <= tolerance) continue;
            if (++failures() < 30)
                std::printf("FAILED %s, swizzle %d, row %d, column %d: %.9g, expected %.9g\n", c.text,
                            mode, row, column, is, should);
        }
}

template <int number>
static void check(int mode, int slices, int scale) {
    const Problem p(cases[number], mode, slices, scale);
    const Array<uint32_t> image(p.image), c(p.start), out(p.start.size());
    const Array<uint32_t> in_registers(p.c.in_registers ? p.in_registers : std::vector<uint32_t>(1));
    const int bytes = (int)p.image.size() * 4;
    MUST(cudaFuncSetAttribute(multiply<number>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    multiply<number><<<1, 128, bytes>>>(image, p.image.size(),
                                        p.c.in_registers ? (uint32_t *)in_registers : nullptr,
                                        p.la.descriptor(0), p.lb.descriptor(p.begin_b), p.slices,
                                        p.la.step(p.k), p.lb.step(p.k), scale, c, out);
    MUST(cudaDeviceSynchronize());
    p.compare(out.values());
}

template <int number>
static void check_from() {
    if constexpr (number < CASES) {
        for (int mode = 0; mode < 4; ++mode) {
            check<number>(mode, 1, 1);
            // As many instructions as a row of the pattern is deep.
            if (mode == 1 && cases[number].n < 256) check<number>(mode, 4, 0);
        }
        check_from<number + 1>();
    }
}

int main() {
    if (capability() == 9) check_from<0>();
    return report();
}
