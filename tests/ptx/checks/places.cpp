// Clocks of places in memory.  All that was ever published at a place in a launch stays there: a reader
// may be taken to know more than the value tells, never less.
#include "places.h"

#include <bit>
#include <unordered_map>

namespace {

constexpr int GRANULE = 4;  // bytes that share a clock
constexpr uint32_t EVERYBODY = ~0u;

// What was published at a place: by a block, for whatever scope; or by everybody, for the device.
struct Key {
    uint64_t granule;
    uint32_t block;  // or EVERYBODY
    bool operator==(const Key &) const = default;
};
struct Hash {
    size_t operator()(const Key &key) const { return key.granule ^ key.block * 0x9E3779B97F4A7C15ull; }
};
std::unordered_map<Key, Clock, Hash> places;

// Calls `what` with each granule that the lanes touch, once for lanes that share it and follow each
// other.
template <class F>
void each_granule(const unsigned char *const at[32], uint32_t lanes, int bytes, F what) {
    uint64_t last = 0;
    for (; lanes != 0; lanes &= lanes - 1) {
        const uint64_t begin = (uint64_t)at[std::countr_zero(lanes)];
        for (uint64_t g = begin / GRANULE; g <= (begin + bytes - 1) / GRANULE; ++g)
            if (g != last) what(last = g);
    }
}

// A read of the block's scope finds what others published, too, but only a fence of the device, which
// may follow, makes use of it.
void read_place(WarpClock &clock, const Clock &place, bool own, Order order, Scope scope) {
    if (acquires(order) && (own || scope == Scope::device))
        clock.acquire(place);
    else
        clock.observe(place, own ? Scope::block : Scope::device);
}

}  // namespace

void places_read(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                 Order order, Scope scope) {
    if (places.empty()) return;
    each_granule(at, lanes, bytes, [&](uint64_t g) {
        for (const uint32_t block : {clock.block, EVERYBODY})
            if (const auto place = places.find({g, block}); place != places.end())
                read_place(clock, place->second, block == clock.block, order, scope);
    });
}

void places_write(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                  Order order, Scope scope) {
    if (!releases(order) && clock.fenced.empty()) return;
    Clock own, everybody;  // what the write publishes
    if (releases(order)) {
        clock.release(own);
        if (scope == Scope::device) everybody = own;
    } else {
        clock.publish(own, Scope::block);
        if (scope == Scope::device) clock.publish(everybody, Scope::device);
    }
    each_granule(at, lanes, bytes, [&](uint64_t g) {
        places[{g, clock.block}].join(own);
        if (!everybody.empty()) places[{g, EVERYBODY}].join(everybody);
    });
}

void places_clear() { places.clear(); }
