// 3x3 convolution in float32 by Winograd's method (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", CVPR 2016): each 4x4 tile of y takes 36 products for each pair of channels instead
// of 144.  With d the 6x6 pixels of x under a tile and g the 3x3 weights,
//     y = A' [ (G g G') * (B' d B) ] A,   ' the transpose, * elementwise and summed over the channels.
// The polynomial is interpolated at 0, +-P, +-Q and infinity.  3/4 and 3/2 keep the powers of the
// points, and so the rounding errors, smaller than the common choice of 1 and 2.
#include "conv.h"
#include "device/launch.cuh"

constexpr int TILE = 4;          // pixels of y, each way
constexpr int PATCH = TILE + 2;  // pixels of x under them
constexpr float P = 0.75f, Q = 1.5f, PP = P * P, QQ = Q * Q;

// ---- the transforms along one dimension -----------------------------------------------------------

struct Patch {
    float a, b, c, d, e, f;
};
struct Line {
    float a, b, c, d;
};

// B' d: row i holds the coefficients of the product of (t - point) over the other points.
__device__ inline Patch transform_input(float a, float b, float c, float d, float e, float f) {
    const float even_p = e - QQ * c, odd_p = P * (d - QQ * b);
    const float even_q = e - PP * c, odd_q = Q * (d - PP * b);
    return {
        PP * QQ * a - (PP + QQ) * c + e, even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q,
        PP * QQ * b - (PP + QQ) * d + f};
}

// A' m: row i holds the i-th powers of the points.
__device__ inline Line transform_output(float a, float b, float c, float d, float e, float f) {
    const float sum_p = b + c, difference_p = b - c, sum_q = d + e, difference_q = d - e;
    return {a + sum_p + sum_q, P * difference_p + Q * difference_q, PP * sum_p + QQ * sum_q,
            P * PP * difference_p + Q * QQ * difference_q + f};
}

// ---- where things are -----------------------------------------------------------------------------

struct Winograd {
    int h, w;          // of an image, in pixels
    int down, across;  // tiles of an image
    long long tiles;   // of the batch
    int group;         // tiles of a group, a multiple of PART_ROWS
    int cin, cout;
    int v_stride, m_stride;            // elements from a tile's row of a matrix to the next
    long long v_distance, m_distance;  // elements from one of the 36 matrices to the next
    float beta;
};

struct Corner {
    long long image;
    int y, x;  // of the tile's first pixel
};

__device__ inline Corner corner_of(const Winograd &conv, long long tile) {
    const long long line = tile / conv.across;
    return {line / conv.down, (int)(line % conv.down) * TILE, (int)(tile % conv.across) * TILE};
}

// ---- x to V[36][group][cin] ------------------------------------------------------------------

// A pixel of the padding is read elsewhere, where memory is, and masked: so the loop over the channels
// has no branches and vectorizes.
struct Taps {
    int offset[PATCH], mask[PATCH];
};

__device__ inline Taps taps_of(int first, int pixels, int stride) {
    Taps taps;
#pragma unroll
    for (int i = 0; i < PATCH; ++i) {
        const int pixel = first - 1 + i;
        const bool inside = pixel >= 0 && pixel < pixels;
        taps.offset[i] = inside ? pixel * stride : 0;
        taps.mask[i] = inside ? -1 : 0;
    }
    return taps;
}

__device__ inline Patch transform_row(const float *row, const Taps &across, int mask) {
    const auto read = [&](int j) {
        return __int_as_float(__float_as_int(row[across.offset[j]]) & across.mask[j] & mask);
    };
    return transform_input(read(0), read(1), read(2), read(3), read(4), read(5));
}

__device__ inline void write_column(float *v, long long distance, Patch column) {
    v[0] = column.a;
    v[6 * distance] = column.b;
    v[12 * distance] = column.c;
    v[18 * distance] = column.d;
    v[24 * distance] = column.e;
    v[30 * distance] = column.f;
}

