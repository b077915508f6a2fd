// Finds races with the cells of shadow memory and the clocks of warps.
#include "race.h"

#include <algorithm>
#include <bit>
#include <string>

#include "../checks/findings.h"
#include "../machine/block.h"

namespace {

struct Moment {
    Agent agent;
    uint32_t time;
};

struct Segments {
    std::vector<Moment> moments;  // of this launch
    uint32_t first = 1;           // the number of moments[0]
    uint32_t next() const { return first + moments.size(); }
};
Segments segments;

// Segments that an agent is known to come after; that stays so.
constexpr size_t VERDICTS = 4096;
uint64_t verdicts[VERDICTS];

uint64_t random_bits() {  // which reader a cell keeps
    static uint64_t state = 0x9E3779B97F4A7C15ull;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

Moment moment_of(uint32_t segment) { return segments.moments[segment - segments.first]; }

bool after(const WarpClock &clock, uint32_t segment, bool proxy) {
    const uint64_t key = (uint64_t)clock.agent << 32 | segment;
    uint64_t &verdict = verdicts[(segment * 0x9E3779B1u ^ clock.agent) % VERDICTS];
    if (!proxy && verdict == key) return true;
    const Moment m = moment_of(segment);
    const bool is = (proxy ? clock.proxy : clock.seen).of(m.agent) >= m.time;
    if (is && !proxy) verdict = key;
    return is;
}

// Does what the cell says come before what `lane` does now?  An asynchronous copy sees what was written
// behind a proxy fence only; that it comes after what was read needs none.
bool ordered(const Visit &v, uint64_t c, int lane, bool wrote) {
    const uint32_t segment = cell::segment(c);
    if (segment < v.shadow.floor) return true;
    const WarpClock &clock = v.warp.clock;
    if (v.proxy && wrote && !(c & cell::PROXY)) return after(clock, segment, true);
    if (after(clock, segment, false)) return true;
    const Moment m = moment_of(segment);
    if (m.agent != clock.agent) return false;
    if (cell::lane(c) == lane && !(c & cell::SEVERAL)) return true;
    // Both lanes have been at a barrier of the warp since.  Of several lanes not all are known: they
    // count as if so.
    return clock.lane_time[lane] > m.time &&
           ((c & cell::SEVERAL) || clock.lane_time[cell::lane(c)] > m.time);
}

// The common case, without branches: each cell is of the past, or its lane's own of this segment.
bool all_clear(const uint64_t *cells, size_t n, uint64_t mine, int shift, uint32_t floor) {
    const uint64_t limit = (uint64_t)floor << cell::SEGMENT_SHIFT;
    uint64_t bad = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint64_t own = mine + ((uint64_t)(i >> shift) << cell::LANE_SHIFT);
        bad |= (uint64_t)(cells[i] >= limit) & (uint64_t)((cells[i] ^ own) >> cell::LANE_SHIFT != 0);
    }
    return bad == 0;
}

std::string describe_other(const Visit &v, uint64_t c, bool wrote) {
    const Block &block = *v.warp.block;
    const Moment m = moment_of(cell::segment(c));
    const size_t warps = block.warps.size();
    const uint64_t number = m.agent / warps;
    const Size3 grid = block.launch->grid;
    std::string text = "an asynchronous copy";
    if (number < grid.product()) {
        const Size3 id = {(unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
                          (unsigned)(number / grid.x / grid.y)};
        if (c & cell::PROXY)
            text += " of ";
        else
            text.clear();
        text += "thread " + text_of(block.thread_id(m.agent % warps * LANES + cell::lane(c)));
        if (number != block.number) text += " of block " + text_of(id);
    }
    text += wrote ? " wrote" : " read";
    const Program &program = *v.warp.program;
    if (cell::insn(c) < program.code.size()) {
        const Insn &other = program.code[cell::insn(c)];
        const std::string place = place_of(program, other);
        text += " at " + (place.empty() ? "" : place + ", ") + "PTX line " + std::to_string(other.line);
    }
    return text;
}

// Two lanes of one instruction write the same bytes; or somebody wrote before what is written now.
bool same_value(const Visit &v, uint64_t c, int lane, size_t offset) {
    if (v.request.same == nullptr) return false;
    const int other = cell::lane(c);
    if (((c ^ v.mine) >> cell::SEGMENT_SHIFT) == 0 && cell::insn(c) == cell::insn(v.mine) &&
        other < lane && (v.lanes >> other & 1) && offset - v.offsets[other] < (size_t)v.request.bytes)
        return v.offsets[other] == v.offsets[lane] &&
               v.request.same(v.warp, v.insn, lane, other, nullptr);
    return v.request.same(v.warp, v.insn, lane, -1, v.memory + v.offsets[lane]);
}

void report(const Visit &v, uint64_t c, int lane, size_t offset, bool wrote) {
    const bool reads = v.request.access == Access::load;
    if (!reads && wrote && same_value(v, c, lane, offset)) return;
    const char *what = reads                               ? "reads"
                       : v.request.access == Access::store ? "writes"
                                                           : "atomically changes";
    const bool strong = v.request.strong && (c & cell::STRONG);
    finding(v.warp, v.insn, lane, Check::race,
            "%s%s %s memory at 0x%llx which %s, with nothing that orders the two%s",
            v.proxy ? "an asynchronous copy " : "", what,
            v.space == Space::shared ? "shared" : "global", (unsigned long long)(v.base + offset),
            describe_other(v, c, wrote).c_str(),
            strong ? ": the scope of one of them is only its block" : "");
}

// Of two strong accesses: has each one's scope the other in it?
bool within_scopes(const Visit &v, uint64_t c) {
    if (v.request.scope == Scope::device && !(c & cell::BLOCK)) return true;
    const Agent agent = moment_of(cell::segment(c)).agent;
    return agent >= ASYNC_AGENTS || agent / v.warp.block->warps.size() == v.warp.block->number;
}

// The cells of `n` units from `offset` on, against the lanes that access them.  `last`: all lanes up to
// it access all of them; -1: each its own.
void scan(Visit &v, const uint64_t *cells, size_t n, int shift, int first, int last, size_t offset,
          bool wrote) {
    const size_t unit = v.shadow.cells(offset, 4).unit;
    uint32_t good = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint64_t c = cells[i];
        const uint32_t segment = cell::segment(c);
        if (segment < v.shadow.floor || segment == good) continue;
        int lane = first + (i >> shift);
        if (v.request.strong && (c & cell::STRONG) && within_scopes(v, c)) continue;
        const bool own = last >= 0 && moment_of(segment).agent == v.warp.clock.agent;
        if (own && lane == cell::lane(c)) lane = last;
        if (!ordered(v, c, lane, wrote))
            report(v, c, lane, offset + i * unit, wrote);
        else if (!v.proxy && after(v.warp.clock, segment, false))
            good = segment;
    }
}

void overwrite(uint64_t *cells, size_t n, uint64_t mine, int shift) {
    for (size_t i = 0; i < n; ++i) cells[i] = mine + ((uint64_t)(i >> shift) << cell::LANE_SHIFT);
}

// A cell has room for one reader.  Of two that nothing orders, chance decides who stays.
void remember_readers(const Visit &v, uint64_t *cells, size_t n, uint64_t mine, int shift) {
    if ((random_bits() & 3) != 0 && !v.request.strong) {
        for (size_t i = 0; i < n; ++i) {
            const uint64_t own = mine + ((uint64_t)(i >> shift) << cell::LANE_SHIFT);
            const bool beside = (cells[i] ^ own) >> cell::SEGMENT_SHIFT == 0 &&
                                (cells[i] ^ own) >> cell::LANE_SHIFT != 0;
            cells[i] = own | (beside ? cell::SEVERAL : 0);
        }
        return;
    }
    uint32_t good = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint64_t own = mine + ((uint64_t)(i >> shift) << cell::LANE_SHIFT), c = cells[i];
        const uint32_t segment = cell::segment(c);
        if (segment == cell::segment(own)) {
            cells[i] = own | ((c ^ own) >> cell::LANE_SHIFT != 0 ? cell::SEVERAL : 0);
        } else if (segment < v.shadow.floor || segment == good || after(v.warp.clock, segment, false)) {
            cells[i] = own;
            good = segment;
        }
    }
}

}  // namespace

