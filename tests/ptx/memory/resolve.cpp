// The gate of all accesses: finds the host's address for each lane, and makes the checks on the way.
#include <algorithm>
#include <bit>

#include "../checks/findings.h"
#include "../checks/options.h"
#include "../checks/places.h"
#include "../machine/block.h"
#include "allocations.h"
#include "race.h"
#include "target.h"
#include "traffic.h"

struct BlockShadow {
    explicit BlockShadow(size_t bytes) : shadow(bytes) {}
    Shadow shadow;
};

namespace {

// Faulty accesses go here, so that the program can continue.
alignas(64) unsigned char scratch[LANES][64];
uint32_t launch_floor = 1;
std::vector<std::shared_ptr<BlockShadow>> spare_shadows;  // of blocks that have ended
constexpr size_t MOST_SPARE = 64;

// ---- what is checked of accesses that lie where they should ----
struct Run {
    int first, lanes;
    bool uniform;  // all to the same bytes; else one behind the other
    size_t bytes(const Request &request) const {
        return uniform ? request.bytes : (size_t)request.bytes * lanes;
    }
};

// How the lanes of an access lie to each other: bit l compares lanes l and l - 1.
struct Layout {
    Mask behind = 0, equal = 0;
};

Layout layout_of(const uint64_t offset[LANES], Mask lanes, const Request &request) {
    Layout layout;
    for (int l = 1; l < LANES; ++l) {
        layout.behind |= (Mask)(offset[l] == offset[l - 1] + request.bytes) << l;
        layout.equal |= (Mask)(offset[l] == offset[l - 1]) << l;
    }
    const Mask both = lanes & lanes << 1;
    layout.behind &= both, layout.equal &= both;
    // Plain stores to one place are looked at one by one, for it counts what each of them writes.
    if (request.access != Access::load && !request.strong) layout.equal = 0;
    return layout;
}

// The run that begins at lane `first` and does not straddle a chunk.
Run next_run(const uint64_t offset[LANES], const Layout &layout, int first, int bytes) {
    const auto more = [&](Mask mask) {
        return first == LANES - 1 ? 0 : std::countr_one(mask >> (first + 1));
    };
    if (const int n = more(layout.equal)) return {first, n + 1, true};
    const uint64_t room = (CHUNK_BYTES - offset[first] % CHUNK_BYTES) / bytes;
    return {first, std::max(1, (int)std::min<uint64_t>(more(layout.behind) + 1, room)), false};
}

void check_valid(Warp &w, const Insn &insn, const Request &request, const Target &target,
                 const uint64_t offset[LANES], const Run &run) {
    if (target.shadow->valid(offset[run.first], run.bytes(request))) return;
    for (int l = run.first; l < run.first + run.lanes; ++l) {
        if (target.shadow->valid(offset[l], request.bytes)) continue;
        int k = 0;
        while (target.shadow->valid(offset[l] + k, 1)) ++k;
        finding(w, insn, l, Check::uninitialised,
                "%s %d bytes of %s memory at 0x%llx, of which nobody has written %s",
                verb_of(request.access), request.bytes,
                target.space == Space::shared ? "shared" : "global",
                (unsigned long long)(target.base + offset[l]),
                k == 0 ? "the first" : ("byte " + std::to_string(k)).c_str());
        // One finding for each place is enough.
        target.shadow->mark_valid(offset[l], request.bytes);
    }
}

void check_run(Visit &visit, const Target &target, const Run &run) {
    const Request &request = visit.request;
    const uint64_t begin = visit.offsets[run.first];
    Shadow &shadow = visit.shadow;
    if (checks().init) {
        if (request.access != Access::store)
            check_valid(visit.warp, visit.insn, request, target, visit.offsets, run);
        if (request.access != Access::load) shadow.mark_valid(begin, run.bytes(request));
    }
    if (checks().async &&
        (shadow.targets > 0 || (shadow.sources > 0 && request.access != Access::load)))
        for (int l = run.first; l < run.first + run.lanes; ++l)
            check_pending(visit.warp, visit.insn, l, request.access, target, visit.offsets[l],
                          request.bytes);
    if (checks().race) check_races(visit, begin, request.bytes, run.first, run.lanes, run.uniform);
}

// All lanes lie within the target.  `proxy`: an asynchronous copy makes the access.
void check_lanes(Warp &w, const Insn &insn, const Request &request, const Target &target,
                 const uint64_t offset[LANES], Mask lanes, bool proxy) {
    const Checks &c = checks();
    if (!c.init && !c.race && !c.async) return;
    const uint64_t mine = c.race ? cell_of(w, insn, request, proxy) : 0;
    Visit visit{w,           insn, request, target.space, *target.shadow, target.memory,
                target.base, mine, offset,  lanes,        proxy};
    const Layout layout = layout_of(offset, lanes, request);
    for (Mask left = lanes; left != 0;) {
        const Run run = next_run(offset, layout, std::countr_zero(left), request.bytes);
        check_run(visit, target, run);
        left &= ~(Mask)(((1ull << run.lanes) - 1) << run.first);
    }
}

// If not all bytes of an access are used, each stretch that is used counts as an access by itself.
void check_target(Warp &w, const Insn &insn, const Request &request, const Target &target,
                  const uint64_t offset[LANES], Mask lanes) {
    const uint64_t all = (1ull << request.bytes) - 1;
    if (request.bytes > 32 || (request.used & all) == all)
        return check_lanes(w, insn, request, target, offset, lanes, false);
    for (uint64_t used = request.used & all; used != 0;) {
        const int from = std::countr_zero(used), bytes = std::countr_one(used >> from);
        Request part = request;
        part.bytes = bytes;
        part.used = ~0u;
        uint64_t begin[LANES];
        for (int l = 0; l < LANES; ++l) begin[l] = offset[l] + from;
        check_lanes(w, insn, part, target, begin, lanes, false);
        used &= ~(((1ull << bytes) - 1) << from);
    }
}

// Lanes whose address is not a multiple of the alignment are found; the others remain.
Mask check_alignment(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                     Mask lanes) {
    Mask off = 0;
    for (int l = 0; l < LANES; ++l) off |= (Mask)((address[l] & (request.align - 1)) != 0) << l;
    off &= lanes;
    for (Mask rest = off; rest != 0 && checks().bounds; rest &= rest - 1) {
        const int l = std::countr_zero(rest);
        finding(w, insn, l, Check::misaligned, "%s %d bytes at 0x%llx, which is not a multiple of %d",
                verb_of(request.access), request.bytes, (unsigned long long)address[l], request.align);
    }
    return lanes & ~off;
}

Mask within(const Target &target, const uint64_t offset[LANES], int bytes, Mask lanes) {
    if (target.size - target.first < (uint64_t)bytes) return 0;
    const uint64_t most = target.size - target.first - bytes;
    Mask in = 0;
    for (int l = 0; l < LANES; ++l) in |= (Mask)(offset[l] - target.first <= most) << l;
    return in & lanes;
}

// Visits lanes whose place is `target`; returns those that lie in it.
Mask visit_target(Warp &w, const Insn &insn, const Request &request, const Target &target,
                  const uint64_t offset[LANES], Mask lanes, unsigned char *at[LANES]) {
    const Mask in = within(target, offset, request.bytes, lanes);
    if (in == ALL)
        for (int l = 0; l < LANES; ++l) at[l] = target.memory + offset[l];
    else
        for (int l = 0; l < LANES; ++l) at[l] = in >> l & 1 ? target.memory + offset[l] : at[l];
    check_target(w, insn, request, target, offset, in);
    return in;
}

// A kernel may take the address of its parameters, and read them there.
bool in_parameters(const Warp &w, const Request &request, uint64_t address) {
    const Parameters &params = w.block->launch->params;
    const uint64_t offset = address - (uint64_t)params.data();
    return request.access == Access::load && offset < params.size() &&
           (size_t)request.bytes <= params.size() - offset;
}

// ---- spaces ----
void global_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                  Mask lanes, unsigned char *at[LANES]) {
    for (Mask left = lanes; left != 0;) {
        const int first = std::countr_zero(left);
        Target target;
        Mask in = 0;
        if (find_global(address[first], target)) {
            uint64_t offset[LANES];
            for (int l = 0; l < LANES; ++l) offset[l] = address[l] - target.base;
            in = visit_target(w, insn, request, target, offset, left, at);
        } else if (in_parameters(w, request, address[first])) {
            at[first] = (unsigned char *)address[first];
            in = 1u << first;
        }
        if (!(in >> first & 1)) {
            report_bounds(w, insn, first, Space::global, request.access, address[first], request.bytes);
            in |= 1u << first;
        }
        left &= ~in;
    }
}

