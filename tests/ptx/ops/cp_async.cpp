// cp.async: copies of 4, 8 or 16 bytes from global to shared memory, their groups, and their arrival at
// mbarriers.
#include <bit>
#include <cstring>

#include "../checks/findings.h"
#include "async_decode.h"
#include "async_operands.h"

AsyncState &async_state(Warp &w) {
    if (w.async == nullptr) w.async = std::make_shared<AsyncState>();
    return *w.async;
}

void Copies::perform() {
    if (done) return;
    done = true;
    for (int l = 0; l < LANES; ++l) {
        if (!(lanes >> l & 1)) continue;
        std::memcpy(to[l], from[l], from_bytes[l]);
        std::memset(to[l] + from_bytes[l], 0, bytes - from_bytes[l]);
    }
}

void Copies::end(Mask which, const WarpClock &by) {
    for (int l = 0; l < LANES; ++l) {
        if (!(which & open & 1u << l)) continue;
        if (source[l] >= 0) end_async(source[l], by, l);
        end_async(target[l], by, l);
    }
    open &= ~which;
}

void Copies::end_signalled(Mask which, Agent agent) {
    for (int l = 0; l < LANES; ++l) {
        if (!(which & open & 1u << l)) continue;
        if (source[l] >= 0) end_async_signalled(source[l], agent, number);
        end_async_signalled(target[l], agent, number);
    }
    signalled |= open & which;
    open &= ~which;
}

