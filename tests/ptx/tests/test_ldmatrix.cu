// ldmatrix, stmatrix and movmatrix: which element comes from where.
#include <cstring>

#include "gpu.h"

constexpr int N = 32;

// Rows of 16 bytes lie anywhere: row r of memory at 16 * place(r).
__host__ __device__ constexpr int place(int row) { return row * 13 % 37; }
constexpr int BYTES = 16 * 37;

template <int number, bool transposed>
__global__ void load(const uint32_t *in, uint32_t *out) {
    __shared__ __align__(16) uint32_t memory[BYTES / 4];
    for (int i = threadIdx.x; i < BYTES / 4; i += N) memory[i] = in[i];
    __syncwarp();
    const int l = threadIdx.x;
    // Lanes whose address does not count have a bad one.
    uint32_t address = l < 8 * number ? (uint32_t)__cvta_generic_to_shared(memory) + 16 * place(l) : 1;
    uint32_t r[4] = {7, 7, 7, 7};
    if (number == 1 && !transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
                     : "=r"(r[0])
                     : "r"(address));
    if (number == 1 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
                     : "=r"(r[0])
                     : "r"(address));
    if (number == 2 && !transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                     : "=r"(r[0]), "=r"(r[1])
                     : "r"(address));
    if (number == 2 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                     : "=r"(r[0]), "=r"(r[1])
                     : "r"(address));
    if (number == 4 && !transposed) {
        const uint64_t generic = (uint64_t)memory + 16 * place(l);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "l"(generic));
    }
    if (number == 4 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4 + 16];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address - 16));
    for (int i = 0; i < 4; ++i) out[N * i + l] = r[i];
}

static std::vector<uint32_t> memory() { return random_words(3, BYTES / 4); }

// Element (row, column) of matrix m, 16 bits.
static uint16_t element(const std::vector<uint32_t> &words, int m, int row, int column) {
    uint16_t value;
    std::memcpy(&value, (const char *)words.data() + 16 * place(8 * m + row) + 2 * column, 2);
    return value;
}

template <int number, bool transposed>
static void check_load() {
    const std::vector<uint32_t> words = memory();
    const Array<uint32_t> in(words), out(4 * N);
    load<number, transposed><<<1, N>>>(in, out);
    const std::vector<uint32_t> loaded = out.values();
    for (int m = 0; m < number; ++m)
        for (int l = 0; l < N; ++l) {
            const int row = l / 4, column = l % 4 * 2;
            const uint32_t low =
                transposed ? element(words, m, column, row) : element(words, m, row, column);
            const uint32_t high =
                transposed ? element(words, m, column + 1, row) : element(words, m, row, column + 1);
            expect("ldmatrix" + std::to_string(number), N * m + l, loaded[N * m + l], low | high << 16);
        }
}

__global__ void move(const uint32_t *in, uint32_t *out) {
    uint32_t to;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(to) : "r"(in[threadIdx.x]));
    out[threadIdx.x] = to;
}

static void check_move() {
    const std::vector<uint32_t> words = random_words(5, N);
    const Array<uint32_t> in(words), out(N);
    move<<<1, N>>>(in, out);
    const std::vector<uint32_t> moved = out.values();
    const auto at = [&](int row, int column) {
        return words[row * 4 + column / 2] >> column % 2 * 16 & 0xffff;
    };
    for (int l = 0; l < N; ++l)
        expect("movmatrix", l, moved[l], at(l % 4 * 2, l / 4) | at(l % 4 * 2 + 1, l / 4) << 16);
}

template <int number, bool transposed>
__global__ void store(const uint32_t *in, uint32_t *out) {
    __shared__ __align__(16) uint32_t memory[BYTES / 4];
    const int l = threadIdx.x;
    for (int i = l; i < BYTES / 4; i += N) memory[i] = 0;
    __syncwarp();
#if __CUDA_ARCH__ >= 900
    const uint32_t address = (uint32_t)__cvta_generic_to_shared(memory) + 16 * place(l);
    if (number == 1 && !transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};" ::"r"(address), "r"(in[l])
                     : "memory");
    if (number == 2 && transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(address),
                     "r"(in[l]), "r"(in[N + l])
                     : "memory");
    if (number == 4 && !transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
                     "r"(in[l]), "r"(in[N + l]), "r"(in[2 * N + l]), "r"(in[3 * N + l])
                     : "memory");
    if (number == 4 && transposed)
        asm volatile(
            "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
            "r"(in[l]), "r"(in[N + l]), "r"(in[2 * N + l]), "r"(in[3 * N + l])
            : "memory");
#endif
    __syncwarp();
    for (int i = l; i < BYTES / 4; i += N) out[i] = memory[i];
}

template <int number, bool transposed>
static void check_store() {
    const std::vector<uint32_t> words = random_words(8, 4 * N);
    const Array<uint32_t> in(words), out(BYTES / 4);
    store<number, transposed><<<1, N>>>(in, out);
    const std::vector<uint32_t> stored = out.values();
    size_t others = 0;
    for (const uint32_t word : stored) others += word != 0;
    expect("words that stmatrix writes", number, others, (size_t)number * N);
    for (int m = 0; m < number; ++m)
        for (int row = 0; row < 8; ++row)
            for (int column = 0; column < 8; ++column) {
                const int r = transposed ? column : row, c = transposed ? row : column;
                const uint32_t should = words[N * m + r * 4 + c / 2] >> c % 2 * 16 & 0xffff;
                expect("stmatrix" + std::to_string(number), 64 * m + 8 * row + column,
                       (uint32_t)element(stored, m, row, column), should);
            }
}

int main() {
    check_load<1, false>(), check_load<2, false>(), check_load<4, false>();
    check_load<1, true>(), check_load<2, true>(), check_load<4, true>();
    check_move();
    if (capability() >= 9) {
        check_store<1, false>(), check_store<4, false>();
        check_store<2, true>(), check_store<4, true>();
    }
    return report();
}
