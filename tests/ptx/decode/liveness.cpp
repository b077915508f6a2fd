// Live ranges by data flow over basic blocks.
#include "liveness.h"

#include <algorithm>
#include <cstdint>

namespace {

using Bits = std::vector<uint64_t>;

bool has(const Bits &bits, size_t i) { return bits[i / 64] >> (i % 64) & 1; }
void add(Bits &bits, size_t i) { bits[i / 64] |= 1ull << (i % 64); }

struct BasicBlock {
    int begin, end;
    std::vector<int> next;
    Bits used, killed,
        written;             // read before it is overwritten; surely overwritten; perhaps overwritten
    Bits live_in, live_out;  // somebody reads it later
    Bits defined_in, defined_out;  // somebody may have written it
};

struct Analysis {
    explicit Analysis(const Flow &flow);

    void find_blocks();
    void find_exposed();
    void summarise(BasicBlock &block);
    void propagate();
    void collect(const BasicBlock &block, std::vector<std::vector<Range>> &ranges);
    void find_undefined(const BasicBlock &block, std::vector<UndefinedRead> &found);

    const Flow &flow;
    std::vector<BasicBlock> blocks;
    std::vector<int> block_of;  // by step, of block begins
    std::vector<int> number;    // of registers that live across blocks; -1 for others
    std::vector<int> numbered;  // those registers
    struct Open {
        int end = -1;    // of the range that is open; -1: none
        int first = -1;  // the least step so far that accesses the register
    };
    std::vector<Open> open;  // of registers, while ranges of a block are collected
};

Analysis::Analysis(const Flow &flow) : flow(flow) {
    find_blocks();
    find_exposed();
    open.resize(flow.registers);
    for (BasicBlock &block : blocks) summarise(block);
    propagate();
}

void Analysis::find_blocks() {
    const int steps = (int)flow.steps.size();
    std::vector<bool> begins(steps + 1, false);
    begins[0] = true;
    for (int i = 0; i < steps; ++i)
        if (!flow.steps[i].falls_through) begins[i + 1] = true;
    for (const auto &[from, to] : flow.jumps) begins[from + 1] = begins[to] = true;
    block_of.assign(steps + 1, -1);
    for (int i = 0; i < steps; ++i) {
        if (begins[i]) blocks.push_back({i, i, {}, {}, {}, {}, {}, {}, {}, {}});
        block_of[i] = (int)blocks.size() - 1;
        blocks.back().end = i + 1;
    }
    for (size_t b = 0; b < blocks.size(); ++b)
        if (flow.steps[blocks[b].end - 1].falls_through && b + 1 < blocks.size())
            blocks[b].next.push_back((int)b + 1);
    for (const auto &[from, to] : flow.jumps)
        if (to < steps) blocks[block_of[from]].next.push_back(block_of[to]);
}

// Most registers live within one block only; the data flow is about the others.
void Analysis::find_exposed() {
    number.assign(flow.registers, -1);
    std::vector<int> killed_in(flow.registers, -1);
    for (int b = 0; b < (int)blocks.size(); ++b)
        for (int i = blocks[b].begin; i < blocks[b].end; ++i) {
            const Flow::Step &step = flow.steps[i];
            const Flow::Access *accesses = flow.accesses.data() + step.first;
            for (int a = 0; a < step.count; ++a)
                if (accesses[a].reads && killed_in[accesses[a].reg] != b &&
                    number[accesses[a].reg] < 0) {
                    number[accesses[a].reg] = (int)numbered.size();
                    numbered.push_back(accesses[a].reg);
                }
            for (int a = 0; a < step.count; ++a)
                if (accesses[a].writes && !step.conditional) killed_in[accesses[a].reg] = b;
        }
}

void Analysis::summarise(BasicBlock &block) {
    const Bits none((numbered.size() + 63) / 64, 0);
    block.used = block.killed = block.written = none;
    block.live_in = block.live_out = block.defined_in = block.defined_out = none;
    for (int i = block.begin; i < block.end; ++i) {
        const Flow::Step &step = flow.steps[i];
        const Flow::Access *accesses = flow.accesses.data() + step.first;
        for (int a = 0; a < step.count; ++a) {
            const int n = number[accesses[a].reg];
            if (n >= 0 && accesses[a].reads && !has(block.killed, n)) add(block.used, n);
        }
        for (int a = 0; a < step.count; ++a) {
            const int n = number[accesses[a].reg];
            if (n < 0 || !accesses[a].writes) continue;
            add(block.written, n);
            if (!step.conditional) add(block.killed, n);
        }
    }
    block.live_in = block.used;
    block.defined_out = block.written;
}

void Analysis::propagate() {
    const size_t words = (numbered.size() + 63) / 64;
    for (bool changed = true; changed;) {
        changed = false;
        for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
            for (const int next : block->next)
                for (size_t k = 0; k < words; ++k) block->live_out[k] |= blocks[next].live_in[k];
            for (size_t k = 0; k < words; ++k) {
                const uint64_t in = block->used[k] | (block->live_out[k] & ~block->killed[k]);
                changed |= in != block->live_in[k];
                block->live_in[k] = in;
            }
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (BasicBlock &block : blocks) {
            for (size_t k = 0; k < words; ++k)
                block.defined_out[k] = block.defined_in[k] | block.written[k];
            for (const int next : block.next)
                for (size_t k = 0; k < words; ++k) {
                    const uint64_t in = blocks[next].defined_in[k] | block.defined_out[k];
                    changed |= in != blocks[next].defined_in[k];
                    blocks[next].defined_in[k] = in;
                }
        }
    }
}

// Appends the ranges of one block, looked for from its end to its beginning.
void Analysis::collect(const BasicBlock &block, std::vector<std::vector<Range>> &ranges) {
    std::vector<int> touched;
    std::vector<std::pair<int, Range>> found;
    const auto touch = [&](int reg, int step) {
        if (open[reg].end < 0) {
            touched.push_back(reg);
            open[reg].end = step + 1;
        }
        open[reg].first = step;
    };
    for (size_t n = 0; n < numbered.size(); ++n)
        if (has(block.live_out, n) && (has(block.defined_in, n) || has(block.written, n))) {
            touched.push_back(numbered[n]);
            open[numbered[n]].end = block.end;
        }
    for (int i = block.end - 1; i >= block.begin; --i) {
        const Flow::Step &step = flow.steps[i];
        const Flow::Access *accesses = flow.accesses.data() + step.first;
        for (int a = 0; a < step.count; ++a) touch(accesses[a].reg, i);
        for (int a = 0; a < step.count; ++a) {
            const int reg = accesses[a].reg;
            bool ends = accesses[a].writes && !step.conditional;
            for (int other = 0; other < step.count; ++other)
                ends &= accesses[other].reg != reg || !accesses[other].reads;
            if (!ends || open[reg].end < 0) continue;
            found.push_back({reg, {i, open[reg].end}});
            open[reg] = {};
        }
    }
    for (const int reg : touched) {
        if (open[reg].end < 0) continue;
        const bool comes_in =
            number[reg] >= 0 && has(block.live_in, number[reg]) && has(block.defined_in, number[reg]);
        const int begin = comes_in ? block.begin : open[reg].first;
        if (begin >= 0) found.push_back({reg, {begin, open[reg].end}});
        open[reg] = {};
    }
    std::sort(found.begin(), found.end(),
              [](const auto &a, const auto &b) { return a.second.begin < b.second.begin; });
    for (const auto &[reg, range] : found) {
        std::vector<Range> &list = ranges[reg];
        if (!list.empty() && list.back().end == range.begin)
            list.back().end = range.end;
        else
            list.push_back(range);
    }
}

void Analysis::find_undefined(const BasicBlock &block, std::vector<UndefinedRead> &found) {
    Bits defined = block.defined_in;
    for (int i = block.begin; i < block.end; ++i) {
        const Flow::Step &step = flow.steps[i];
        const Flow::Access *accesses = flow.accesses.data() + step.first;
        for (int a = 0; a < step.count; ++a) {
            const int n = number[accesses[a].reg];
            if (n >= 0 && accesses[a].reads && !has(defined, n)) found.push_back({i, accesses[a].reg});
        }
        for (int a = 0; a < step.count; ++a)
            if (accesses[a].writes && number[accesses[a].reg] >= 0)
                add(defined, number[accesses[a].reg]);
    }
}

}  // namespace

std::vector<std::vector<Range>> live_ranges(const Flow &flow) {
    std::vector<std::vector<Range>> ranges(flow.registers);
    if (flow.steps.empty()) return ranges;
    Analysis analysis(flow);
    for (const BasicBlock &block : analysis.blocks) analysis.collect(block, ranges);
    return ranges;
}

std::vector<UndefinedRead> undefined_reads(const Flow &flow) {
    std::vector<UndefinedRead> found;
    if (flow.steps.empty()) return found;
    Analysis analysis(flow);
    for (const BasicBlock &block : analysis.blocks) analysis.find_undefined(block, found);
    return found;
}