namespace {

struct CopyForm {
    AddressOperand to, from;
    int from_bytes = -1;  // index in Insn::ops
    int ignore = -1;      // of a predicate, and whether it is negated
};

// Where the sources of `lanes` lie that read `bytes`; 0 bytes are never looked at.
void resolve_sources(Warp &w, const Insn &insn, const CopyForm &form, Copies &copies) {
    uint64_t address[LANES];
    for (int l = 0; l < LANES; ++l) address[l] = form.from.of(w, insn, l);
    Mask left = w.exec;
    for (int l = 0; l < LANES; ++l) {
        if (copies.from_bytes[l] == 0) left &= ~(1u << l);
        copies.from[l] = copies.to[l];
    }
    while (left != 0) {
        const int bytes = copies.from_bytes[std::countr_zero(left)];
        Mask same = 0;
        for (int l = 0; l < LANES; ++l)
            if (left >> l & 1 && copies.from_bytes[l] == bytes) same |= 1u << l;
        unsigned char *at[LANES];
        resolve(w, insn, {Space::global, Access::load, bytes, copies.bytes}, address, same, at);
        for (int l = 0; l < LANES; ++l) {
            if (!(same >> l & 1)) continue;
            copies.from[l] = at[l];
            copies.source[l] = begin_async(w, insn, l, Space::global, address[l], bytes, false, false);
        }
        left &= ~same;
    }
}

void count_sources(Warp &w, const Insn &insn, const CopyForm &form, Copies &copies) {
    const Mask ignored = form.ignore < 0 ? 0 : w.pred(insn.ops[form.ignore], insn.ops[form.ignore + 1]);
    for (int l = 0; l < LANES; ++l) {
        const bool runs = w.exec >> l & 1;
        uint32_t bytes = copies.bytes;
        if (form.from_bytes >= 0 && runs) bytes = w.at<uint32_t>(insn.ops[form.from_bytes])[l];
        if (runs && bytes > (uint32_t)copies.bytes) {
            finding(w, insn, l, Check::wrong_use, "src-size %u is more than the %d bytes of the copy",
                    bytes, copies.bytes);
            bytes = copies.bytes;
        }
        copies.from_bytes[l] = runs && !(ignored >> l & 1) ? bytes : 0;
    }
}

void run_copy(Warp &w, const Insn &insn) {
    const CopyForm &form = *(const CopyForm *)insn.extra;
    AsyncState &state = async_state(w);
    auto copies = std::make_shared<Copies>();
    copies->site = {&w, &insn, std::countr_zero(w.exec)};
    copies->bytes = insn.bytes;
    copies->lanes = copies->open = w.exec;
    copies->number = ++state.started;
    uint64_t address[LANES];
    for (int l = 0; l < LANES; ++l) {
        address[l] = form.to.of(w, insn, l);
        copies->source[l] = -1;
        copies->group[l] = state.committed[l];
    }
    resolve(w, insn, {Space::shared, Access::store, insn.bytes, insn.bytes}, address, w.exec,
            copies->to);
    count_sources(w, insn, form, *copies);
    resolve_sources(w, insn, form, *copies);
    for (int l = 0; l < LANES; ++l)
        if (w.exec >> l & 1)
            copies->target[l] =
                begin_async(w, insn, l, Space::shared, address[l], insn.bytes, true, false);
    state.copies.push_back(copies);
    defer([copies] { copies->perform(); });
}

void run_commit(Warp &w, const Insn &) {
    AsyncState &state = async_state(w);
    for (int l = 0; l < LANES; ++l) state.committed[l] += w.exec >> l & 1;
}

// Those of the executing lanes whose copy belongs to a group that is older than the `pending` newest.
Mask due(const Warp &w, const AsyncState &state, const Copies &copies, uint32_t pending) {
    Mask lanes = 0;
    for (int l = 0; l < LANES; ++l)
        lanes |= (Mask)(copies.group[l] + pending < state.committed[l]) << l;
    return lanes & copies.lanes & w.exec;
}

void wait_for_groups(Warp &w, uint32_t pending) {
    AsyncState &state = async_state(w);
    std::erase_if(state.copies, [&](const std::shared_ptr<Copies> &copies) {
        const Mask lanes = due(w, state, *copies, pending);
        if (lanes == 0) return false;
        copies->perform();
        if ((lanes & copies->signalled) != 0) w.clock.seen.raise(state.agent, copies->number);
        copies->end(lanes, w.clock);
        copies->lanes &= ~lanes;
        return copies->lanes == 0;
    });
    note_progress();
}

void run_wait(Warp &w, const Insn &insn) { wait_for_groups(w, insn.imm); }

void run_wait_all(Warp &w, const Insn &insn) {
    run_commit(w, insn);
    wait_for_groups(w, 0);
}

// ---- arrival at an mbarrier when a lane's copies so far are done ----
struct ArrivalForm {
    AddressOperand at;
    bool generic = false,
         counted = false;  // counted: .noinc, the arrival is one of those that init counted
};

// Signals the mbarrier when the copies are done; `started` is how many cp.async the warp had started by
// then.
void arrive(const Site &site, Block &block, uint32_t offset,
            const std::vector<std::shared_ptr<Copies>> &lane_copies, uint32_t started) {
    const Agent agent = async_state(*site.warp).agent;
    for (auto &copies : lane_copies) {
        copies->perform();
        copies->end_signalled(1u << site.lane, agent);
    }
    if (MBarrier *barrier = live_mbarrier(site, block, offset)) barrier->arriving.raise(agent, started);
    mbarrier_arrive(site, block, offset, 1);
}

void run_arrival(Warp &w, const Insn &insn) {
    const ArrivalForm &form = *(const ArrivalForm *)insn.extra;
    uint32_t address[LANES];
    const Mask lanes = mbarrier_access(w, insn, form.at, form.generic, Access::atomic, address);
    for (int l = 0; l < LANES; ++l) {
        if (!(lanes >> l & 1)) continue;
        const Site site{&w, &insn, l};
        Block &block = *block_of(w, insn, l, address[l]);
        const uint32_t offset = address[l] & SHARED_OFFSET;
        if (!form.counted) mbarrier_add_pending(site, block, offset);
        std::vector<std::shared_ptr<Copies>> copies;
        for (auto &c : async_state(w).copies)
            if (c->lanes & c->open & 1u << l) copies.push_back(c);
        const uint32_t started = async_state(w).started;
        defer_for(*w.block, [site, &block, offset, copies, started] {
            arrive(site, block, offset, copies, started);
        });
    }
}

// ---- decoding ----
void decode_arrival(Decoding &d) {
    if (!d.take("arrive")) d.refuse("cp.async.mbarrier without .arrive");
    ArrivalForm &form = *keep<ArrivalForm>(d);
    form.counted = d.take("noinc");
    form.generic = d.take_one_of({"shared", "shared::cta"}).empty();
    if (!d.take("b64")) d.refuse("only .b64");
    int at = 0;
    form.at = take_address(d, d.operand(0), at);
    d.insn.run = run_arrival;
}

void decode_copy(Decoding &d, bool all_caches) {
    CopyForm &form = *keep<CopyForm>(d);
    if (d.take_one_of({"shared", "shared::cta"}).empty()) d.refuse("the target is not .shared");
    if (!d.take("global")) d.refuse("the source is not .global");
    d.ignore({"L2::64B", "L2::128B", "L2::256B"});
    int at = 0;
    form.to = take_address(d, d.operand(0), at);
    form.from = take_address(d, d.operand(1), at);
    const int64_t bytes = d.immediate(d.operand(2));
    if (bytes != 16 && (!all_caches || (bytes != 4 && bytes != 8)))
        d.refuse("a copy of " + std::to_string(bytes) + " bytes");
    d.insn.bytes = bytes;
    const bool hint = d.take("L2::cache_hint");
    const size_t rest = d.operands() - hint;
    if (rest > 4) d.refuse("too many operands");
    if (rest == 4 && d.register_type(d.operand(3)) == Type::pred) {
        d.read_pred(d.operand(3));
        form.ignore = at;
        at += 2;
    } else if (rest == 4) {
        d.read(d.operand(3), Type::u32);
        form.from_bytes = at++;
    }
    if (hint) d.read(d.operand(rest), Type::b64);
    d.insn.run = run_copy;
}

void decode_cp(Decoding &d) {
    d.insn.cls = Class::async;
    if (d.take("reduce")) {
        d.take("async"), d.take("bulk");
        return d.take("tensor") ? decode_tensor_copy(d, true) : decode_bulk_reduction(d);
    }
    if (!d.take("async")) d.refuse("cp without .async");
    if (d.take("bulk")) return decode_bulk(d);
    if (d.take("mbarrier")) return decode_arrival(d);
    if (d.take("commit_group")) {
        d.insn.run = run_commit;
    } else if (d.take("wait_all")) {
        d.insn.run = run_wait_all;
    } else if (d.take("wait_group")) {
        d.insn.imm = d.immediate(d.operand(0));
        d.insn.run = run_wait;
    } else {
        const std::string cache = d.take_one_of({"ca", "cg"});
        if (cache.empty()) d.refuse("cp.async is neither .ca nor .cg");
        decode_copy(d, cache == "ca");
    }
}

RegisterDecoder cp{"cp", decode_cp};

}  // namespace
