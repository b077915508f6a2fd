// 3x3 convolution in float32 by Winograd's method (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", CVPR 2016): each 4x4 tile of y takes 36 products for each pair of channels instead
// of 144.  With d the 6x6 pixels of x under a tile and g the 3x3 weights,
//     y = A' [ (G g G') * (B' d B) ] A,   ' the transpose, * elementwise and summed over the channels.
// The polynomial is interpolated at 0, +-P, +-Q and infinity.  3/4 and 3/2 keep the powers of the
// points, and so the rounding errors, smaller than the common choice of 1 and 2.
#include "conv.h"
#include "device/vector.cuh"

constexpr int TILE = 4;          // pixels of y, each way
constexpr int PATCH = TILE + 2;  // pixels of x under them
constexpr float P = 0.75f, Q = 1.5f, PP = P * P, QQ = Q * Q;

// ---- the transforms along one dimension -----------------------------------------------------------

// T: float, or a Vector of neighbouring channels.
template <typename T>
struct Patch {
    T a, b, c, d, e, f;
};
template <typename T>
struct Line {
    T a, b, c, d;
};

// B' d: row i holds the coefficients of the product of (t - point) over the other points.
template <typename T>
__device__ __forceinline__ Patch<T> transform_input(T a, T b, T c, T d, T e, T f) {
    const T even_p = e - QQ * c, odd_p = P * (d - QQ * b);
    const T even_q = e - PP * c, odd_q = Q * (d - PP * b);
    return {
        PP * QQ * a - (PP + QQ) * c + e, even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q,
        PP * QQ * b - (PP + QQ) * d + f};
}

// A' m: row i holds the i-th powers of the points.
template <typename T>
__device__ __forceinline__ Line<T> transform_output(T a, T b, T c, T d, T e, T f) {
    const T sum_p = b + c, difference_p = b - c, sum_q = d + e, difference_q = d - e;
    return {a + sum_p + sum_q, P * difference_p + Q * difference_q, PP * sum_p + QQ * sum_q,
            P * PP * difference_p + Q * QQ * difference_q + f};
}

// ---- where things are -----------------------------------------------------------------------------

