// Where the registers of a function hold values that somebody still reads, and slots for them.
#pragma once

#include <utility>
#include <vector>

// The flow of values through a function, step by step.
struct Flow {
    struct Access {
        int reg;
        bool reads, writes;
    };
    struct Step {
        int first, count;    // in `accesses`
        bool conditional;    // lanes may be left out: what it writes may keep its old value
        bool falls_through;  // the next step may follow
    };
    int registers = 0;
    std::vector<Step> steps;
    std::vector<Access> accesses;
    std::vector<std::pair<int, int>> jumps;  // from, to; sorted
};

struct Range {
    int begin, end;  // steps, without the end
};

// For each register the steps during which its slot is taken, in order.  A register that a step reads
// is taken during that step, as is one that it writes: the two never share a slot.
std::vector<std::vector<Range>> live_ranges(const Flow &flow);

// A step that reads a register which no step can have written before.
struct UndefinedRead {
    int step, reg;
};
std::vector<UndefinedRead> undefined_reads(const Flow &flow);

// Gives registers of `sizes` slots each (1, 2, 4; aligned to their size) their first slot, so that
// registers whose ranges meet share none; -1 without ranges.  Returns how many slots there are.
int assign_slots(const std::vector<std::vector<Range>> &ranges, const std::vector<int> &sizes,
                 std::vector<int> &slots);
