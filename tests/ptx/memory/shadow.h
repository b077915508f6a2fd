// What the checks remember of a piece of memory: which bytes have been written, who last wrote and read
// them, and which of them asynchronous copies hold.  Nothing is stored for memory that nobody has
// touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

constexpr size_t CHUNK_BYTES = 1 << 16;

// Who touched some bytes last, in 64 bits; 0: nobody.
namespace cell {
constexpr int SEGMENT_SHIFT = 32, LANE_SHIFT = 26;
constexpr uint64_t SEVERAL = 1ull << 31;  // further lanes of the warp did so at the same time
constexpr uint64_t STRONG = 1ull << 25;   // by an atomic, or a volatile or relaxed access
constexpr uint64_t PROXY = 1ull << 24;    // by an asynchronous copy
constexpr uint64_t BLOCK = 1ull << 23;    // a strong access whose scope is its block
constexpr uint64_t INSN = (1ull << 23) - 1;
inline uint32_t segment(uint64_t c) { return c >> SEGMENT_SHIFT; }
inline int lane(uint64_t c) { return c >> LANE_SHIFT & 31; }
inline uint32_t insn(uint64_t c) { return c & INSN; }
}  // namespace cell

struct Chunk {
    size_t bytes = 0;
    size_t unit = 4;                   // bytes that share a cell: 4, 2 or 1
    uint64_t *writers = nullptr;       // a cell for each unit
    uint64_t *readers = nullptr;       // the same
    std::unique_ptr<uint8_t[]> valid;  // a bit for each byte: it has been written
    bool all_valid = false;
    // For each 4 bytes: how many pending copies write or read them.
    std::unique_ptr<uint16_t[]> targets, sources;
};

class Shadow {
public:
    explicit Shadow(size_t bytes, bool all_valid = false);
    ~Shadow() { forget_cells(); }
    Shadow(const Shadow &) = delete;
    size_t bytes() const { return bytes_; }
    const Chunk &chunk(size_t offset) const { return chunks_[offset / CHUNK_BYTES]; }
    // The chunk that `offset` lies in, with cells of at most `unit` bytes.
    Chunk &cells(size_t offset, size_t unit) {
        Chunk &chunk = chunks_[offset / CHUNK_BYTES];
        if (chunk.writers == nullptr || chunk.unit > unit) make_cells(offset / CHUNK_BYTES, unit);
        return chunk;
    }

    bool valid(size_t offset, size_t n) const;
    void mark_valid(size_t offset, size_t n);
    void forget_valid();  // of shared memory, when another block begins there
    void forget_cells();

    // Pending copies that touch it.
    int targets = 0, sources = 0;
    bool held(size_t offset, size_t n, bool as_target) const;
    void hold(size_t offset, size_t n, bool as_target, int change);  // change: 1 or -1

    uint32_t floor = 0;  // segments below it are of the past, and ordered

private:
    void make_cells(size_t number, size_t unit);
    uint64_t *cells_of(size_t number, size_t unit);

    size_t bytes_;
    std::unique_ptr<Chunk[]> chunks_;
    size_t count_;
    // Room for the cells of all chunks, which takes no memory until it is used: units of 4 bytes, and
    // smaller ones.
    uint64_t *coarse_ = nullptr, *fine_ = nullptr;
};
