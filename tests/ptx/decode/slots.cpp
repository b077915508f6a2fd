// Slots for registers: in the order in which they come to life, each gets the first place that is free
// as long as it lives.  A slot holds registers of 32 bits or halves of wider ones, never both: a lane's
// 64 bits lie where two other lanes have their 32, and lanes that went apart hold different registers
// at one time.
#include <algorithm>
#include <numeric>

#include "liveness.h"

namespace {

// The ranges for which a slot is taken, sorted.
struct Taken : std::vector<Range> {
    bool wide = false;
};

bool is_free(const Taken &taken, const std::vector<Range> &ranges, bool wide) {
    if (!taken.empty() && taken.wide != wide) return false;
    if (taken.empty() || taken.back().end <= ranges.front().begin) return true;
    for (const Range &range : ranges) {
        const auto after = std::lower_bound(taken.begin(), taken.end(), range.end,
                                            [](const Range &t, int end) { return t.begin < end; });
        if (after != taken.begin() && std::prev(after)->end > range.begin) return false;
    }
    return true;
}

void take(Taken &taken, const std::vector<Range> &ranges, bool wide) {
    taken.wide = wide;
    for (const Range &range : ranges)
        taken.insert(std::lower_bound(taken.begin(), taken.end(), range.begin,
                                      [](const Range &t, int begin) { return t.begin < begin; }),
                     range);
}

}  // namespace

int assign_slots(const std::vector<std::vector<Range>> &ranges, const std::vector<int> &sizes,
                 std::vector<int> &slots) {
    slots.assign(ranges.size(), -1);
    std::vector<int> order;
    for (size_t i = 0; i < ranges.size(); ++i)
        if (!ranges[i].empty() && sizes[i] > 0) order.push_back((int)i);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return ranges[a].front().begin < ranges[b].front().begin; });
    std::vector<Taken> taken;
    for (const int reg : order) {
        const int size = sizes[reg];
        for (int slot = 0; slots[reg] < 0; slot += size) {
            if (taken.size() < (size_t)slot + size) taken.resize(slot + size);
            bool fits = true;
            for (int k = 0; k < size && fits; ++k)
                fits = is_free(taken[slot + k], ranges[reg], size > 1);
            if (fits) slots[reg] = slot;
        }
        for (int k = 0; k < size; ++k) take(taken[slots[reg] + k], ranges[reg], size > 1);
    }
    return (int)taken.size();
}