void shared_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                  Mask lanes, unsigned char *at[LANES]) {
    for (Mask left = lanes; left != 0;) {
        const int first = std::countr_zero(left);
        const uint32_t rank = (uint32_t)address[first] >> 24;
        Mask same = 0, in = 0;
        uint64_t offset[LANES];
        for (int l = 0; l < LANES; ++l) {
            same |= (Mask)((uint32_t)address[l] >> 24 == rank) << l;
            offset[l] = (address[l] & SHARED_OFFSET) - SHARED_BEGIN;
        }
        same &= left;
        Target target;
        if (find_shared(*w.block, address[first], target))
            in = visit_target(w, insn, request, target, offset, same, at);
        for (Mask rest = same & ~in; rest != 0; rest &= rest - 1) {
            const int l = std::countr_zero(rest);
            report_bounds(w, insn, l, Space::shared, request.access, address[l], request.bytes);
        }
        left &= ~same;
    }
}

void local_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                 Mask lanes, unsigned char *at[LANES]) {
    Block &block = *w.block;
    const uint64_t size = w.program->local_bytes;
    for (Mask rest = lanes; rest != 0; rest &= rest - 1) {
        const int l = std::countr_zero(rest);
        if (address[l] < size && (uint64_t)request.bytes <= size - address[l])
            at[l] = block.local.data() + block.thread(w, l) * size + address[l];
        else
            report_bounds(w, insn, l, Space::local, request.access, address[l], request.bytes);
    }
}

