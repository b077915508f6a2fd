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

void Chunk::need_cells() {
    if (writers != nullptr) return;
    const size_t units = (bytes + unit - 1) / unit;
    writers = map_cells(2 * units);
    readers = writers + units;
}

void Chunk::drop_cells() {
    if (writers != nullptr) munmap(writers, 2 * ((bytes + unit - 1) / unit) * 8);
    writers = readers = nullptr;
}

void Chunk::refine(size_t finer) {
    if (finer >= unit) return;
    if (writers == nullptr) {
        unit = finer;
        return;
    }
    const size_t old = (bytes + unit - 1) / unit, times = unit / finer,
                 units = (bytes + finer - 1) / finer;
    uint64_t *fine = map_cells(2 * units);
    for (size_t i = 0; i < units; ++i) {
        if (const uint64_t c = writers[i / times]) fine[i] = c;
        if (const uint64_t c = readers[i / times]) fine[units + i] = c;
    }
    munmap(writers, 2 * old * 8);
    unit = finer, writers = fine, readers = fine + units;
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
    for (size_t k = 0; k < count_; ++k) chunks_[k].drop_cells();
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
