// Cosine attention without storing scores: a block takes a tile of an image's queries for one head and
// runs over tiles of keys and values, which it normalizes as it brings them into shared memory.
#include <limits.h>
#include <math.h>

#include "device/checks.cuh"
#include "device/pack.cuh"
#include "device/reduce.cuh"

// A warp multiplies ROWS queries at a time by a row of COLUMNS, each lane LANE_COLUMNS of them; a warp
// of one lane takes as many as fill vector registers.
constexpr int ROWS = 8, LANE_COLUMNS = WARP == 1 ? 32 : 2, COLUMNS = WARP * LANE_COLUMNS;
constexpr int KEYS = COLUMNS;                                       // of a tile
constexpr int KEY_PITCH = KEYS + (WARP > 1);                        // odd, for different banks
constexpr int MOST_QUERIES = WARP == 1 ? 256 : BLOCK_WARPS * ROWS;  // of a tile
constexpr int STEP = PACK<float>;

struct Attention {
    int tokens, heads, d;
    int depth;    // d rounded up to STEP
    int columns;  // d rounded up to COLUMNS
    int queries;  // of a tile
    int tiles;    // of queries
    Split split;  // of the tiles of all heads and images
};

// What a block keeps in shared memory.
struct Shared {
    float *queries;  // [queries][depth]
    float *keys;     // [depth][KEY_PITCH]
    float *values;   // [KEYS][columns]
    float *sums;     // [queries][columns]: of weights times values
    float *weights;  // [BLOCK_WARPS][ROWS][KEYS]: exp(score - shift)
    float *totals;   // [queries]: of weights
};

// Floats up to the end of each part.
__host__ __device__ inline size_t lay_out(const Attention &a, float *memory, Shared *shared) {
    size_t used = 0;
    const auto take = [&](size_t count) {
        float *part = memory + used;
        used += (count + 3) / 4 * 4;
        return part;
    };
    shared->queries = take((size_t)a.queries * a.depth);
    shared->keys = take((size_t)a.depth * KEY_PITCH);
    shared->values = take((size_t)KEYS * a.columns);
    shared->sums = take((size_t)a.queries * a.columns);
    shared->weights = take((size_t)BLOCK_WARPS * ROWS * KEYS);
    shared->totals = take(a.queries);
    return used;
}

// One token's q, k or v, normalized to RMS `scale` (Karras et al. 2024, Eq. 46), and zeros from d to
// `padded`.  from = NULL, beyond the last token, gives only zeros.  By one warp.
template <typename T>
__device__ inline void load_token(const T *from, int d, int padded, float scale, float *to,
                                  int stride) {
    const int count = from != NULL ? d : 0;
    float squares = 0;
    for (int c = lane_index(); c < count; c += WARP) squares += to_float(from[c]) * to_float(from[c]);
    scale /= 1e-4f + sqrtf(warp_sum(squares) / d);
    for (int c = lane_index(); c < count; c += WARP) to[c * stride] = to_float(from[c]) * scale;
    for (int c = count + lane_index(); c < padded; c += WARP) to[c * stride] = 0;
}

struct Tile {
    float at[ROWS][LANE_COLUMNS];  // column j is number lane + j WARP
};

// tile += a b, with a [ROWS][depth] and b [depth][COLUMNS].  By one warp.
__device__ inline void multiply_add(const float *a, int a_pitch, const float *b, int b_pitch, int depth,
                                    Tile &tile) {
    for (int k = 0; k < depth; k += STEP) {
        Floats<STEP> factors[ROWS];
#pragma unroll
        for (int i = 0; i < ROWS; ++i) factors[i] = load<STEP>(a + i * a_pitch + k);
        unrolled<STEP>([&](int step) {
            const float *row = b + (k + step) * b_pitch + lane_index();
            VECTOR_LOOP
            for (int j = 0; j < LANE_COLUMNS; ++j) {
#pragma unroll
                for (int i = 0; i < ROWS; ++i) tile.at[i][j] += factors[i].at[step] * row[j * WARP];
            }
        });
    }
}

// Adds the keys [first, first + KEYS) to the sums of a group of ROWS queries.  By one warp.
__device__ inline void attend(const Attention &a, const Shared &shared, int group, int first) {
    const float shift = sqrtf((float)a.d);
    float *weights = shared.weights + warp_index() * ROWS * KEYS;
    Tile scores = {};
    multiply_add(shared.queries + group * ROWS * a.depth, a.depth, shared.keys, KEY_PITCH, a.depth,
                 scores);
    for (int i = 0; i < ROWS; ++i) {
        float total = 0;
        for (int j = 0; j < LANE_COLUMNS; ++j) {
            const int key = lane_index() + j * WARP;
            const float weight = first + key < a.tokens ? __expf(scores.at[i][j] - shift) : 0.0f;
            weights[i * KEYS + key] = weight;
            total += weight;
        }
        total = warp_sum(total);
        if (lane_index() == 0) shared.totals[group * ROWS + i] += total;
    }
    __syncwarp();
    for (int c = 0; c < a.columns; c += COLUMNS) {
        float *sums = shared.sums + group * ROWS * a.columns + c + lane_index();
        Tile tile;
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < LANE_COLUMNS; ++j) tile.at[i][j] = sums[i * a.columns + j * WARP];
        multiply_add(weights, KEYS, shared.values + c, a.columns, KEYS, tile);
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < LANE_COLUMNS; ++j) sums[i * a.columns + j * WARP] = tile.at[i][j];
    }
    __syncwarp();
}