// Generic addresses: each lane's lies in a window, or is global.
void generic_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                   Mask lanes, unsigned char *at[LANES]) {
    Mask shared = 0, local = 0;
    uint64_t within_window[LANES];
    for (int l = 0; l < LANES; ++l) {
        shared |= (Mask)(address[l] >> 56 == SHARED_WINDOW >> 56) << l;
        local |= (Mask)(address[l] >> 56 == LOCAL_WINDOW >> 56) << l;
        within_window[l] = address[l] & ((1ull << 56) - 1);
    }
    shared &= lanes, local &= lanes;
    if (const Mask global = lanes & ~shared & ~local) {
        count_sectors(insn, address, global, request.bytes);
        global_lanes(w, insn, request, address, global, at);
    }
    if (shared != 0) {
        count_wavefronts(insn, within_window, shared, request.bytes);
        shared_lanes(w, insn, request, within_window, shared, at);
    }
    if (local != 0) local_lanes(w, insn, request, within_window, local, at);
}

void constant_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                    Mask lanes, unsigned char *at[LANES]) {
    Target target;
    for (Mask rest = lanes; rest != 0; rest &= rest - 1) {
        const int l = std::countr_zero(rest);
        if (find_global(address[l], target) && target.holds(address[l] - target.base, request.bytes))
            at[l] = (unsigned char *)address[l];
        else
            report_bounds(w, insn, l, Space::constant, request.access, address[l], request.bytes);
    }
}

void param_lanes(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
                 Mask lanes, unsigned char *at[LANES]) {
    Parameters &params = w.block->launch->params;
    for (Mask rest = lanes; rest != 0; rest &= rest - 1) {
        const int l = std::countr_zero(rest);
        if (address[l] < params.size() && (uint64_t)request.bytes <= params.size() - address[l])
            at[l] = params.data() + address[l];
        else
            report_bounds(w, insn, l, Space::param, request.access, address[l], request.bytes);
    }
}

}  // namespace

bool find_global(uint64_t address, Target &target) {
    Allocation *a = find_allocation(address);
    if (a == nullptr || !a->live) return false;
    a->shadow.floor = launch_floor;
    target = {Space::global, &a->shadow,         (unsigned char *)a->base,
              a->base,       a->begin - a->base, a->end - a->base};
    return true;
}

