// Where the elements of a matrix lie that a descriptor of wgmma describes (PTX ISA, "Canonical
// Layouts").
#include "wgmma_operand.h"

#include <cstring>

namespace {

// Chunks in a row of the pattern that a swizzle mode repeats.
uint32_t pattern_width(uint32_t swizzle) { return swizzle == 0 ? 1 : 16 >> swizzle; }

}  // namespace

// The number of a chunk within its pattern row is combined with the number of the row (Swizzle<n, 4,
// 3>).
uint32_t SharedOperand::swizzled(uint32_t offset) const {
    const uint32_t row = (offset >> 7) - from_.base;
    return offset ^ (row & (pattern_width(from_.swizzle) - 1)) << 4;
}

// ((8, m), (T, 2k)) : ((w T, SBO), (1, T)); without swizzling, the last stride is LBO.
uint32_t SharedOperand::along(int row, int chunk) const {
    const uint32_t step = from_.swizzle == 0 ? from_.leading : 16;
    return swizzled(from_.start + row % 8 * 16 * pattern_width(from_.swizzle) + row / 8 * from_.stride +
                    chunk * step);
}

// ((T, w, m), (8, k)) : ((1, T, LBO), (w T, SBO)); without swizzling, LBO and SBO are exchanged.
uint32_t SharedOperand::across(int chunk, int k) const {
    const uint32_t width = pattern_width(from_.swizzle);
    const bool plain = from_.swizzle == 0;
    const uint32_t chunks = plain ? from_.stride : from_.leading,
                   rows = plain ? from_.leading : from_.stride;
    return swizzled(from_.start + chunk % width * 16 + chunk / width * chunks + k % 8 * 16 * width +
                    k / 8 * rows);
}

void SharedOperand::load(const Block &block, int first, unsigned char *to) const {
    static const unsigned char nothing[16] = {};
    const auto chunk_at = [&](uint32_t offset) {
        const unsigned char *at = shared_chunk(block, offset);
        return at != nullptr ? at : nothing;
    };
    const int row_bytes = depth_ * bytes_;
    if (transposed_) {
        // Elements have 16 bits here: a chunk has one element of each of the eight rows.
        for (int k = 0; k < depth_; ++k) {
            const unsigned char *from = chunk_at(across(first / 8, k));
            for (int row = 0; row < 8; ++row)
                std::memcpy(to + row * row_bytes + k * 2, from + row * 2, 2);
        }
    } else {
        for (int row = 0; row < 8; ++row)
            for (int c = 0; c < row_bytes / 16; ++c)
                std::memcpy(to + row * row_bytes + c * 16, chunk_at(along(first + row, c)), 16);
    }
}

const unsigned char *shared_chunk(const Block &block, uint32_t offset) {
    if (offset < SHARED_BEGIN || (size_t)offset - SHARED_BEGIN + 16 > block.shared.size())
        return nullptr;
    return block.shared.data() + (offset - SHARED_BEGIN);
}
