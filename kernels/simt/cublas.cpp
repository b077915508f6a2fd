// cuBLAS's float32 product on the CPU.  Written out rather than left to a BLAS because each row of the
// result has to be summed in the same order whatever the number of rows: the promise that an image does
// not depend on its batch needs that.
#include "include/cublas_v2.h"

#include <string.h>

#include <algorithm>
#include <new>

#include "../device/vector.cuh"
#include "stream.h"

struct cublasContext {
    cudaStream_t stream;
};

const char *cublasGetStatusString(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS:
            return "success";
        case CUBLAS_STATUS_ALLOC_FAILED:
            return "out of memory";
        case CUBLAS_STATUS_INVALID_VALUE:
            return "invalid value";
        case CUBLAS_STATUS_EXECUTION_FAILED:
            return "execution failed";
        case CUBLAS_STATUS_NOT_SUPPORTED:
            return "not supported on the CPU";
    }
    return "unknown error";
}

cublasStatus_t cublasCreate(cublasHandle_t *handle) {
    *handle = new (std::nothrow) cublasContext();
    return *handle != nullptr ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

namespace {

// ---- a few rows times a few vectors of columns, summed in registers ---------------------------------

// Of the tiles whose sums the registers hold: wide ones, and those at the edges.
constexpr bool MANY_REGISTERS = VECTOR_REGISTERS >= 32;
constexpr int WIDE_VECTORS = MANY_REGISTERS ? 4 : 2, WIDE_ROWS = 6;
constexpr int NARROW_VECTORS = MANY_REGISTERS ? 2 : 1, NARROW_ROWS = 8;
constexpr int WIDE = WIDE_VECTORS * VECTOR_LANES, NARROW = NARROW_VECTORS * VECTOR_LANES;  // columns

// Row-major: c [rows][columns] = x [rows][depth] w [depth][columns] + beta c.
struct Product {
    int rows, columns, depth;
    const float *x, *w;
    float *c;
    int x_stride, w_stride, c_stride;  // from a row to the next
    float beta;
};

template <int ROWS, int VECTORS>
__forceinline__ void make_tile(const Product &p, const float *x, float *c) {
    Vector sum[ROWS][VECTORS] = {};
    multiply_tile(x, p.x_stride, p.w, p.w_stride, p.depth, sum);
    UNROLL
    for (int r = 0; r < ROWS; r++) {
        UNROLL
        for (int v = 0; v < VECTORS; v++) {
            float *to = c + static_cast<long long>(r) * p.c_stride + v * VECTOR_LANES;
            store_vector(to, p.beta == 0 ? sum[r][v] : sum[r][v] + p.beta * load_vector(to));
        }
    }
}

// Rows come from memory or the outer caches, in steps that the processor does not foresee.
inline void fetch_rows(const Product &p, int first, int rows) {
    constexpr int LINE = 64 / sizeof(float);
    for (int r = first; r < first + rows && r < p.rows; r++)
        for (int k = 0; k < p.depth; k += LINE)
            __builtin_prefetch(p.x + static_cast<long long>(r) * p.x_stride + k);
}

// Rows from `first` on, as many at a time as there are: ROWS, then half of that, ..., then one.
template <int ROWS, int VECTORS>
void multiply_rows(const Product &p, int first) {
    for (; first + ROWS <= p.rows; first += ROWS) {
        fetch_rows(p, first + ROWS, ROWS);
        make_tile<ROWS, VECTORS>(p, p.x + static_cast<long long>(first) * p.x_stride,
                                 p.c + static_cast<long long>(first) * p.c_stride);
    }
    if constexpr (ROWS > 1)
        if (first < p.rows) multiply_rows<ROWS / 2, VECTORS>(p, first);
}

Product columns_from(Product p, int column, int columns) {
    p.w += column;
    p.c += column;
    p.columns = columns;
    return p;
}

// Fewer columns than a vector has: on copies that are padded to one.
void multiply_last_columns(Product p) {
    constexpr int DEPTH = 256, ROWS = 8;  // copied at a time
    for (int first = 0; first < p.rows; first += ROWS) {
        const int rows = std::min(ROWS, p.rows - first);
        float sums[ROWS][VECTOR_LANES] = {};
        for (int k = 0; k < p.depth; k += DEPTH) {
            float w[DEPTH][VECTOR_LANES] = {};
            const int depth = std::min(DEPTH, p.depth - k);
            for (int i = 0; i < depth; i++)
                memcpy(w[i], p.w + static_cast<long long>(k + i) * p.w_stride,
                       p.columns * sizeof(float));
            const float *x = p.x + static_cast<long long>(first) * p.x_stride + k;
            multiply_rows<4, 1>({rows, VECTOR_LANES, depth, x, w[0], sums[0], p.x_stride, VECTOR_LANES,
                                 VECTOR_LANES, k == 0 ? 0.0f : 1.0f},
                                0);
        }
        for (int r = 0; r < rows; r++) {
            float *c = p.c + static_cast<long long>(first + r) * p.c_stride;
            for (int i = 0; i < p.columns; i++)
                c[i] = p.beta == 0 ? sums[r][i] : sums[r][i] + p.beta * c[i];
        }
    }
}

// At most WIDE columns.
void multiply(const Product &p) {
    if (p.columns == WIDE) return multiply_rows<WIDE_ROWS, WIDE_VECTORS>(p, 0);
    int column = 0;
    for (; column + NARROW <= p.columns; column += NARROW)
        multiply_rows<NARROW_ROWS, NARROW_VECTORS>(columns_from(p, column, NARROW), 0);
    for (; column + VECTOR_LANES <= p.columns; column += VECTOR_LANES)
        multiply_rows<NARROW_ROWS, 1>(columns_from(p, column, VECTOR_LANES), 0);
    if (column < p.columns) multiply_last_columns(columns_from(p, column, p.columns - column));
}

// ---- a product over OpenMP's threads ----------------------------------------------------------------

constexpr int CHUNK_ROWS = 192;  // of a task, which has up to WIDE columns

void multiply_all(const Product &all) {
    const int chunks = (all.rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    const int panels = (all.columns + WIDE - 1) / WIDE;
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (int chunk = 0; chunk < chunks; chunk++) {
        for (int panel = 0; panel < panels; panel++) {
            const long long row = static_cast<long long>(chunk) * CHUNK_ROWS;
            const int column = panel * WIDE;
            Product p = columns_from(all, column, std::min(WIDE, all.columns - column));
            p.rows = static_cast<int>(std::min<long long>(CHUNK_ROWS, all.rows - row));
            p.x += row * p.x_stride;
            p.c += row * p.c_stride;
            multiply(p);
        }
    }
}

}  // namespace

// A column-major matrix is a row-major one transposed: c' = b' a'.
cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                           int m, int n, int k, const float *alpha, const float *a, int lda,
                           const float *b, int ldb, const float *beta, float *c, int ldc) {
    if (m < 0 || n < 0 || k < 0 || lda < std::max(1, m) || ldb < std::max(1, k) || ldc < std::max(1, m))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (transa != CUBLAS_OP_N || transb != CUBLAS_OP_N || *alpha != 1)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    const Product product = {n, m, k, b, a, c, ldb, lda, ldc, *beta};
    simt::enqueue(handle->stream, [product] { multiply_all(product); });
    return CUBLAS_STATUS_SUCCESS;
}
