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

// ---- where the tiles are --------------------------------------------------------------------------

struct Tiles {
    int h, w;            // of an image, in pixels
    int down, across;    // tiles of an image
    long long count;     // of the group
    long long distance;  // elements from one of the 36 matrices [count][channels] to the next
};

struct Corner {
    long long image;
    int y, x;  // of the tile's first pixel
};

__device__ inline Corner corner_of(Tiles tiles, long long tile) {
    const long long line = tile / tiles.across;
    return {line / tiles.down, (int)(line % tiles.down) * TILE, (int)(tile % tiles.across) * TILE};
}

// ---- x to V[36][tiles][channels] ------------------------------------------------------------------

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

__global__ void winograd_input_kernel(const float *x, Tiles tiles, int channels, float *v) {
    const Range share = block_range(tiles.count);
    for (long long tile = share.begin + warp_index(); tile < share.end; tile += BLOCK_WARPS) {
        const Corner corner = corner_of(tiles, tile);
        const float *image = x + corner.image * tiles.h * tiles.w * channels;
        const Taps down = taps_of(corner.y, tiles.h, tiles.w * channels);
        const Taps across = taps_of(corner.x, tiles.w, channels);
        const long long distance = tiles.distance;
        float *to = v + tile * channels;
        VECTOR_LOOP
        for (int c = lane_index(); c < channels; c += WARP) {
            const float *at = image + c;
            const Patch r0 = transform_row(at + down.offset[0], across, down.mask[0]);
            const Patch r1 = transform_row(at + down.offset[1], across, down.mask[1]);
            const Patch r2 = transform_row(at + down.offset[2], across, down.mask[2]);
            const Patch r3 = transform_row(at + down.offset[3], across, down.mask[3]);
            const Patch r4 = transform_row(at + down.offset[4], across, down.mask[4]);
            const Patch r5 = transform_row(at + down.offset[5], across, down.mask[5]);
            float *p = to + c;
            write_column(p, distance, transform_input(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
            write_column(p += distance, distance, transform_input(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
            write_column(p += distance, distance, transform_input(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
            write_column(p += distance, distance, transform_input(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d));
            write_column(p += distance, distance, transform_input(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e));
            write_column(p += distance, distance, transform_input(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f));
        }
    }
}

// ---- M[36][tiles][channels] to y ------------------------------------------------------------------

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
__device__ inline void write_tile(const float *m, long long distance, int channels, int rows,
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
__global__ void winograd_output_kernel(const float *m, Tiles tiles, int channels, float beta,
                                       float *y) {
    const Range share = block_range(tiles.count);
    const int stride = tiles.w * channels;
    for (long long tile = share.begin + warp_index(); tile < share.end; tile += BLOCK_WARPS) {
        const Corner corner = corner_of(tiles, tile);
        const int rows = tiles.h - corner.y, columns = tiles.w - corner.x;
        const float *from = m + tile * channels;
        float *to = y + ((corner.image * tiles.h + corner.y) * tiles.w + corner.x) * channels;
        if (rows >= TILE && columns >= TILE)
            write_tile<true, ADD>(from, tiles.distance, channels, TILE, TILE, beta, to, stride);
        else
            write_tile<false, ADD>(from, tiles.distance, channels, rows, columns, beta, to, stride);
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
                transformed[((size_t)i * cin + c) * cout + o] =
                    (float)(row[0] * point[0] + row[1] * point[1] + row[2] * point[2]);
            }
        }
    }
}

// Images are worked on in groups whose transforms stay in the cache.
constexpr size_t GROUP_BYTES = 6 << 20;

// The distance between the 36 matrices: not a multiple of 4 KB, or else the 36 values of a tile and
// channel would all fall into the same set of the first-level cache.
static long long distance_of(long long elements) { return (elements + 1023) / 1024 * 1024 + 80; }

static Tiles tiles_of(Tensor x, int images) {
    const int down = (x.h + TILE - 1) / TILE, across = (x.w + TILE - 1) / TILE;
    return {x.h, x.w, down, across, (long long)images * down * across, 0};
}

static size_t transforms_bytes(Tensor x, const Filter *filter, int images) {
    const long long count = tiles_of(x, images).count;
    return WINOGRAD_PRODUCTS * sizeof(float) *
           (distance_of(count * filter->cin) + distance_of(count * filter->cout));
}

static int images_of_group(Tensor x, const Filter *filter) {
    int images = 1;
    while (images < x.n && transforms_bytes(x, filter, images + 1) <= GROUP_BYTES) ++images;
    return images;
}

size_t conv_winograd_workspace(Tensor x, const Filter *filter) {
    return transforms_bytes(x, filter, images_of_group(x, filter));
}

static void convolve_group(Context *ctx, const float *x, Tiles tiles, const Filter *filter, float beta,
                           float *y) {
    const int cin = filter->cin, cout = filter->cout,
              blocks = blocks_for(ctx, tiles.count, BLOCK_WARPS);
    Tiles x_tiles = tiles, y_tiles = tiles;
    x_tiles.distance = distance_of(tiles.count * cin);
    y_tiles.distance = distance_of(tiles.count * cout);
    float *v = (float *)ctx->workspace, *m = v + WINOGRAD_PRODUCTS * x_tiles.distance;
    const float one = 1, zero = 0;
    LAUNCH(winograd_input_kernel, blocks, BLOCK, 0, ctx->stream, x, x_tiles, cin, v);
    check_launch(ctx, "winograd_input");
    check_cublas(ctx,
                 cublasSgemmStridedBatched(ctx->cublas, CUBLAS_OP_N, CUBLAS_OP_N, cout,
                                           (int)tiles.count, cin, &one, (const float *)filter->weights,
                                           cout, (long long)cin * cout, v, cin, x_tiles.distance, &zero,
                                           m, cout, y_tiles.distance, WINOGRAD_PRODUCTS),
                 "cublasSgemmStridedBatched");
    if (beta == 0)
        LAUNCH((winograd_output_kernel<false>), blocks, BLOCK, 0, ctx->stream, m, y_tiles, cout, beta,
               y);
    else
        LAUNCH((winograd_output_kernel<true>), blocks, BLOCK, 0, ctx->stream, m, y_tiles, cout, beta,
               y);
    check_launch(ctx, "winograd_output");
}

void conv_winograd(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const int most = images_of_group(x, filter);
    const long long pixels = (long long)x.h * x.w;
    for (int first = 0; first < x.n; first += most) {
        const int images = most < x.n - first ? most : x.n - first;
        convolve_group(ctx, (const float *)x.data + first * pixels * filter->cin, tiles_of(x, images),
                       filter, beta, (float *)y.data + first * pixels * filter->cout);
    }
}