bool find_shared(Block &block, uint32_t address, Target &target) {
    const uint32_t rank = address >> 24;
    if (rank > block.cluster->blocks.size()) return false;
    Block &owner = rank == 0 ? block : *block.cluster->blocks[rank - 1];
    if (owner.shadow == nullptr || (&owner != &block && owner.live_warps == 0)) return false;
    target = {Space::shared,      &owner.shadow->shadow, owner.shared.data(), SHARED_BEGIN, 0,
              owner.shared.size()};
    return true;
}

bool find_target(Block &block, Space &space, uint64_t &address, Target &target, uint64_t &offset) {
    if (space == Space::generic) {
        space = address >> 56 == SHARED_WINDOW >> 56 ? Space::shared : Space::global;
        if (space == Space::shared) address &= UINT32_MAX;
    }
    if (space == Space::shared) {
        offset = (address & SHARED_OFFSET) - SHARED_BEGIN;
        return find_shared(block, address, target);
    }
    const bool found = find_global(address, target);
    offset = address - target.base;
    return found;
}

void resolve(Warp &w, const Insn &insn, const Request &request, const uint64_t address[LANES],
             Mask lanes, unsigned char *at[LANES]) {
    for (int l = 0; l < LANES; ++l) at[l] = scratch[l];
    insn.counts.bytes += (uint64_t)std::popcount(lanes) * request.bytes;
    if (request.strong && request.access == Access::load) w.poll();
    lanes = check_alignment(w, insn, request, address, lanes);
    switch (request.space) {
        case Space::generic:
            return generic_lanes(w, insn, request, address, lanes, at);
        case Space::global:
            count_sectors(insn, address, lanes, request.bytes);
            return global_lanes(w, insn, request, address, lanes, at);
        case Space::shared:
            count_wavefronts(insn, address, lanes, request.bytes);
            return shared_lanes(w, insn, request, address, lanes, at);
        case Space::local:
            return local_lanes(w, insn, request, address, lanes, at);
        case Space::constant:
            return constant_lanes(w, insn, request, address, lanes, at);
        case Space::param:
            return param_lanes(w, insn, request, address, lanes, at);
    }
}

unsigned char *resolve_range(Warp &w, const Insn &insn, int lane, Space space, Access access,
                             uint64_t address, size_t bytes, bool async_proxy) {
    const bool strong = access == Access::atomic;  // reductions
    Target target;
    uint64_t begin;
    if (!find_target(*w.block, space, address, target, begin) || !target.holds(begin, bytes)) {
        report_bounds(w, insn, lane, space, access, address, bytes);
        return nullptr;
    }
    count_range(insn, address, bytes, space == Space::global);
    uint64_t offset[LANES] = {};
    for (size_t done = 0; done < bytes;) {  // a chunk at a time
        offset[lane] = begin + done;
        const size_t here = std::min(bytes - done, CHUNK_BYTES - offset[lane] % CHUNK_BYTES);
        const Request request{space, access, (int)here, 1, strong, nullptr};
        check_lanes(w, insn, request, target, offset, 1u << lane, async_proxy);
        done += here;
    }
    return target.memory + begin;
}

void memory_begin_launch() {
    places_clear();
    if (!begin_segments()) {
        forget_all_cells();
        spare_shadows.clear();
    }
    launch_floor = next_segment();
}

void memory_begin_block(Block &block) {
    const size_t bytes = block.shared.size();
    while (!spare_shadows.empty() && block.shadow == nullptr) {
        if (spare_shadows.back()->shadow.bytes() == bytes) block.shadow = spare_shadows.back();
        spare_shadows.pop_back();
    }
    if (block.shadow == nullptr) block.shadow = std::make_shared<BlockShadow>(bytes);
    block.shadow->shadow.floor = next_segment();
    block.shadow->shadow.forget_valid();
}

void memory_end_block(Block &block) {
    forget_pending(block.shadow->shadow);
    if (spare_shadows.size() < MOST_SPARE) spare_shadows.push_back(std::move(block.shadow));
    block.shadow = nullptr;
}