template <typename T>
__global__ void attention_kernel(Attention a, const T *qkv, T *out) {
    SHARED_DYNAMIC(float, memory);
    Shared shared;
    lay_out(a, memory, &shared);
    const int channels = a.heads * a.d, groups = a.queries / ROWS;
    const Range share = block_range(a.split);
    for (int item = share.begin; item < share.end; ++item) {
        const int tile = item % a.tiles, head = item / a.tiles % a.heads;
        const long long image = item / a.tiles / a.heads, token = image * a.tokens;
        const T *q = qkv + token * 3 * channels + head * a.d;
        const int start = tile * a.queries, count = min(a.queries, a.tokens - start);

        for (int group = warp_index(); group < groups; group += BLOCK_WARPS)
            for (int i = group * ROWS; i < (group + 1) * ROWS; ++i) {
                const T *from = i < count ? q + (long long)(start + i) * 3 * channels : NULL;
                load_token(from, a.d, a.depth, rsqrtf((float)a.d), shared.queries + i * a.depth, 1);
                for (int c = lane_index(); c < a.columns; c += WARP) shared.sums[i * a.columns + c] = 0;
                if (lane_index() == 0) shared.totals[i] = 0;
            }

        for (int first = 0; first < a.tokens; first += KEYS) {
            __syncthreads();  // the keys before these are used up
            for (int key = warp_index(); key < KEYS; key += BLOCK_WARPS) {
                const T *from =
                    first + key < a.tokens ? q + (long long)(first + key) * 3 * channels : NULL;
                load_token(from != NULL ? from + channels : NULL, a.d, a.depth, 1, shared.keys + key,
                           KEY_PITCH);
                load_token(from != NULL ? from + 2 * channels : NULL, a.d, a.columns, 1,
                           shared.values + key * a.columns, 1);
            }
            __syncthreads();
            for (int group = warp_index(); group * ROWS < count; group += BLOCK_WARPS)
                attend(a, shared, group, first);
        }

        for (int group = warp_index(); group < groups; group += BLOCK_WARPS)
            for (int i = group * ROWS; i < min((group + 1) * ROWS, count); ++i) {
                const float scale = 1 / shared.totals[i];
                T *to = out + (token + start + i) * channels + head * a.d;
                for (int c = lane_index(); c < a.d; c += WARP)
                    to[c] = from_float<T>(shared.sums[i * a.columns + c] * scale);
            }
        __syncwarp();  // every lane has read the totals that lane 0 clears for the next tile
    }
}

static int round_up(int value, int unit) { return (value + unit - 1) / unit * unit; }

static size_t shared_bytes_of(const Attention &a) {
    Shared parts;
    return lay_out(a, NULL, &parts) * sizeof(float);
}

// A tile has as many queries as fit into shared memory beside the keys and values.
static Attention attention_of(const Context *ctx, Tensor out, int heads) {
    Attention a = {};
    a.tokens = out.h * out.w;
    a.heads = heads;
    a.d = out.c / heads;
    a.depth = round_up(a.d, STEP);
    a.columns = round_up(a.d, COLUMNS);
    a.queries = round_up(a.tokens < MOST_QUERIES ? a.tokens : MOST_QUERIES, ROWS);
    while (a.queries > ROWS && shared_bytes_of(a) > ctx->shared_bytes) a.queries -= ROWS;
    a.tiles = (a.tokens + a.queries - 1) / a.queries;
    return a;
}

void attention(Context *ctx, Tensor qkv, int heads, Tensor out) {
    if (!check_tensor(ctx, "attention", "out", out) ||
        !check_shape(ctx, "attention", "qkv", qkv, out.dtype, out.n, out.h, out.w, 3 * out.c))
        return;
    if (heads < 1 || out.c % heads != 0) {
        context_fail(ctx, "attention: %d channels do not divide into %d heads", out.c, heads);
        return;
    }
    Attention a = attention_of(ctx, out, heads);
    const size_t shared_bytes = shared_bytes_of(a);
    if (shared_bytes > ctx->shared_bytes) {
        context_fail(ctx,
                     "attention: heads of %d channels need %zu bytes of shared memory, a block of "
                     "device %d has %zu: expected narrower heads",
                     a.d, shared_bytes, ctx->device, ctx->shared_bytes);
        return;
    }
    const long long items = (long long)out.n * heads * a.tiles;
    if (items > INT_MAX) {
        context_fail(ctx, "attention: %lld tiles of %d queries, expected at most 2^31 - 1", items,
                     a.queries);
        return;
    }
    if (ctx->planning) context_plan_add(ctx, 2LL * out.n * out.c * a.tokens * a.tokens, 0);
    if (!context_runs(ctx) || out.n == 0) return;
    with_type(out.dtype, [&](auto zero) {
        using T = decltype(zero);
        if (!check_cuda(
                ctx,
                cudaFuncSetAttribute(attention_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     (int)shared_bytes),
                "attention: shared memory for a head"))
            return;
        const Grid grid = grid_for(ctx, attention_kernel<T>, items, 1, shared_bytes);
        a.split = grid.split;
        LAUNCH(attention_kernel<T>, grid.blocks, BLOCK, shared_bytes, ctx->stream, a,
               (const T *)qkv.data, (T *)out.data);
    });
    check_launch(ctx, "attention");
}
