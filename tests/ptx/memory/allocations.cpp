// Allocations lie in one large reservation of address space.  What is released stays reserved for good,
// so that whoever uses it later is found out.
#include "allocations.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "../checks/findings.h"
#include "../device.h"
#include "memory.h"

namespace {

constexpr size_t PAGE = 4096;
constexpr size_t GUARD = 256;     // at least so many bytes lie between two allocations
constexpr size_t FILL = 1 << 20;  // so much of an allocation is filled with a pattern

constexpr size_t RECENT = 64;

struct Heap {
    std::recursive_mutex lock;
    std::map<uint64_t, std::unique_ptr<Allocation>> by_begin;
    Allocation *recent[RECENT] = {};  // found lately, by some bits of the address
    uint64_t next = 0, end = 0;       // the reservation
    size_t used = 0;
};

Heap &heap() {
    static Heap *h = new Heap;
    return *h;
}

void reserve(Heap &h) {
    for (size_t bytes = 1ull << 43; bytes >= 1ull << 34; bytes /= 2) {
        void *place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (place == MAP_FAILED) continue;
        h.next = (uint64_t)place + PAGE, h.end = (uint64_t)place + bytes;
        return;
    }
}

Allocation *holding(const void *data, size_t bytes) {
    const uint64_t begin = (uint64_t)data;
    Allocation *a = find_allocation(begin);
    return a != nullptr && a->live && bytes <= a->end - begin ? a : nullptr;
}

}  // namespace

Allocation *find_allocation(uint64_t address) {
    Heap &h = heap();
    Allocation *&recent = h.recent[address / PAGE % RECENT];
    if (recent != nullptr && address - recent->begin < recent->end - recent->begin) return recent;
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    auto at = h.by_begin.upper_bound(address);
    if (at == h.by_begin.begin()) return nullptr;
    Allocation *a = std::prev(at)->second.get();
    if (address >= a->end) return nullptr;
    return recent = a;
}

std::string describe_place(uint64_t address) {
    Heap &h = heap();
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    const auto above = h.by_begin.upper_bound(address);
    const Allocation *after = above != h.by_begin.end() ? above->second.get() : nullptr;
    const Allocation *before = above != h.by_begin.begin() ? std::prev(above)->second.get() : nullptr;
    const uint64_t behind = before != nullptr ? address - before->end : UINT64_MAX;
    const uint64_t ahead = after != nullptr ? after->begin - address : UINT64_MAX;
    const Allocation *near = behind <= ahead ? before : after;
    char text[256] = "no allocation is near";
    if (near != nullptr && std::min(behind, ahead) < 1ull << 32)
        std::snprintf(text, sizeof text, "%llu bytes %s %s of %llu bytes (%s)",
                      (unsigned long long)std::min(behind, ahead),
                      near == before ? "behind the end of" : "before",
                      near->live ? "an allocation" : "a released allocation",
                      (unsigned long long)(near->end - near->begin), near->what.c_str());
    return text;
}

void forget_all_cells() {
    for (auto &[begin, a] : heap().by_begin) a->shadow.forget_cells();
}

void *device_allocate(size_t bytes, const char *what) {
    Heap &h = heap();
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    if (h.next == 0) reserve(h);
    if (bytes > device().memory || h.used > device().memory - bytes) return nullptr;
    const size_t room = (std::max<size_t>(bytes, 1) + GUARD + PAGE - 1) / PAGE * PAGE;
    if (room > h.end - h.next) return nullptr;
    const uint64_t begin = h.next;
    h.next += room, h.used += bytes;
    std::memset((void *)begin, 0xA5, std::min(bytes, FILL));
    h.by_begin[begin] = std::make_unique<Allocation>(begin, bytes, what, false);
    return (void *)begin;
}

bool device_release(void *data) {
    Heap &h = heap();
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    const auto at = h.by_begin.find((uint64_t)data);
    if (at == h.by_begin.end() || !at->second->live || at->second->host) {
        host_finding(Check::wrong_use, "release of %p, which is %s", data,
                     at != h.by_begin.end() ? "released already" : "no allocation's begin");
        return false;
    }
    Allocation &a = *at->second;
    const size_t bytes = a.end - a.begin;
    a.live = false;
    a.shadow.forget_cells();
    h.used -= bytes;
    madvise(data, (bytes + PAGE - 1) / PAGE * PAGE, MADV_DONTNEED);
    return true;
}

bool device_holds(const void *data, size_t bytes) { return holding(data, bytes) != nullptr; }

void device_wrote(void *data, size_t bytes) {
    if (Allocation *a = holding(data, bytes)) a->shadow.mark_valid((uint64_t)data - a->base, bytes);
}

size_t device_memory_used() { return heap().used; }
size_t device_memory_total() { return device().memory; }

void host_register(void *data, size_t bytes, bool pinned) {
    Heap &h = heap();
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    const uint64_t begin = (uint64_t)data;
    h.by_begin[begin] = std::make_unique<Allocation>(
        begin, bytes, pinned ? "pinned memory of the host" : "memory of the host", true);
    std::fill(h.recent, h.recent + RECENT, nullptr);
}

void host_unregister(void *data) {
    Heap &h = heap();
    const std::lock_guard<std::recursive_mutex> guard(h.lock);
    h.by_begin.erase((uint64_t)data);
    std::fill(h.recent, h.recent + RECENT, nullptr);
}
