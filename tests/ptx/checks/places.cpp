// Clocks of places in memory.  All that was ever published at a place in a launch stays there: a reader
// may be taken to know more than the value tells, never less.
#include "places.h"

#include <bit>
#include <unordered_map>

namespace {

constexpr int GRANULE = 4;  // bytes that share a clock
std::unordered_map<uint64_t, Clock> places;

}  // namespace

void places_read(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                 Order order) {
    if (places.empty()) return;
    uint64_t last = 0;
    for (; lanes != 0; lanes &= lanes - 1) {
        const uint64_t begin = (uint64_t)at[std::countr_zero(lanes)];
        for (uint64_t g = begin / GRANULE; g <= (begin + bytes - 1) / GRANULE; ++g) {
            if (g == last) continue;
            last = g;
            const auto place = places.find(g);
            if (place == places.end()) continue;
            if (acquires(order))
                clock.acquire(place->second);
            else
                clock.observe(place->second);
        }
    }
}

void places_write(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                  Order order) {
    if (!releases(order) && clock.fenced.empty()) return;
    Clock published;
    if (releases(order)) clock.release(published);
    for (; lanes != 0; lanes &= lanes - 1) {
        const uint64_t begin = (uint64_t)at[std::countr_zero(lanes)];
        for (uint64_t g = begin / GRANULE; g <= (begin + bytes - 1) / GRANULE; ++g) {
            Clock &place = places[g];
            if (releases(order))
                place.join(published);
            else
                clock.publish(place, true);
        }
    }
}

void places_clear() { places.clear(); }
