/* Random numbers as torch.Generator(device="cuda").manual_seed(seed) draws them, for host (C11) and
 * device.  The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011): the key is the seed, the counter is (draw, 0, subsequence), one draw for each tensor
 * drawn. Element i of a tensor is the first number of subsequence i.  That is PyTorch's order on every
 * GPU for tensors of at most 40,960 elements; beyond that its order depends on the GPU, and this is the
 * order of those with a multiprocessor for every 2,048 elements (an A100: 221,184).
 *
 * The words, and what is drawn as an integer, are PyTorch's bit for bit; normals are up to rounding.
 * cuRAND's transform on a GPU (_curand_box_muller) fuses its multiply-adds and takes the fast sine,
 * __sincosf; here each step is rounded and the sine is sinf, so that kairos' own targets stay closer to
 * one another.
 *
 * Seeds are taken mod 2^32 here, as NVlabs' samplers do before they seed. */
#ifndef KAIROS_PHILOX_H
#define KAIROS_PHILOX_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
#include <cuda_runtime.h>
#define PHILOX_FUNCTION __device__ static inline
#define PHILOX_PRODUCT(x, y) __fmul_rn(x, y) /* rounded, never fused into a sum */
#else
#define PHILOX_FUNCTION static inline
#define PHILOX_PRODUCT(x, y) ((x) * (y)) /* compilers fuse nothing in ISO C mode (-std=c11) */
#endif

typedef struct {
    uint32_t word[4];
} PhiloxBlock;

PHILOX_FUNCTION PhiloxBlock philox_block(uint64_t key, uint32_t draw, uint64_t subsequence) {
    uint32_t c0 = draw, c1 = 0, c2 = (uint32_t)subsequence, c3 = (uint32_t)(subsequence >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    PhiloxBlock block = {{c0, c1, c2, c3}};
    return block;
}

/* The block that element number `element` of draw number `draw` is made from. */
PHILOX_FUNCTION PhiloxBlock random_block(uint64_t seed, int draw, uint64_t element) {
    return philox_block(seed & 0xFFFFFFFFu, (uint32_t)draw, element);
}

/* The uniform numbers of the Box-Muller transform: u in (0, 1] and an angle v in (0, 2 pi].  Both are
 * x * scale + scale / 2 with each step rounded to float32, so that every target of kairos gets the same
 * bits; a fused multiply-add, which cuRAND has on a GPU, changes 1 in 100 angles in the last bit.
 * (x * 2^-32 is exact, fused or not.) */
PHILOX_FUNCTION float box_muller_radius(uint32_t x) { return (float)x * 0x1p-32f + 0x1p-33f; }
PHILOX_FUNCTION float box_muller_angle(uint32_t y) {
    const float scale = (float)(6.283185307179586 * 0x1p-32);
    return PHILOX_PRODUCT((float)y, scale) + scale / 2;
}

/* Element number `element` of torch.randn, drawn as tensor number `draw` (0 = first): up to the
 * rounding of angle, logarithm and sine, in which targets may differ too. */
PHILOX_FUNCTION float random_normal(uint64_t seed, int draw, uint64_t element) {
    const PhiloxBlock block = random_block(seed, draw, element);
    return sqrtf(-2.0f * logf(box_muller_radius(block.word[0]))) *
           sinf(box_muller_angle(block.word[1]));
}

/* torch.randint(high, size=[1]), drawn as tensor number `draw`; 0 < high < 2^28. */
PHILOX_FUNCTION uint32_t random_below(uint64_t seed, uint32_t high, int draw) {
    return random_block(seed, draw, 0).word[0] % high;
}

#endif
