// Convolution without a library, as an implicit matrix product: rows are pixels, columns the channels
// of y, and the depth runs over the taps and the channels of x.  A block computes a tile of rows and
// columns, and each of its threads a part of that in registers.
#include "conv.h"
#include "device/types.cuh"
#include "device/vector.cuh"

// The threads of a block lie in a square; a block of one thread computes a wider part, and deeper
// steps, so that its loops vectorize.
constexpr int COLUMN_THREADS = BLOCK == 1 ? 1 : 16, ROW_THREADS = BLOCK / COLUMN_THREADS;
constexpr int PART_VECTORS = BLOCK == 1 ? 2 : 1, PART_COLUMNS = PART_VECTORS * VECTOR_LANES;
constexpr int PART_ROWS = BLOCK > 1 ? 4 : VECTOR_REGISTERS >= 32 ? 8 : 6;  // of a thread
constexpr int TILE_ROWS = ROW_THREADS * PART_ROWS, TILE_COLUMNS = COLUMN_THREADS * PART_COLUMNS;
constexpr int STEP =
    BLOCK == 1 ? 64 : 16;        // channels of x whose factors are in shared memory at a time
constexpr int PITCH = STEP + 1;  // of x's rows there: odd, for different banks

struct Convolution {
    Split split;  // of the tiles
    int rows;     // pixels of the whole batch
    int h, w, cin, cout, size;
    float beta;
};

// A row's pixel.  y is far outside the image for rows beyond the last.
struct Pixel {
    int number, y, x;
};

__device__ inline Pixel pixel_of(const Convolution &conv, int row) {
    if (row >= conv.rows) return {0, -4, 0};
    return {row, row / conv.w % conv.h, row % conv.w};
}

// Channels [c, c + STEP) of the pixels under tap (dy, dx); zeros outside the image.
template <typename T>
__device__ inline void load_pixels(const Convolution &conv, const T *x, const Pixel *pixels, int dy,
                                   int dx, int c, float *to) {
    constexpr int LANES = BLOCK < STEP ? BLOCK : STEP;
    static_assert(STEP % LANES == 0 && TILE_ROWS * LANES % BLOCK == 0, "parts would stay unloaded");
    const int lane = threadIdx.x % LANES, count = conv.cin - c;
    for (int step = 0; step < TILE_ROWS * LANES / BLOCK; ++step) {
        const int row = threadIdx.x / LANES + step * (BLOCK / LANES);
        const Pixel pixel = pixels[row];
        const bool inside =
            (unsigned)(pixel.y + dy) < (unsigned)conv.h && (unsigned)(pixel.x + dx) < (unsigned)conv.w;
        const int at = pixel.number + (inside ? dy * conv.w + dx : 0);
        const T *from = x + (long long)at * conv.cin + c;
        const int valid = inside ? count : 0;
        for (int turn = 0; turn < STEP / LANES; ++turn) {
            const int i = lane + turn * LANES;
            to[row * PITCH + i] = i < valid ? to_float(from[i]) : 0;
        }
    }
}

// Weights [c, c + STEP) x [column, column + TILE_COLUMNS) of a tap, whose weights are [cin][cout].
template <typename T>
__device__ inline void load_weights(const Convolution &conv, const T *tap, int c, int column,
                                    float *to) {
    constexpr int LANES = BLOCK < TILE_COLUMNS ? BLOCK : TILE_COLUMNS;
    static_assert(TILE_COLUMNS % LANES == 0 && STEP * LANES % BLOCK == 0, "parts would stay unloaded");
    const int lane = threadIdx.x % LANES, count = conv.cout - column;
    for (int step = 0; step < STEP * LANES / BLOCK; ++step) {
        const int i = threadIdx.x / LANES + step * (BLOCK / LANES);
        const T *from = tap + (long long)(c + i) * conv.cout + column;
        const int valid = c + i < conv.cin ? count : 0;
        for (int turn = 0; turn < TILE_COLUMNS / LANES; ++turn) {
            const int j = lane + turn * LANES;
            to[i * TILE_COLUMNS + j] = j < valid ? to_float(from[j]) : 0;
        }
    }
}