struct Winograd {
    int h, w;          // of an image, in pixels
    int down, across;  // tiles of an image
    long long tiles;   // of the batch
    int group;         // tiles of a group, a multiple of PART_ROWS
    int groups;        // of so many tiles; the rest of the tiles are in groups of PART_ROWS
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

__device__ inline float load_as(const float *from, float) { return *from; }
__device__ inline Vector load_as(const float *from, Vector) { return load_vector(from); }
__device__ inline void store_as(float *to, float value) { *to = value; }
__device__ inline void store_as(float *to, Vector value) { store_vector(to, value); }

// The pixels under a tile, and which of them are in the image: padding is zero.
struct Window {
    const float *first;  // pixel, which may be outside
    int down, across;    // elements from a pixel to the next
    int top, bottom, left, right;
};

__device__ inline Window window_of(const Winograd &conv, const float *x, Corner corner) {
    const int y = corner.y - 1, column = corner.x - 1;
    Window window;
    window.down = conv.w * conv.cin, window.across = conv.cin;
    window.first =
        x + corner.image * conv.h * window.down + (long long)y * window.down + column * window.across;
    window.top = y < 0 ? 1 : 0, window.bottom = min(PATCH, conv.h - y);
    window.left = column < 0 ? 1 : 0, window.right = min(PATCH, conv.w - column);
    return window;
}

template <typename T, bool WHOLE>
__device__ __forceinline__ Patch<T> transform_row(const Window &window, int row, int c) {
    const float *from = window.first + row * window.down + c;
    const bool inside = WHOLE || (row >= window.top && row < window.bottom);
    const auto read = [&](int j) {
        return WHOLE || (inside && j >= window.left && j < window.right)
                   ? load_as(from + j * window.across, T())
                   : T();
    };
    return transform_input<T>(read(0), read(1), read(2), read(3), read(4), read(5));
}

template <typename T>
__device__ __forceinline__ void write_column(float *v, long long distance, Patch<T> column) {
    store_as(v, column.a);
    store_as(v + 6 * distance, column.b);
    store_as(v + 12 * distance, column.c);
    store_as(v + 18 * distance, column.d);
    store_as(v + 24 * distance, column.e);
    store_as(v + 30 * distance, column.f);
}

// Channel c, or the Vector of those from it on.
template <typename T, bool WHOLE>
__device__ __forceinline__ void read_channels(const Window &window, int c, long long distance,
                                              float *v) {
    const Patch<T> r0 = transform_row<T, WHOLE>(window, 0, c),
                   r1 = transform_row<T, WHOLE>(window, 1, c);
    const Patch<T> r2 = transform_row<T, WHOLE>(window, 2, c),
                   r3 = transform_row<T, WHOLE>(window, 3, c);
    const Patch<T> r4 = transform_row<T, WHOLE>(window, 4, c),
                   r5 = transform_row<T, WHOLE>(window, 5, c);
    float *p = v + c;
    write_column(p, distance, transform_input(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
    write_column(p += distance, distance, transform_input(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
    write_column(p += distance, distance, transform_input(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
    write_column(p += distance, distance, transform_input(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d));
    write_column(p += distance, distance, transform_input(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e));
    write_column(p += distance, distance, transform_input(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f));
}

// A CPU's only lane takes Vectors while there are some.
template <typename Body>
__device__ __forceinline__ void for_channels(int channels, const Body &body) {
    int c = lane_index();
    if (WARP == 1)
        for (; c + VECTOR_LANES <= channels; c += VECTOR_LANES) body(c, Vector());
    for (; c < channels; c += WARP) body(c, 0.0f);
}

template <bool WHOLE>
__device__ inline void read_window(const Window &window, int channels, long long distance, float *v) {
    for_channels(channels, [&](int c, auto zero) {
        read_channels<decltype(zero), WHOLE>(window, c, distance, v);
    });
}

__device__ inline void read_tile(const Winograd &conv, const float *x, long long tile, float *v) {
    const Window window = window_of(conv, x, corner_of(conv, tile));
    if (window.top == 0 && window.left == 0 && window.bottom == PATCH && window.right == PATCH)
        read_window<true>(window, conv.cin, conv.v_distance, v);
    else
        read_window<false>(window, conv.cin, conv.v_distance, v);
}

// ---- M = V U, for each of the 36 ------------------------------------------------------------------

// U is [36][panels][cin][PANEL], with zeros beyond the last channel.  A thread multiplies PART_ROWS
// rows of V by PART_COLUMNS columns of a panel at a time: a CPU's by the whole panel, as many rows as
// its registers hold sums of.
constexpr int PANEL = WINOGRAD_PANEL;
constexpr int PART_VECTORS = BLOCK == 1 ? PANEL / VECTOR_LANES : 1;
constexpr int PART_COLUMNS = PART_VECTORS * VECTOR_LANES;
constexpr int MOST_ROWS = (VECTOR_REGISTERS - 1 - PART_VECTORS) / PART_VECTORS;
constexpr int PART_ROWS = BLOCK == 1 ? (MOST_ROWS < 12 ? MOST_ROWS : 12) : 4;
constexpr int PANEL_THREADS = PANEL / PART_COLUMNS, WORKERS = BLOCK / PANEL_THREADS;

__device__ inline void multiply_part(const float *v, int v_stride, const float *u, int depth, float *m,
                                     int m_stride) {
    Vector sums[PART_ROWS][PART_VECTORS] = {};
    multiply_tile(v, v_stride, u, PANEL, depth, sums);
    UNROLL
    for (int i = 0; i < PART_ROWS; ++i) {
        UNROLL
        for (int j = 0; j < PART_VECTORS; ++j)
            store_vector(m + i * m_stride + j * VECTOR_LANES, sums[i][j]);
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

template <typename T>
__device__ __forceinline__ Line<T> transform_column(const float *m, long long distance) {
    const auto read = [&](int i) { return load_as(m + 6 * i * distance, T()); };
    return transform_output<T>(read(0), read(1), read(2), read(3), read(4), read(5));
}

// The tile's pixels that are inside the image: with WHOLE all are.
template <bool WHOLE, bool ADD, typename T>
__device__ __forceinline__ void write_row(float *y, int channels, int columns, float beta,
                                          Line<T> line) {
    const auto write = [&](int j, T value) {
        float *to = y + j * channels;
        if (WHOLE || j < columns) store_as(to, ADD ? value + beta * load_as(to, T()) : value);
    };
    write(0, line.a), write(1, line.b), write(2, line.c), write(3, line.d);
}

template <bool WHOLE, bool ADD>
__device__ inline void write_pixels(const float *m, long long distance, int channels, int rows,
                                    int columns, float beta, float *y, int stride) {
    for_channels(channels, [&](int c, auto zero) {
        using T = decltype(zero);
        const float *p = m + c;
        const Line<T> c0 = transform_column<T>(p, distance);
        const Line<T> c1 = transform_column<T>(p + distance, distance);
        const Line<T> c2 = transform_column<T>(p + 2 * distance, distance);
        const Line<T> c3 = transform_column<T>(p + 3 * distance, distance);
        const Line<T> c4 = transform_column<T>(p + 4 * distance, distance);
        const Line<T> c5 = transform_column<T>(p + 5 * distance, distance);
        const auto write = [&](int i, Line<T> line) {
            if (WHOLE || i < rows)
                write_row<WHOLE, ADD>(y + i * stride + c, channels, columns, beta, line);
        };
        write(0, transform_output(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a));
        write(1, transform_output(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b));
        write(2, transform_output(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c));
        write(3, transform_output(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d));
    });
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

// Tiles that are multiplied together.
struct Group {
    long long first;
    int count;  // none beyond the last group
};

__device__ inline Group group_of(const Winograd &conv, long long index) {
    const bool small = index >= conv.groups;
    const long long whole = (long long)conv.groups * conv.group;
    const int size = small ? PART_ROWS : conv.group;
    const long long first = small ? whole + (index - conv.groups) * size : index * size;
    const long long left = conv.tiles - first;
    return {first, left <= 0 ? 0 : left < size ? (int)left : size};
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
        const Group group = group_of(conv, taken[0]);
        if (group.count == 0) return;
        for (int i = warp_index(); i < group.count; i += BLOCK_WARPS)
            read_tile(conv, x, group.first + i, v + (long long)i * conv.v_stride);
        __syncthreads();
        multiply(conv, v, u, group.count, m);
        __syncthreads();
        for (int i = warp_index(); i < group.count; i += BLOCK_WARPS)
            write_tile<ADD>(conv, m + (long long)i * conv.m_stride, group.first + i, y);
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
    // The last round is cut small, so that no block is left waiting for another's whole group.
    const long long rounds = tiles / group / result.blocks;
    conv.groups = rounds > 1 ? (int)(rounds - 1) * result.blocks : 0;
    return result;
}

static size_t workspace_of(const Arrangement &plan) {
    return COUNTER_BYTES + plan.blocks * plan.block_bytes;
}

size_t conv_winograd_workspace(const Context *ctx, Tensor x, const Filter *filter) {
    return workspace_of(arrange(ctx, x, filter, 0));
}

void conv_winograd(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const Arrangement plan = arrange(ctx, x, filter, beta);
    const size_t needed = workspace_of(plan);
    if (needed > ctx->workspace_bytes) {
        context_fail(ctx,
                     "conv2d: needs %zu bytes of workspace, the context has %zu: plan and reserve it",
                     needed, ctx->workspace_bytes);
        return;
    }
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
