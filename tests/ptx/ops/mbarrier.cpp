// mbarrier: its instructions.  async_state.h keeps what the 8 bytes in shared memory stand for.
#include <bit>

#include "async_operands.h"

Mask mbarrier_access(Warp &w, const Insn &insn, const AddressOperand &operand, bool generic,
                     Access access, uint32_t shared[LANES]) {
    uint64_t address[LANES];
    for (int l = 0; l < LANES; ++l) address[l] = operand.of(w, insn, l);
    Mask lanes = 0;
    for (int l = 0; l < LANES; ++l) {
        if (!(w.exec >> l & 1)) continue;
        shared[l] = shared_address(w, insn, l, address[l], generic);
        address[l] = shared[l];
        if (shared[l] != 0 && block_of(w, insn, l, shared[l]) != nullptr) lanes |= 1u << l;
    }
    unsigned char *at[LANES];
    resolve(w, insn, {Space::shared, access, 8, 8, access != Access::store}, address, lanes, at);
    // Lanes whose access was found faulty got the address of a scratch place.
    for (int l = 0; l < LANES; ++l) {
        if (!(lanes >> l & 1)) continue;
        const Block &block = *block_of(w, insn, l, shared[l]);
        if (at[l] < block.shared.data() || at[l] >= block.shared.data() + block.shared.size())
            lanes &= ~(1u << l);
    }
    return lanes;
}

