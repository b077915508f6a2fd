// Shadow memory: which bytes are written, cells of finer and finer units, marks of pending copies; and
// allocations.
#include "../memory/shadow.h"

#include "../memory/allocations.h"
#include "../memory/memory.h"
#include "check.h"

namespace {

void test_valid() {
    Shadow shadow(3 * CHUNK_BYTES + 100);
    expect_equal("nothing is written", shadow.valid(0, 1), false);
    for (size_t first : {size_t(0), size_t(3), size_t(61), CHUNK_BYTES - 5, 3 * CHUNK_BYTES})
        for (size_t n : {1, 7, 8, 64, 100}) {
            Shadow s(3 * CHUNK_BYTES + 100);
            s.mark_valid(first, n);
            const std::string what = std::to_string(first) + ", " + std::to_string(n) + " bytes";
            expect_equal("written: " + what, s.valid(first, n), true);
            if (first > 0) expect_equal("the byte before " + what, s.valid(first - 1, 2), false);
            if (first + n < s.bytes())
                expect_equal("the byte after " + what, s.valid(first, n + 1), false);
        }
    shadow.mark_valid(0, shadow.bytes());
    expect_equal("all is written", shadow.valid(0, shadow.bytes()), true);
    shadow.forget_valid();
    expect_equal("forgotten", shadow.valid(5, 1), false);
    expect_equal("memory of the host", Shadow(10, true).valid(0, 10), true);
}

void test_units() {
    Shadow shadow(CHUNK_BYTES + 1000);
    const size_t first = CHUNK_BYTES;
    Chunk &chunk = shadow.cells(first, 4);
    expect_equal("unit", chunk.unit, size_t(4));
    expect_equal("nobody", chunk.writers[3] | chunk.readers[249], uint64_t(0));
    chunk.writers[3] = 77, chunk.readers[249] = 88;
    shadow.cells(first + 8, 2);
    expect_equal("finer unit", chunk.unit, size_t(2));
    expect_equal("writer of bytes 12, 13", chunk.writers[6], uint64_t(77));
    expect_equal("writer of bytes 14, 15", chunk.writers[7], uint64_t(77));
    expect_equal("writer of bytes 16, 17", chunk.writers[8], uint64_t(0));
    shadow.cells(first, 1);
    expect_equal("writer of byte 15", chunk.writers[15], uint64_t(77));
    expect_equal("writer of byte 16", chunk.writers[16], uint64_t(0));
    expect_equal("reader of byte 999", chunk.readers[999], uint64_t(88));
    expect_equal("reader of byte 995", chunk.readers[995], uint64_t(0));
    expect_equal("never coarser", shadow.cells(first, 4).unit, size_t(1));
    expect_equal("the chunk before", shadow.cells(0, 4).unit, size_t(4));
    shadow.forget_cells();
    expect_equal("forgotten", shadow.cells(first, 4).writers[15], uint64_t(0));
}

void test_hold() {
    Shadow shadow(CHUNK_BYTES + 64);
    shadow.hold(CHUNK_BYTES - 8, 16, true, 1);
    shadow.hold(CHUNK_BYTES, 16, false, 1);
    shadow.hold(CHUNK_BYTES + 8, 16, false, 1);
    expect_equal("a target, across chunks", shadow.held(CHUNK_BYTES + 4, 4, true), true);
    expect_equal("behind it", shadow.held(CHUNK_BYTES + 8, 4, true), false);
    expect_equal("as a source", shadow.held(CHUNK_BYTES - 8, 8, false), false);
    shadow.hold(CHUNK_BYTES, 16, false, -1);
    expect_equal("released", shadow.held(CHUNK_BYTES, 8, false), false);
    expect_equal("held by another copy", shadow.held(CHUNK_BYTES + 8, 1, false), true);
    shadow.hold(CHUNK_BYTES - 8, 16, true, -1);
    expect_equal("targets", shadow.targets, 0);
    expect_equal("sources", shadow.sources, 1);
}

void test_allocations() {
    char *a = (char *)device_allocate(100, "first"), *b = (char *)device_allocate(1 << 20, "second");
    expect_equal("guard zones", b - (a + 100) >= 256, true);
    expect_equal("aligned", (uintptr_t)a % 256 + (uintptr_t)b % 256, uintptr_t(0));
    expect_equal("all of it", device_holds(a, 100), true);
    expect_equal("one byte more", device_holds(a, 101), false);
    expect_equal("a part", device_holds(b + 5, 1000), true);
    expect_equal("before it", device_holds(b - 1, 1), false);
    expect_equal("used", device_memory_used(), size_t(100 + (1 << 20)));
    expect_equal("released", device_release(a), true);
    expect_equal("no longer there", device_holds(a, 1), false);
    expect_equal("still known", find_allocation((uint64_t)a + 50) != nullptr, true);
    char *c = (char *)device_allocate(100, "third");
    expect_equal("its place is not used again", c == a, false);
    expect_equal("too much", device_allocate(device_memory_total(), "all") == nullptr, true);
    int host[4];
    host_register(host, sizeof host, true);
    expect_equal("memory of the host", device_holds(host + 1, 12), true);
    host_unregister(host);
    expect_equal("no more", device_holds(host, 1), false);
    expect_equal("cleared", device_release(b) && device_release(c), true);
    expect_equal("none in use", device_memory_used(), size_t(0));
}

}  // namespace

int main() {
    test_valid();
    test_units();
    test_hold();
    test_allocations();
    return report();
}
