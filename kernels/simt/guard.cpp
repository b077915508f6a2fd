// Memory of the device, and its guard zones.
#include "guard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sanitizer.h"

namespace simt {

#ifdef SIMT_FAITHFUL

static constexpr size_t GUARD = 256;  // bytes on each side; also the alignment

// A NaN of every floating type too, and unlike fill_undefined's.
static constexpr unsigned char pattern(ptrdiff_t offset) { return offset % 2 == 0 ? 0xf5 : 0xff; }

__attribute__((no_sanitize("address", "undefined"))) static bool check_zone(unsigned char *data,
                                                                            ptrdiff_t begin,
                                                                            ptrdiff_t *damaged) {
    bool intact = true;
    for (ptrdiff_t i = begin + static_cast<ptrdiff_t>(GUARD) - 1; i >= begin; --i) {
        if (data[i] == pattern(i)) continue;
        data[i] = pattern(i);
        *damaged = i;
        intact = false;
    }
    return intact;
}

bool guards_intact(void *data, size_t bytes, ptrdiff_t *offset) {
    unsigned char *begin = static_cast<unsigned char *>(data);
    const bool after = check_zone(begin, static_cast<ptrdiff_t>(bytes), offset);
    return check_zone(begin, -static_cast<ptrdiff_t>(GUARD), offset) && after;
}

void *guarded_allocate(size_t bytes) {
    void *memory = nullptr;
    if (bytes > SIZE_MAX - 2 * GUARD || posix_memalign(&memory, GUARD, GUARD + bytes + GUARD) != 0)
        return nullptr;
    unsigned char *data = static_cast<unsigned char *>(memory) + GUARD;
    for (size_t i = 0; i < GUARD; ++i) {
        const ptrdiff_t before = static_cast<ptrdiff_t>(i - GUARD),
                        after = static_cast<ptrdiff_t>(bytes + i);
        data[before] = pattern(before);
        data[after] = pattern(after);
    }
    ASAN_POISON_MEMORY_REGION(data - GUARD, GUARD);
    ASAN_POISON_MEMORY_REGION(data + bytes, GUARD);
    fill_undefined(data, bytes);
    return data;
}

void guarded_free(void *data, size_t bytes) {
    unsigned char *memory = static_cast<unsigned char *>(data) - GUARD;
    ASAN_UNPOISON_MEMORY_REGION(memory, GUARD + bytes + GUARD);
    free(memory);
}

void fill_undefined(void *data, size_t bytes) { memset(data, 0xff, bytes); }

#else

void *guarded_allocate(size_t bytes) {
    void *data = nullptr;
    return posix_memalign(&data, 256, bytes) == 0 ? data : nullptr;
}
void guarded_free(void *data, size_t) { free(data); }
bool guards_intact(void *, size_t, ptrdiff_t *) { return true; }
void fill_undefined(void *, size_t) {}

#endif

}  // namespace simt
