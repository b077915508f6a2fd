// Chunks of shadow memory, made when they are first needed.
#include "shadow.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace {

// Zeros that take no memory until they are written.
uint64_t *map_cells(size_t count) {
    void *cells = mmap(nullptr, count * 8, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cells == MAP_FAILED) throw std::bad_alloc();
    return (uint64_t *)cells;
}

// Are the `n` bits from `first` on all ones?
bool all_ones(const uint8_t *bits, size_t first, size_t n) {
    while (n > 0) {
        uint64_t word;
        std::memcpy(&word, bits + first / 8, 8);
        const size_t skip = first % 8, here = std::min<size_t>(n, 64 - skip);
        word = ~word >> skip;
        if (here < 64 && (word & ((1ull << here) - 1)) != 0) return false;
        if (here == 64 && word != 0) return false;
        first += here, n -= here;
    }
    return true;
}

void set_ones(uint8_t *bits, size_t first, size_t n) {
    while (n > 0 && first % 8 != 0) bits[first / 8] |= 1 << first % 8, ++first, --n;
    std::memset(bits + first / 8, 0xff, n / 8);
    first += n / 8 * 8;
    if (n % 8 != 0) bits[first / 8] |= (1 << n % 8) - 1;
}

}  // namespace

// The place for the cells of a chunk, writers and readers.
uint64_t *Shadow::cells_of(size_t number, size_t unit) {
    uint64_t *&room = unit == 4 ? coarse_ : fine_;
    const size_t each = 2 * CHUNK_BYTES / (unit == 4 ? 4 : 1);
    if (room == nullptr) room = map_cells(count_ * each);
    return room + number * each;
}

// Each smaller unit begins with what the larger one had.
void Shadow::make_cells(size_t number, size_t unit) {
    Chunk &chunk = chunks_[number];
    unit = std::min(unit, chunk.unit);
    const size_t times = chunk.unit / unit, units = (chunk.bytes + unit - 1) / unit;
    std::vector<uint64_t> writers, readers;
    if (chunk.writers != nullptr) {
        const size_t old = (chunk.bytes + chunk.unit - 1) / chunk.unit;
        writers.assign(chunk.writers, chunk.writers + old);
        readers.assign(chunk.readers, chunk.readers + old);
    }
    chunk.unit = unit;
    chunk.writers = cells_of(number, unit);
    chunk.readers = chunk.writers + units;
    for (size_t i = 0; i < units && !writers.empty(); ++i) {
        chunk.writers[i] = writers[i / times];
        chunk.readers[i] = readers[i / times];
    }
}

Shadow::Shadow(size_t bytes, bool all_valid)
    : bytes_(bytes),
      chunks_(new Chunk[(bytes + CHUNK_BYTES - 1) / CHUNK_BYTES]),
      count_((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES) {
    for (size_t k = 0; k < count_; ++k) {
        chunks_[k].bytes = std::min(CHUNK_BYTES, bytes - k * CHUNK_BYTES);
        chunks_[k].all_valid = all_valid;
    }
}

bool Shadow::valid(size_t offset, size_t n) const {
    while (n > 0) {
        const Chunk &c = chunks_[offset / CHUNK_BYTES];
        const size_t at = offset % CHUNK_BYTES, here = std::min(n, CHUNK_BYTES - at);
        if (!c.all_valid && (c.valid == nullptr || !all_ones(c.valid.get(), at, here))) return false;
        offset += here, n -= here;
    }
    return true;
}

void Shadow::mark_valid(size_t offset, size_t n) {
    while (n > 0) {
        Chunk &c = chunks_[offset / CHUNK_BYTES];
        const size_t at = offset % CHUNK_BYTES, here = std::min(n, CHUNK_BYTES - at);
        if (here == c.bytes) c.all_valid = true;
        if (!c.all_valid) {
            // Room for a read of 8 bytes from the last byte on.
            if (c.valid == nullptr) c.valid = std::make_unique<uint8_t[]>(c.bytes / 8 + 9);
            set_ones(c.valid.get(), at, here);
        }
        offset += here, n -= here;
    }
}

void Shadow::forget_valid() {
    for (size_t k = 0; k < count_; ++k) {
        chunks_[k].all_valid = false;
        if (chunks_[k].valid != nullptr)
            std::memset(chunks_[k].valid.get(), 0, chunks_[k].bytes / 8 + 9);
    }
}

void Shadow::forget_cells() {
    if (coarse_ != nullptr) munmap(coarse_, count_ * (2 * CHUNK_BYTES / 4) * 8);
    if (fine_ != nullptr) munmap(fine_, count_ * (2 * CHUNK_BYTES) * 8);
    coarse_ = fine_ = nullptr;
    for (size_t k = 0; k < count_; ++k) chunks_[k].writers = chunks_[k].readers = nullptr;
    floor = 0;
}

bool Shadow::held(size_t offset, size_t n, bool as_target) const {
    for (size_t i = offset / 4; i <= (offset + n - 1) / 4; ++i) {
        const Chunk &c = chunks_[i / (CHUNK_BYTES / 4)];
        const uint16_t *marks = as_target ? c.targets.get() : c.sources.get();
        if (marks != nullptr && marks[i % (CHUNK_BYTES / 4)] != 0) return true;
    }
    return false;
}

void Shadow::hold(size_t offset, size_t n, bool as_target, int change) {
    (as_target ? targets : sources) += change;
    for (size_t i = offset / 4; i <= (offset + n - 1) / 4; ++i) {
        Chunk &c = chunks_[i / (CHUNK_BYTES / 4)];
        std::unique_ptr<uint16_t[]> &marks = as_target ? c.targets : c.sources;
        if (marks == nullptr) marks = std::make_unique<uint16_t[]>(c.bytes / 4 + 1);
        marks[i % (CHUNK_BYTES / 4)] += change;
    }
}
