// Faithful mode: the threads of a block are fibers, which switch at everything that synchronizes.
#pragma once

#include <stdint.h>
#include <string.h>

extern __thread uint3 threadIdx;
extern __thread dim3 blockDim;
constexpr int warpSize = 32;

namespace simt {

// A place in the source; as a default argument, that of the call.
struct Site {
    const char *file;
    int line;
};
inline constexpr Site here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
}

enum class Barrier { PLAIN, OR, AND, COUNT };
int block_barrier(Barrier barrier, int predicate, Site site);

enum class WarpOp { SYNC, SHUFFLE, BALLOT, ANY, ALL };
// The lanes of `mask` meet.  SHUFFLE returns the value of lane `source`; BALLOT, ANY and ALL their
// result on each lane's value != 0.
uint64_t warp_meet(WarpOp op, unsigned int mask, uint64_t value, int source, Site site);

int lane();
// Where the lanes of a shuffle's segment lie.  Reports a width that is no power of two up to 32.
int segment_begin(int width, Site site);

template <typename T>
inline T shuffle(unsigned int mask, T value, int source, Site site) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = warp_meet(WarpOp::SHUFFLE, mask, bits, source, site);
    memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace simt

inline void __syncthreads(simt::Site site = simt::here()) {
    simt::block_barrier(simt::Barrier::PLAIN, 0, site);
}
inline int __syncthreads_or(int predicate, simt::Site site = simt::here()) {
    return simt::block_barrier(simt::Barrier::OR, predicate, site);
}
inline int __syncthreads_and(int predicate, simt::Site site = simt::here()) {
    return simt::block_barrier(simt::Barrier::AND, predicate, site);
}
inline int __syncthreads_count(int predicate, simt::Site site = simt::here()) {
    return simt::block_barrier(simt::Barrier::COUNT, predicate, site);
}
inline void __syncwarp(unsigned int mask = 0xffffffffu, simt::Site site = simt::here()) {
    simt::warp_meet(simt::WarpOp::SYNC, mask, 0, 0, site);
}

// CUDA C++ Programming Guide, "Warp Shuffle Functions": a lane outside the segment gives the caller's
// own value, except that XOR may reach into earlier segments.
template <typename T>
inline T __shfl_sync(unsigned int mask, T value, int source, int width = 32,
                     simt::Site site = simt::here()) {
    return simt::shuffle(mask, value, simt::segment_begin(width, site) + (source & (width - 1)), site);
}
template <typename T>
inline T __shfl_xor_sync(unsigned int mask, T value, int lanes, int width = 32,
                         simt::Site site = simt::here()) {
    const int own = simt::lane(), source = own ^ lanes;
    const bool inside = source >= 0 && source < simt::segment_begin(width, site) + width;
    return simt::shuffle(mask, value, inside ? source : own, site);
}
template <typename T>
inline T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32,
                        simt::Site site = simt::here()) {
    const int own = simt::lane(), place = own - simt::segment_begin(width, site);
    return simt::shuffle(
        mask, value, delta <= static_cast<unsigned>(place) ? own - static_cast<int>(delta) : own, site);
}
template <typename T>
inline T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32,
                          simt::Site site = simt::here()) {
    const int own = simt::lane(), left = simt::segment_begin(width, site) + width - 1 - own;
    return simt::shuffle(
        mask, value, delta <= static_cast<unsigned>(left) ? own + static_cast<int>(delta) : own, site);
}
inline unsigned int __ballot_sync(unsigned int mask, int predicate, simt::Site site = simt::here()) {
    return static_cast<unsigned int>(
        simt::warp_meet(simt::WarpOp::BALLOT, mask, predicate != 0, 0, site));
}
inline int __any_sync(unsigned int mask, int predicate, simt::Site site = simt::here()) {
    return static_cast<int>(simt::warp_meet(simt::WarpOp::ANY, mask, predicate != 0, 0, site));
}
inline int __all_sync(unsigned int mask, int predicate, simt::Site site = simt::here()) {
    return static_cast<int>(simt::warp_meet(simt::WarpOp::ALL, mask, predicate != 0, 0, site));
}
// Lanes need not run together, so the least that CUDA promises: this one.
inline unsigned int __activemask() { return 1u << simt::lane(); }