using Sums = Vector[PART_ROWS][PART_VECTORS];

template <typename T>
__device__ inline void store_sums(const Convolution &conv, const Sums &sums, int row, int column,
                                  T *y) {
    UNROLL
    for (int i = 0; i < PART_ROWS; ++i) {
        if (row + i >= conv.rows) return;
        T *to = y + (long long)(row + i) * conv.cout + column;
        float values[PART_COLUMNS];
        UNROLL
        for (int v = 0; v < PART_VECTORS; ++v) store_vector(values + v * VECTOR_LANES, sums[i][v]);
        UNROLL
        for (int j = 0; j < PART_COLUMNS; ++j) {
            if (column + j >= conv.cout) break;
            const float old = conv.beta == 0 ? 0 : to_float(to[j]);
            to[j] = from_float<T>(__fmaf_rn(conv.beta, old, values[j]));
        }
    }
}

// Tiles are numbered along the columns first, so that neighbouring blocks share pixels.  Five blocks to
// a multiprocessor: left to itself, ptxas spills registers on sm_100 to make room for a sixth.
template <typename T>
__global__ void __launch_bounds__(BLOCK, 5)
    conv_kernel(Convolution conv, const T *x, const T *weights, T *y) {
    SHARED_ARRAY(Pixel, pixels, TILE_ROWS);
    SHARED_ARRAY(float, x_step, TILE_ROWS *PITCH);
    SHARED_ARRAY(float, w_step, STEP *TILE_COLUMNS);
    const int thread_row = threadIdx.x / COLUMN_THREADS * PART_ROWS;
    const int thread_column = threadIdx.x % COLUMN_THREADS * PART_COLUMNS;
    const int across = (conv.cout + TILE_COLUMNS - 1) / TILE_COLUMNS;
    const Range share = block_range(conv.split);
    for (long long tile = share.begin; tile < share.end; ++tile) {
        const int row = (int)(tile / across) * TILE_ROWS;
        const int column = (int)(tile % across) * TILE_COLUMNS;
        for (int i = threadIdx.x; i < TILE_ROWS; i += BLOCK) pixels[i] = pixel_of(conv, row + i);
        Sums sums = {};
        for (int tap = 0; tap < conv.size * conv.size; ++tap) {
            const int dy = tap / conv.size - conv.size / 2, dx = tap % conv.size - conv.size / 2;
            for (int c = 0; c < conv.cin; c += STEP) {
                __syncthreads();
                load_pixels(conv, x, pixels, dy, dx, c, x_step);
                load_weights(conv, weights + (long long)tap * conv.cin * conv.cout, c, column, w_step);
                __syncthreads();
                multiply_tile(x_step + thread_row * PITCH, PITCH, w_step + thread_column, TILE_COLUMNS,
                              STEP, sums);
            }
        }
        store_sums(conv, sums, row + thread_row, column + thread_column, y);
    }
}

void conv_native(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const int rows = (int)pixels_of(x);
    const long long tiles =
        (rows + TILE_ROWS - 1LL) / TILE_ROWS * ((filter->cout + TILE_COLUMNS - 1) / TILE_COLUMNS);
    with_type(filter->dtype, [&](auto zero) {
        using T = decltype(zero);
        const Grid grid = grid_for(ctx, conv_kernel<T>, tiles, 1);
        const Convolution conv = {grid.split,  rows,         x.h,          x.w,
                                  filter->cin, filter->cout, filter->size, beta};
        LAUNCH(conv_kernel<T>, grid.blocks, BLOCK, 0, ctx->stream, conv, (const T *)x.data,
               (const T *)filter->weights, (T *)y.data);
    });
    check_launch(ctx, "conv_kernel");
}
