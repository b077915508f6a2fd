// bar, barrier{.cta}: the sixteen barriers of a block.
//
// Warps are counted whole (PTX: a thread waits for all threads of its warp that have not ended, and
// marks the arrival of the warp): a warp is there when its last lane is.
#include <algorithm>

#include "../machine/block.h"
#include "async_decode.h"
#include "collective.h"

void decode_warp_barrier(Decoding &d);

namespace {

enum class Kind : uint8_t { sync, arrive, popc, and_, or_ };

// What a decoder says of its instruction, in Insn::imm.
struct Form {
    Kind kind;
    bool aligned;
    bool counted;  // the number of threads is given
    bool reduces() const { return kind >= Kind::popc; }
};

Form form_of(const Insn &insn) {
    return {(Kind)(insn.imm & 7), (insn.imm & 8) != 0, (insn.imm & 16) != 0};
}

void run_barrier(Warp &w, const Insn &insn);

// ---- lanes of a warp that come apart ----

// Does the group wait for a barrier, or for its warp to come to one?  Then it will not come to another
// one before.
bool held(const Warp &w, const Group &group) {
    return group.state != Group::runs && w.program->code[group.where].run == run_barrier;
}

// The .aligned form demands the whole warp.  True: go ahead, with the lanes that are here.  If the
// others wait at another barrier this is a finding, and the lanes count one by one.
bool gather_aligned(Warp &w, const Insn &insn) {
    const Mask missing = w.present & ~w.exec;
    if (missing == 0) return true;
    Mask elsewhere = 0;
    const Insn *other = nullptr;
    for (const Group &group : w.others)
        if (held(w, group)) elsewhere |= group.lanes, other = &w.program->code[group.where];
    if ((missing & ~elsewhere) != 0) return w.meet(w.present);
    finding(w, insn, first_lane(w.exec), Check::barrier,
            "the warp has come apart before its barrier: lanes 0x%08x are here, 0x%08x wait at %s",
            w.exec, missing, shown_place(w, *other).c_str());
    for (Group &group : w.others)
        if (group.state == Group::meets && held(w, group)) group.state = Group::runs;
    return true;
}

// ---- arrivals ----

Mask arrived_lanes(const Barrier &barrier, int warp) {
    Mask lanes = 0;
    for (const Barrier::Arrival &arrival : barrier.arrivals)
        if (arrival.warp == warp) lanes |= arrival.lanes;
    return lanes;
}

struct Tally {
    int threads = 0;  // of the warps that are there with all their lanes
    bool all = true;  // so are all warps of the block that have not ended
};

Tally tally(const Block &block, const Barrier &barrier) {
    Mask seen[32] = {};
    for (const Barrier::Arrival &arrival : barrier.arrivals) seen[arrival.warp] |= arrival.lanes;
    Tally result;
    for (size_t k = 0; k < block.warps.size(); ++k) {
        const bool here = (block.warps[k]->present & ~seen[k]) == 0;
        if (here && seen[k] != 0) result.threads += LANES;
        result.all &= here;
    }
    return result;
}

bool is_complete(const Block &block, const Barrier &barrier) {
    const Tally here = tally(block, barrier);
    return here.threads >= barrier.expected || (barrier.everybody && here.all);
}

// Threads of the block that have ended will never come to a barrier of the whole block.
void check_ended(const Block &block, const Barrier &barrier) {
    const Barrier::Arrival &last = barrier.arrivals.back();
    if (!form_of(*last.insn).aligned) return;
    int ended = block.threads();
    for (const auto &warp : block.warps) ended -= std::popcount(warp->present);
    if (ended > 0)
        finding(*block.warps[last.warp], *last.insn, first_lane(last.lanes), Check::barrier,
                "%d of the %d threads of the block have ended before this barrier", ended,
                block.threads());
}

void write_reduction(Warp &w, const Barrier::Arrival &arrival, const Barrier &barrier) {
    const Kind kind = form_of(*arrival.insn).kind;
    const int32_t to = arrival.insn->ops[0];
    if (kind == Kind::popc) {
        uint32_t *values = w.at<uint32_t>(to);
        for (int l = 0; l < LANES; ++l)
            if (arrival.lanes >> l & 1) values[l] = barrier.trues;
    } else {
        const bool value = kind == Kind::and_ ? barrier.trues == barrier.voters : barrier.trues > 0;
        w.preds[to] = (w.preds[to] & ~arrival.lanes) | (value ? arrival.lanes : 0);
    }
}

// All have come: who waits may continue, and knows what the others did before.
void complete(Block &block, Barrier &barrier, const Warp *running) {
    if (barrier.everybody) check_ended(block, barrier);
    Barrier done;
    std::swap(done, barrier);
    Mask synced[32] = {};
    for (const Barrier::Arrival &arrival : done.arrivals) {
        const Form form = form_of(*arrival.insn);
        if (form.kind == Kind::arrive) continue;
        Warp &warp = *block.warps[arrival.warp];
        if (form.reduces()) write_reduction(warp, arrival, done);
        synced[arrival.warp] |= arrival.lanes;
        const bool runs = &warp == running && (warp.active & arrival.lanes) != 0;
        if (!runs) warp.resume(arrival.lanes);
    }
    for (size_t k = 0; k < block.warps.size(); ++k) {
        if (synced[k] == 0) continue;
        block.warps[k]->clock.acquire(done.clock);
        block.warps[k]->clock.warp_sync(synced[k]);
    }
    // The next phase finds the memory of this one.
    done.arrivals.clear();
    std::swap(barrier.arrivals, done.arrivals);
    note_progress();
}

// ---- the instruction ----

struct Operands {
    uint32_t number = 0;
    int expected = 0;  // threads
};

// What the lanes ask for; all of them ask for the same (else a finding).
bool read_operands(Warp &w, const Insn &insn, const Form &form, const int32_t *ops, Operands &out) {
    const int first = first_lane(w.exec);
    const uint32_t *number = w.at<uint32_t>(ops[0]);
    const uint32_t *count = form.counted ? w.at<uint32_t>(ops[1]) : nullptr;
    for (int l = 0; l < LANES; ++l) {
        if ((w.exec >> l & 1) == 0) continue;
        if (number[l] == number[first] && (count == nullptr || count[l] == count[first])) continue;
        finding(w, insn, l, Check::barrier,
                "lanes of a warp name different barriers or numbers of threads");
        break;
    }
    out.number = number[first];
    if (out.number >= 16) {
        finding(w, insn, first, Check::barrier, "barrier %u: a block has the barriers 0 to 15",
                out.number);
        return false;
    }
    const int whole = (int)w.block->warps.size() * LANES;
    if (count == nullptr) {
        out.expected = whole;
        return true;
    }
    if (count[first] == 0 || count[first] % LANES != 0) {
        finding(w, insn, first, Check::barrier,
                "%u threads: the number must be a multiple of 32, above 0", count[first]);
        return false;
    }
    if (count[first] > (uint32_t)whole) {
        finding(w, insn, first, Check::barrier, "waits for %u threads, the block has %d", count[first],
                w.block->threads());
        return false;
    }
    out.expected = count[first];
    return true;
}

// Those who arrive at a barrier must agree with the others who are there.
void check_arrival(Warp &w, const Insn &insn, const Barrier &barrier, const Operands &asked) {
    const int first = first_lane(w.exec);
    const int lanes = std::min(LANES, w.block->threads() - w.index * LANES);
    if (form_of(insn).aligned && form_of(insn).counted && std::popcount(w.present) < lanes)
        finding(w, insn, first, Check::barrier, "%d lanes of the warp have ended before this barrier",
                lanes - std::popcount(w.present));
    if (barrier.arrivals.empty()) return;
    const Insn *before = barrier.arrivals.front().insn;
    if (barrier.expected != asked.expected)
        finding(w, insn, first, Check::barrier, "barrier %u for %d threads, but %s waits for %d",
                asked.number, asked.expected, shown_place(w, *before).c_str(), barrier.expected);
    if (form_of(insn).reduces() != form_of(*before).reduces())
        finding(w, insn, first, Check::barrier,
                "barrier %u is reduced by some and only waited for by others (%s): undefined",
                asked.number, shown_place(w, *before).c_str());
    const Mask twice = arrived_lanes(barrier, w.index) & w.exec;
    if (twice != 0)
        finding(w, insn, first_lane(twice), Check::barrier,
                "arrives a second time at barrier %u before it is complete (%d of %d threads)",
                asked.number, tally(*w.block, barrier).threads, barrier.expected);
}

// ops: [d], a, [b], [c, negated]
void run_barrier(Warp &w, const Insn &insn) {
    const Form form = form_of(insn);
    if (form.aligned && !gather_aligned(w, insn)) return;
    const int32_t *ops = insn.ops + form.reduces();
    Operands asked;
    if (!read_operands(w, insn, form, ops, asked)) return;
    Barrier &barrier = w.block->barriers[asked.number];
    check_arrival(w, insn, barrier, asked);
    if (barrier.arrivals.empty()) barrier.expected = asked.expected, barrier.everybody = !form.counted;
    barrier.arrivals.push_back({w.index, w.exec, &insn});
    if (form.reduces()) {
        const int32_t *c = ops + 1 + form.counted;
        barrier.trues += std::popcount(w.pred(c[0], c[1]) & w.exec);
        barrier.voters += std::popcount(w.exec);
    }
    w.clock.release(barrier.clock);
    note_progress();
    if (is_complete(*w.block, barrier))
        complete(*w.block, barrier, &w);
    else if (form.kind != Kind::arrive)
        w.wait();
}

void decode_barrier(Decoding &d) {
    const bool bar = d.statement.opcode == "bar";
    if (bar && d.take("warp")) return decode_warp_barrier(d);
    if (d.take("cluster")) return decode_cluster_barrier(d);
    d.take("cta");
    const bool aligned = d.take("aligned") || bar;
    const std::string name = d.take_one_of({"sync", "arrive", "red"});
    if (name.empty()) d.refuse(".sync, .arrive or .red is expected");
    Kind kind = name == "sync" ? Kind::sync : Kind::arrive;
    size_t next = 0;
    if (name == "red") {
        const std::string op = d.take_one_of({"popc", "and", "or"});
        if (op.empty() || !d.take(op == "popc" ? "u32" : "pred"))
            d.refuse(".red.popc.u32, .red.{and, or}.pred are expected");
        kind = op == "popc" ? Kind::popc : op == "and" ? Kind::and_ : Kind::or_;
        if (kind == Kind::popc)
            d.write(d.operand(next++), Type::u32);
        else
            d.write_pred(d.operand(next++));
    }
    const size_t left = d.operands() - next - (name == "red");
    if (left != 1 && left != 2) d.refuse("a barrier and a number of threads are expected");
    if (name == "arrive" && left != 2) d.refuse(".arrive needs the number of threads");
    for (size_t i = 0; i < left; ++i) d.read(d.operand(next++), Type::u32);
    if (name == "red") d.read_pred(d.operand(next));
    if (aligned) d.meets();
    d.insn.imm = (int)kind | aligned << 3 | (left == 2) << 4;
    d.insn.cls = Class::sync;
    d.insn.run = run_barrier;
}

RegisterDecoder bar{"bar", decode_barrier};
RegisterDecoder barrier_{"barrier", decode_barrier};

}  // namespace

void leave_barriers(Warp &warp) {
    for (Barrier &barrier : warp.block->barriers)
        if (!barrier.arrivals.empty() && is_complete(*warp.block, barrier))
            complete(*warp.block, barrier, nullptr);
}