Agent agent_of(uint32_t segment) { return moment_of(segment).agent; }

bool is_known(uint32_t segment, const Times &known) {
    const Moment m = moment_of(segment);
    return known.of(m.agent) >= m.time;
}

uint32_t next_segment() { return segments.next(); }

uint32_t segment_of(Agent agent, uint32_t time) {
    if (!segments.moments.empty() && segments.moments.back().agent == agent &&
        segments.moments.back().time == time)
        return segments.next() - 1;
    segments.moments.push_back({agent, time});
    return segments.next() - 1;
}

uint32_t segment_of(WarpClock &clock) {
    if (clock.segment == 0) clock.segment = segment_of(clock.agent, clock.now);
    return clock.segment;
}

uint64_t cell_of(Warp &warp, const Insn &insn, const Request &request, bool proxy) {
    const uint64_t index = std::min<uint64_t>(&insn - warp.program->code.data(), cell::INSN);
    return (uint64_t)segment_of(warp.clock) << cell::SEGMENT_SHIFT |
           (request.strong ? cell::STRONG : 0) |
           (request.strong && request.scope == Scope::block ? cell::BLOCK : 0) |
           (proxy ? cell::PROXY : 0) | index;
}

void check_races(Visit &v, size_t offset, size_t bytes, int first, int lanes, bool uniform) {
    const size_t at = offset % CHUNK_BYTES;
    Chunk &chunk = v.shadow.cells(offset, 1ull << std::countr_zero(at | bytes | 4));
    const size_t unit = chunk.unit, each = bytes / unit;
    const int shift = lanes == 1 || uniform ? 31 : std::countr_zero(each);
    const size_t n = lanes == 1 || uniform ? each : each * lanes, from = at / unit;
    uint64_t *writers = chunk.writers + from, *readers = chunk.readers + from;
    uint64_t mine = v.mine + ((uint64_t)first << cell::LANE_SHIFT);
    // Of a uniform access any lane may be the one that races.
    if (uniform && lanes > 1) mine |= cell::SEVERAL;
    const int last = uniform && lanes > 1 ? first + lanes - 1 : -1;
    if (!all_clear(writers, n, mine, shift, v.shadow.floor) || v.proxy)
        scan(v, writers, n, shift, first, last, offset, true);
    if (v.request.access == Access::load) {
        remember_readers(v, readers, n, mine, shift);
        return;
    }
    if (!all_clear(readers, n, mine, shift, v.shadow.floor) || v.proxy)
        scan(v, readers, n, shift, first, last, offset, false);
    overwrite(writers, n, mine, shift);
}

void remember_copy(Shadow &shadow, size_t offset, size_t bytes, bool writes, uint64_t c) {
    while (bytes > 0) {
        const size_t at = offset % CHUNK_BYTES, here = std::min(bytes, CHUNK_BYTES - at);
        Chunk &chunk = shadow.cells(offset, 1ull << std::countr_zero(at | here | 4));
        uint64_t *cells = (writes ? chunk.writers : chunk.readers) + at / chunk.unit;
        std::fill(cells, cells + here / chunk.unit, c);
        offset += here, bytes -= here;
    }
}

bool begin_segments() {
    const bool again = segments.next() > 0xC0000000u;
    segments.first = again ? 1 : segments.next();
    segments.moments.clear();
    if (again) std::fill(verdicts, verdicts + VERDICTS, 0);
    return !again;
}