namespace {

struct Form {
    AddressOperand at;
    bool generic = false, parity = false, expects = false, drops = false, incomplete = false;
    bool suspends = false;  // try_wait, against test_wait
    bool relaxed = false;
    int result = -1, count = -1, state = -1;  // in Insn::ops
};

const Form &form_of(const Insn &insn) { return *(const Form *)insn.extra; }

// Calls `what(site, block, offset)` for each lane in turn.
template <class F>
void each_lane(Warp &w, const Insn &insn, Access access, F what) {
    const Form &form = form_of(insn);
    uint32_t address[LANES];
    const Mask lanes = mbarrier_access(w, insn, form.at, form.generic, access, address);
    for (int l = 0; l < LANES; ++l)
        if (lanes >> l & 1)
            what(Site{&w, &insn, l}, *block_of(w, insn, l, address[l]), address[l] & SHARED_OFFSET);
}

uint32_t value(const Warp &w, const Insn &insn, int op, int lane) {
    return w.at<uint32_t>(insn.ops[op])[lane];
}

// ---- what arrive returns: the phase, what was pending, and which mbarrier it is of ----
uint64_t token_of(const MBarrier &m) {
    return (uint64_t)m.phase << 32 | (uint64_t)(m.agent & 0xFFF) << 20 | m.pending;
}
uint32_t phase_of(uint64_t token) { return token >> 32; }
bool is_of(uint64_t token, const MBarrier &m) { return (token >> 20 & 0xFFF) == (m.agent & 0xFFF); }

void run_init(Warp &w, const Insn &insn) {
    each_lane(w, insn, Access::store, [&](const Site &site, Block &block, uint32_t offset) {
        mbarrier_init(site, block, offset, value(w, insn, form_of(insn).count, site.lane));
    });
}

// What other lanes did with the mbarrier before counts as ordered: where threads count themselves out
// of it, one lane of each warp does so for all.
void run_inval(Warp &w, const Insn &insn) { each_lane(w, insn, Access::atomic, mbarrier_invalidate); }

void run_transaction(Warp &w, const Insn &insn) {
    const Form &form = form_of(insn);
    each_lane(w, insn, Access::atomic, [&](const Site &site, Block &block, uint32_t offset) {
        const uint32_t bytes = value(w, insn, form.count, site.lane);
        if (form.expects)
            mbarrier_expect(site, block, offset, bytes);
        else
            mbarrier_complete(site, block, offset, bytes, {});
    });
}

// What a warp's lanes publish by arriving, once for each mbarrier and phase.  Its scope is not looked
// at: those who wait count as of the same block.
struct Publisher {
    const MBarrier *last = nullptr;
    uint32_t phase = 0;
    void publish(Warp &w, MBarrier &m, bool relaxed) {
        if (last == &m && phase == m.phase) return;
        last = &m, phase = m.phase;
        if (relaxed)
            w.clock.publish(m.arriving, Scope::block);
        else
            w.clock.release(m.arriving);
    }
};

void run_arrive(Warp &w, const Insn &insn) {
    const Form &form = form_of(insn);
    uint64_t tokens[LANES] = {};
    Publisher publisher;
    each_lane(w, insn, Access::atomic, [&](const Site &site, Block &block, uint32_t offset) {
        MBarrier *m = live_mbarrier(site, block, offset);
        if (m == nullptr) return;
        tokens[site.lane] = token_of(*m);
        publisher.publish(w, *m, form.relaxed);
        const uint32_t operand = form.count < 0 ? 1 : value(w, insn, form.count, site.lane);
        const uint32_t count = form.expects ? 1 : operand;
        if (count == 0) site.report(Check::wrong_use, "arrives at an mbarrier with a count of 0");
        if (form.incomplete && count >= m->pending && m->bytes == 0)
            site.report(Check::wrong_use, "mbarrier.arrive.noComplete completes a phase");
        if (form.expects) mbarrier_expect(site, block, offset, operand);
        if (form.drops) mbarrier_drop(site, block, offset, count);
        mbarrier_arrive(site, block, offset, count);
    });
    if (form.result >= 0) w.set<uint64_t>(insn.ops[form.result], [&](int l) { return tokens[l]; });
}

// Has the phase passed that a lane asks for?  Finds those that can be mistaken.
bool passed(Warp &w, const Insn &insn, const Site &site, const MBarrier &m) {
    const Form &form = form_of(insn);
    if (!form.parity) {
        const uint64_t token = w.at<uint64_t>(insn.ops[form.state])[site.lane];
        const uint32_t behind = m.phase - phase_of(token);
        if (!is_of(token, m))
            site.report(Check::wrong_use, "waits with the state of another mbarrier");
        else if (behind > 1)
            site.report(Check::wrong_use, "waits for a phase of an mbarrier that is long over");
        return behind != 0;
    }
    const uint32_t parity = value(w, insn, form.state, site.lane);
    if (parity > 1) site.report(Check::wrong_use, "a phase's parity is 0 or 1");
    auto &failed = async_state(w).failed_waits;
    const uint64_t key = (uint64_t)m.agent << 5 | site.lane;
    const bool over = (m.phase & 1) != (parity & 1);
    const auto before = failed.find(key);
    if (before == failed.end()) {
        if (!over) failed.emplace(key, m.phase);
    } else {
        if ((before->second & 1) == (parity & 1) && m.phase - before->second > 1)
            site.report(
                Check::asynchronous,
                "waits for a phase of an mbarrier while two of them pass: it cannot tell them apart");
        if (over)
            failed.erase(before);
        else
            before->second = m.phase;
    }
    return over;
}

void run_wait(Warp &w, const Insn &insn) {
    const Form &form = form_of(insn);
    Mask done = 0;
    const MBarrier *last = nullptr;
    each_lane(w, insn, Access::load, [&](const Site &site, Block &block, uint32_t offset) {
        const MBarrier *m = live_mbarrier(site, block, offset);
        if (m == nullptr) {
            done |= 1u << site.lane;  // so that the program can continue
            return;
        }
        if (!passed(w, insn, site, *m)) return;
        done |= 1u << site.lane;
        if (m == last) return;
        last = m;
        if (form.relaxed)
            w.clock.observe(m->completed, Scope::block);
        else
            w.clock.acquire(m->completed);
    });
    // A faulty address waits for nothing, so that the program can continue.
    w.set_pred(insn.ops[form.result], done);
    if ((done & w.exec) != w.exec) w.yield();
}

void run_pending_count(Warp &w, const Insn &insn) {
    const uint64_t *token = w.at<uint64_t>(insn.ops[1]);
    w.set<uint32_t>(insn.ops[0], [&](int l) { return (uint32_t)token[l] & 0xF'FFFF; });
}

// ---- decoding ----
// .sem, .scope, .space and .b64, which all of them may have.
void take_common(Decoding &d, Form &form, bool remote) {
    const std::string order = d.take_one_of({"relaxed", "release", "acquire"});
    form.relaxed = order == "relaxed";
    const std::string scope = d.take_one_of({"cta", "cluster"});
    if (order.empty() != scope.empty())
        d.refuse("an order without a scope, or a scope without an order");
    const std::string space = d.take_one_of({"shared", "shared::cta", "shared::cluster"});
    if (space == "shared::cluster" && !remote) d.refuse("the mbarrier must be in .shared::cta");
    form.generic = space.empty();
    if (!d.take("b64")) d.refuse("only .b64");
}

void decode_simple(Decoding &d, Form &form, Handler run) {
    int at = 0;
    take_common(d, form, form.expects || run == run_transaction);
    form.at = take_address(d, d.operand(0), at);
    if (run != run_inval) {
        d.read(d.operand(1), Type::u32);
        form.count = at++;
    }
    d.insn.run = run;
}

void decode_arrive(Decoding &d, Form &form) {
    form.expects = d.take("expect_tx");
    form.incomplete = d.take("noComplete");
    take_common(d, form, true);
    int at = 0;
    d.write(d.operand(0), Type::b64);
    form.result = at++;
    form.at = take_address(d, d.operand(1), at);
    if (d.operands() > 2) {
        d.read(d.operand(2), Type::u32);
        form.count = at++;
    } else if (form.expects || form.incomplete) {
        d.refuse("a count is missing");
    }
    d.insn.run = run_arrive;
}

void decode_wait(Decoding &d, Form &form) {
    form.parity = d.take("parity");
    take_common(d, form, false);
    int at = 0;
    d.write_pred(d.operand(0));
    form.result = at++;
    form.at = take_address(d, d.operand(1), at);
    d.read(d.operand(2), form.parity ? Type::u32 : Type::b64);
    form.state = at++;
    if (form.suspends && d.operands() > 3) d.read(d.operand(3), Type::u32);  // a time, which is a hint
    d.insn.run = run_wait;
}

void decode_mbarrier(Decoding &d) {
    Form &form = *keep<Form>(d);
    d.insn.cls = Class::sync;
    const std::string what = d.take_one_of({"init", "inval", "arrive", "arrive_drop", "expect_tx",
                                            "complete_tx", "test_wait", "try_wait", "pending_count"});
    if (what == "init") return decode_simple(d, form, run_init);
    if (what == "inval") return decode_simple(d, form, run_inval);
    if (what == "arrive" || what == "arrive_drop") {
        form.drops = what == "arrive_drop";
        return decode_arrive(d, form);
    }
    if (what == "expect_tx" || what == "complete_tx") {
        form.expects = what == "expect_tx";
        return decode_simple(d, form, run_transaction);
    }
    if (what == "test_wait" || what == "try_wait") {
        form.suspends = what == "try_wait";
        return decode_wait(d, form);
    }
    if (what != "pending_count" || !d.take("b64")) d.refuse("no such operation on an mbarrier");
    d.write(d.operand(0), Type::u32);
    d.read(d.operand(1), Type::b64);
    d.insn.run = run_pending_count;
}

RegisterDecoder mbarrier{"mbarrier", decode_mbarrier};

}  // namespace
