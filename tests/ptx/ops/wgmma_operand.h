// Matrices in shared memory that wgmma's descriptors describe.
#pragma once

#include "../machine/block.h"

// PTX ISA, "Matrix Descriptor Format".  Addresses are offsets in the block's window.
struct MatrixDescriptor {
    explicit MatrixDescriptor(uint64_t bits)
        : start((bits & 0x3fff) << 4),
          leading((bits >> 16 & 0x3fff) << 4),
          stride((bits >> 32 & 0x3fff) << 4),
          base(bits >> 49 & 7),
          swizzle(bits >> 62) {}
    uint32_t start, leading, stride, base, swizzle;  // swizzle: 0 none, 1: 128, 2: 64, 3: 32 bytes
};

// Rows (of A; of B columns) of `depth` elements along K.  Memory is read in chunks of 16 bytes: along
// K, or, where the matrix is transposed (MN-major), along the rows.
class SharedOperand {
public:
    SharedOperand(uint64_t descriptor, bool transposed, int element_bytes, int depth)
        : from_(descriptor), transposed_(transposed), bytes_(element_bytes), depth_(depth) {}

    // Calls visit(offset) for each chunk of rows [first, first + count), which are multiples of 8.
    template <class Visit>
    void each_chunk(int first, int count, Visit visit) const {
        const int chunk = 16 / bytes_;
        if (transposed_) {
            for (int c = first / chunk; c < (first + count) / chunk; ++c)
                for (int k = 0; k < depth_; ++k) visit(across(c, k));
        } else {
            for (int row = first; row < first + count; ++row)
                for (int c = 0; c < depth_ / chunk; ++c) visit(along(row, c));
        }
    }

    // Eight rows from `first` on, `depth` elements each, one after another; zeros where there is no
    // memory.
    void load(const Block &block, int first, unsigned char *to) const;

private:
    uint32_t along(int row, int chunk) const;  // K-major
    uint32_t across(int chunk, int k) const;   // MN-major
    uint32_t swizzled(uint32_t offset) const;

    MatrixDescriptor from_;
    bool transposed_;
    int bytes_, depth_;
};

// The 16 bytes at an offset of the window; nullptr: there are none.
const unsigned char *shared_chunk(const Block &block, uint32_t offset);