__device__ inline void read_tile(const Winograd &conv, const float *x, long long tile, float *v) {
    const Corner corner = corner_of(conv, tile);
    const int channels = conv.cin;
    const float *image = x + corner.image * conv.h * conv.w * channels;
    const Taps down = taps_of(corner.y, conv.h, conv.w * channels);
    const Taps across = taps_of(corner.x, conv.w, channels);
    const long long distance = conv.v_distance;
    VECTOR_LOOP
    for (int c = lane_index(); c < channels; c += WARP) {
        const float *at = image + c;
        const Patch r0 = transform_row(at + down.offset[0], across, down.mask[0]);
        const Patch r1 = transform_row(at + down.offset[1], across, down.mask[1]);
        const Patch r2 = transform_row(at + down.offset[2], across, down.mask[2]);
        const Patch r3 = transform_row(at + down.offset[3], across, down.mask[3]);
        const Patch r4 = transform_row(at + down.offset[4], across, down.mask[4]);
        const Patch r5 = transform_row(at + down.offset[5], across, down.mask[5]);
        float *p = v + c;
        write_column(p, distance, transform_input(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
        write_column(p += distance, distance, transform_input(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
        write_column(p += distance, distance, transform_input(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
        write_column(p += distance, distance, transform_input(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d));
        write_column(p += distance, distance, transform_input(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e));
        write_column(p += distance, distance, transform_input(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f));
    }
}

// ---- M = V U, for each of the 36 ------------------------------------------------------------------

// U is [36][panels][cin][PANEL], with zeros beyond the last channel.  A thread multiplies PART_ROWS
// rows of V by PART_COLUMNS columns of a panel at a time.
constexpr int PANEL = WINOGRAD_PANEL;
constexpr int PART_ROWS = BLOCK == 1 ? 12 : 4, PART_COLUMNS = BLOCK == 1 ? PANEL : 4;
constexpr int PANEL_THREADS = PANEL / PART_COLUMNS, WORKERS = BLOCK / PANEL_THREADS;

struct Sums {
    float at[PART_ROWS][PART_COLUMNS];
};

__device__ inline void multiply_part(const float *v, int v_stride, const float *u, int depth, float *m,
                                     int m_stride) {
    Sums sums = {};
    for (int k = 0; k < depth; ++k) {
        float factor[PART_ROWS];
#pragma unroll
        for (int i = 0; i < PART_ROWS; ++i) factor[i] = v[i * v_stride + k];
        const float *row = u + k * PANEL;
        VECTOR_LOOP
        for (int j = 0; j < PART_COLUMNS; ++j) {
#pragma unroll
            for (int i = 0; i < PART_ROWS; ++i) sums.at[i][j] += factor[i] * row[j];
        }
    }
#pragma unroll
    for (int i = 0; i < PART_ROWS; ++i) {
        VECTOR_LOOP
        for (int j = 0; j < PART_COLUMNS; ++j) m[i * m_stride + j] = sums.at[i][j];
    }
}

// What follows the last of the tiles, up to a multiple of PART_ROWS, is computed and never read.
__device__ inline void multiply(const Winograd &conv, const float *v, const float *u, int tiles,
                                float *m) {
    const int panels = conv.m_stride / PANEL, parts = (tiles + PART_ROWS - 1) / PART_ROWS;
    const int column = threadIdx.x % PANEL_THREADS * PART_COLUMNS;
    for (int i = threadIdx.x / PANEL_THREADS; i < WINOGRAD_PRODUCTS * parts; i += WORKERS) {
        const int product = i / parts, row = i % parts * PART_ROWS;
        const float *v_rows = v + product * conv.v_distance + row * conv.v_stride;
        const float *u_panel = u + (long long)product * panels * conv.cin * PANEL + column;
        float *m_rows = m + product * conv.m_distance + row * conv.m_stride + column;
        for (int panel = 0; panel < panels; ++panel, u_panel += conv.cin * PANEL, m_rows += PANEL)
            multiply_part(v_rows, conv.v_stride, u_panel, conv.cin, m_rows, conv.m_stride);
    }
}

// ---- M[36][group][whole panels of cout] to y
// ------------------------------------------------------------------

__device__ inline Line transform_column(const float *m, long long distance) {
    return transform_output(m[0], m[6 * distance], m[12 * distance], m[18 * distance], m[24 * distance],
                            m[30 * distance]);
}

// The tile's pixels that are inside the image, `rows` x `columns`.  With WHOLE, which says that all
// are, the loop over the channels has no branches and vectorizes.
template <bool WHOLE, bool ADD>
__device__ inline void write_row(float *y, int channels, int columns, float beta, Line line) {
    const auto write = [&](int j, float value) {
        if (WHOLE || j < columns) y[j * channels] = ADD ? value + beta * y[j * channels] : value;
    };
    write(0, line.a), write(1, line.b), write(2, line.c), write(3, line.d);
}

template <bool WHOLE, bool ADD>
__device__ inline void write_pixels(const float *m, long long distance, int channels, int rows,
                                    int columns, float beta, float *y, int stride) {
    VECTOR_LOOP
    for (int c = lane_index(); c < channels; c += WARP) {
        const float *p = m + c;
        const Line c0 = transform_column(p, distance);
        const Line c1 = transform_column(p + distance, distance);
        const Line c2 = transform_column(p + 2 * distance, distance);
        const Line c3 = transform_column(p + 3 * distance, distance);
        const Line c4 = transform_column(p + 4 * distance, distance);
        const Line c5 = transform_column(p + 5 * distance, distance);
        const auto write = [&](int i, Line line) {
            if (WHOLE || i < rows)
                write_row<WHOLE, ADD>(y + i * stride + c, channels, columns, beta, line);
        };
        write(0, transform_output(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a));
        write(1, transform_output(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b));
        write(2, transform_output(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c));
        write(3, transform_output(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d));
    }
}

template <bool ADD>
__device__ inline void write_tile(const Winograd &conv, const float *m, long long tile, float *y) {
    const Corner corner = corner_of(conv, tile);
    const int stride = conv.w * conv.cout, rows = conv.h - corner.y, columns = conv.w - corner.x;
    float *to = y + ((corner.image * conv.h + corner.y) * conv.w + corner.x) * conv.cout;
    if (rows >= TILE && columns >= TILE)
        write_pixels<true, ADD>(m, conv.m_distance, conv.cout, TILE, TILE, conv.beta, to, stride);
    else
        write_pixels<false, ADD>(m, conv.m_distance, conv.cout, rows, columns, conv.beta, to, stride);
}

// `next` counts the groups that blocks have taken.  Which block takes which changes nothing in y.
// One block has a multiprocessor to itself, for the registers of the transforms.
template <bool ADD>
__global__ void __launch_bounds__(BLOCK, 1)
    winograd_kernel(Winograd conv, const float *x, const float *u, float *workspace, int *next,
                    float *y) {
    SHARED_ARRAY(int, taken, 1);
    float *v = workspace + blockIdx.x * WINOGRAD_PRODUCTS * (conv.v_distance + conv.m_distance);
    float *m = v + WINOGRAD_PRODUCTS * conv.v_distance;
    for (;;) {
        if (threadIdx.x == 0) taken[0] = atomicAdd(next, 1);
        __syncthreads();
        const long long first = (long long)taken[0] * conv.group, left = conv.tiles - first;
        if (left <= 0) return;
        const int count = left < conv.group ? (int)left : conv.group;
        for (int i = warp_index(); i < count; i += BLOCK_WARPS)
            read_tile(conv, x, first + i, v + (long long)i * conv.v_stride);
        __syncthreads();
        multiply(conv, v, u, count, m);
        __syncthreads();
        for (int i = warp_index(); i < count; i += BLOCK_WARPS)
            write_tile<ADD>(conv, m + (long long)i * conv.m_stride, first + i, y);
    }
}

// ---- host -----------------------------------------------------------------------------------------

void winograd_weights(const float *weights, int cout, int cin, float *transformed) {
    // Row i: the powers of point i over the product of its distances to the other points.
    double g[PATCH][3] = {{1, 0, 0}, {1, P, PP}, {1, -P, PP}, {1, Q, QQ}, {1, -Q, QQ}, {0, 0, 1}};
    const double scale[PATCH] = {
        PP * QQ, 2 * PP * (PP - QQ), 2 * PP * (PP - QQ), 2 * QQ * (QQ - PP), 2 * QQ * (QQ - PP), 1};
    for (int i = 0; i < PATCH; ++i)
        for (double &power : g[i]) power /= scale[i];
    for (int o = 0; o < cout; ++o) {
        for (int c = 0; c < cin; ++c) {
            double half[PATCH][3] = {};  // G g
            for (int i = 0; i < PATCH; ++i)
                for (int tap = 0; tap < 9; ++tap)
                    half[i][tap % 3] += g[i][tap / 3] * weights[((size_t)o * 9 + tap) * cin + c];
            for (int i = 0; i < WINOGRAD_PRODUCTS; ++i) {
                const double *row = half[i / PATCH], *point = g[i % PATCH];
                const size_t panel = (size_t)i * ((cout + PANEL - 1) / PANEL) + o / PANEL;
                transformed[(panel * cin + c) * PANEL + o % PANEL] =
                    (float)(row[0] * point[0] + row[1] * point[1] + row[2] * point[2]);
            }
        }
    }
}

// Strides that are a multiple of 4 KB would put what is used together into one set of the first-level
// cache: the 36 values of a tile and channel, and the rows of V that are multiplied together.
static long long distance_of(long long elements) { return (elements + 1023) / 1024 * 1024 + 80; }
static int stride_of(int channels) { return (channels + PANEL - 1) / PANEL * PANEL + PANEL; }

constexpr int MOST_TILES = 48;                      // of a group
constexpr size_t MOST_WORKSPACE = (size_t)1 << 30;  // of all blocks
constexpr size_t COUNTER_BYTES = 256;

struct Arrangement {
    Winograd conv;
    int blocks;
    size_t block_bytes;
};

// Unless planning, no more than the workspace holds: fewer images may be arranged in smaller groups, of
// which more would be allowed than the plan for many has room for.
static size_t room_of(const Context *ctx) {
    if (ctx->planning || ctx->workspace_bytes >= MOST_WORKSPACE + COUNTER_BYTES) return MOST_WORKSPACE;
    return ctx->workspace_bytes > COUNTER_BYTES ? ctx->workspace_bytes - COUNTER_BYTES : 0;
}

static Arrangement arrange(const Context *ctx, Tensor x, const Filter *filter, float beta) {
    const int down = (x.h + TILE - 1) / TILE, across = (x.w + TILE - 1) / TILE;
    const long long tiles = (long long)x.n * down * across;
    const int most_blocks = ctx->processors;
    // Smaller groups when there would be too few of them for all blocks.
    const long long share = (tiles + most_blocks - 1) / most_blocks;
    const int wanted = share < MOST_TILES ? (int)share : MOST_TILES;
    const int group = (wanted + PART_ROWS - 1) / PART_ROWS * PART_ROWS;
    Arrangement result = {};
    Winograd &conv = result.conv;
    conv.h = x.h, conv.w = x.w, conv.down = down, conv.across = across;
    conv.tiles = tiles, conv.group = group;
    conv.cin = filter->cin, conv.cout = filter->cout;
    conv.v_stride = stride_of(conv.cin), conv.m_stride = (conv.cout + PANEL - 1) / PANEL * PANEL;
    conv.v_distance = distance_of((long long)group * conv.v_stride);
    conv.m_distance = distance_of((long long)group * conv.m_stride);
    conv.beta = beta;
    result.block_bytes = WINOGRAD_PRODUCTS * sizeof(float) * (conv.v_distance + conv.m_distance);
    const long long fit = room_of(ctx) / result.block_bytes, groups = (tiles + group - 1) / group;
    long long blocks = most_blocks;
    if (blocks > groups) blocks = groups;
    if (blocks > fit) blocks = fit;
    result.blocks = blocks > 1 ? (int)blocks : 1;
    return result;
}

size_t conv_winograd_workspace(const Context *ctx, Tensor x, const Filter *filter) {
    const Arrangement plan = arrange(ctx, x, filter, 0);
    return COUNTER_BYTES + plan.blocks * plan.block_bytes;
}

void conv_winograd(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const Arrangement plan = arrange(ctx, x, filter, beta);
    int *next = (int *)ctx->workspace;
    float *workspace = (float *)((char *)ctx->workspace + COUNTER_BYTES);
    check_cuda(ctx, cudaMemsetAsync(next, 0, sizeof *next, ctx->stream), "cudaMemsetAsync");
    if (beta == 0)
        LAUNCH(winograd_kernel<false>, plan.blocks, BLOCK, 0, ctx->stream, plan.conv,
               (const float *)x.data, (const float *)filter->weights, workspace, next, (float *)y.data);
    else
        LAUNCH(winograd_kernel<true>, plan.blocks, BLOCK, 0, ctx->stream, plan.conv,
               (const float *)x.data, (const float *)filter->weights, workspace, next, (float *)y.data);
    check_launch(ctx, "winograd_kernel");
}
