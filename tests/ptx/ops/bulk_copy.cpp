// cp.async.bulk and cp.reduce.async.bulk of plain ranges, their prefetch, and bulk groups.
#include <algorithm>
#include <bit>

#include "async_decode.h"
#include "async_operands.h"
#include "async_reduction.h"

void start_signalled(const std::shared_ptr<Transfer> &transfer, uint32_t barrier, uint32_t target) {
    const Site &site = transfer->site;
    Warp &w = *site.warp;
    Block *block = block_of(w, *site.insn, site.lane, barrier);
    if (block == nullptr) return;
    if (block != block_of(w, *site.insn, site.lane, target))
        site.report(Check::wrong_use, "the copy's target and its mbarrier are of different blocks");
    transfer->signals = true;
    transfer->block = block;
    transfer->mbarrier = barrier & SHARED_OFFSET;
    const MBarrier *m = live_mbarrier(site, *block, transfer->mbarrier);
    if (m != nullptr && m->initialiser != w.clock.agent &&
        w.clock.seen.of(m->initialiser) < m->initialised)
        site.report(Check::race,
                    "the mbarrier was initialised by a thread that this one has not synchronised with");
    start_transfer(transfer);
}

void join_group(const std::shared_ptr<Transfer> &transfer, int lane) {
    AsyncState &state = async_state(*transfer->site.warp);
    state.grouped.push_back({lane, state.bulk_committed[lane], transfer});
}

void start_grouped(const std::shared_ptr<Transfer> &transfer) {
    join_group(transfer, transfer->site.lane);
    start_transfer(transfer);
}

namespace {

struct Form {
    AddressOperand to, from, barrier;
    Space to_space = Space::global, from_space = Space::global;
    bool own_target = false;    // .shared::cta: no other block's
    bool other_target = false;  // of another block, always: from shared memory to shared memory
    int size = -1, blocks = -1, mask = -1;  // in Insn::ops
    Transfer::Combine combine = nullptr;
};

bool aligned(const Site &site, uint64_t to, uint64_t from, uint32_t bytes) {
    if (to % 16 == 0 && from % 16 == 0 && bytes % 16 == 0) return true;
    site.report(Check::misaligned, bytes % 16 != 0 ? "the size of a bulk copy is no multiple of 16"
                                                   : "an address of a bulk copy is no multiple of 16");
    return false;
}

void check_target(const Site &site, const Form &form, const Block *block) {
    const Block *own = site.warp->block;
    if (form.own_target && block != own)
        site.report(Check::wrong_use, "the target is .shared::cta, but another block's");
    if (form.other_target && block == own)
        site.report(Check::wrong_use,
                    "a copy from shared memory to .shared::cluster has another block's as its target");
}

// Makes one lane's copy to one place.
void copy_range(const Site &site, const Form &form, uint64_t to, uint64_t from, uint32_t bytes,
                uint32_t barrier) {
    Warp &w = *site.warp;
    const Insn &insn = *site.insn;
    const int lane = site.lane;
    if (!aligned(site, to, from, bytes)) return;
    auto transfer = std::make_shared<Transfer>();
    transfer->site = site;
    transfer->combine = form.combine;
    if (form.mask >= 0) transfer->byte_mask = w.at<uint32_t>(insn.ops[form.mask])[lane];
    if (bytes > 0) {
        const Access access = form.combine != nullptr ? Access::atomic : Access::store;
        const unsigned char *source =
            resolve_range(w, insn, lane, form.from_space, Access::load, from, bytes, true);
        unsigned char *target = resolve_range(w, insn, lane, form.to_space, access, to, bytes, true);
        if (source == nullptr || target == nullptr) return;
        constexpr size_t PIECE = 256;
        for (size_t at = 0; at < bytes; at += PIECE)
            transfer->pieces.push_back({source + at, target + at, std::min(PIECE, bytes - at)});
        transfer->sources.push_back(begin_async(w, insn, lane, form.from_space, from, bytes, false));
        transfer->targets.push_back(
            begin_async(w, insn, lane, form.to_space, to, bytes, true, true, form.combine != nullptr));
    }
    if (form.barrier.at >= 0)
        start_signalled(transfer, barrier, to);
    else
        start_grouped(transfer);
}

void run_copy(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const Site site{&w, &insn, l};
        const uint32_t bytes = w.at<uint32_t>(insn.ops[form.size])[l];
        const uint64_t from = form.from.of(w, insn, l), to = form.to.of(w, insn, l);
        const uint32_t barrier = form.barrier.at >= 0 ? form.barrier.of(w, insn, l) : 0;
        if (form.to_space == Space::shared) check_target(site, form, block_of(w, insn, l, to));
        if (form.blocks < 0) {
            copy_range(site, form, to, from, bytes, barrier);
            continue;
        }
        const uint32_t blocks = w.at<uint32_t>(insn.ops[form.blocks])[l] & 0xFFFF;
        for_each_block(site, blocks, [&](uint32_t base) {
            copy_range(site, form, base | (to & SHARED_OFFSET), from, bytes,
                       base | (barrier & SHARED_OFFSET));
        });
    }
}

void run_commit(Warp &w, const Insn &) {
    AsyncState &state = async_state(w);
    for (int l = 0; l < LANES; ++l) state.bulk_committed[l] += w.exec >> l & 1;
}

void run_wait(Warp &w, const Insn &insn) { wait_for_bulk_groups(w, insn.imm, insn.imm2 != 0); }

// A prefetch changes nothing, but its range must be there.
void run_prefetch(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const uint32_t bytes = w.at<uint32_t>(insn.ops[form.size])[l];
        const uint64_t from = form.from.of(w, insn, l);
        if (!aligned({&w, &insn, l}, 0, from, bytes)) continue;
        if (bytes != 0 && !device_holds((const void *)from, bytes))
            finding(w, insn, l, Check::bounds,
                    "prefetches %u bytes at 0x%llx, outside of the device's memory", bytes,
                    (unsigned long long)from);
    }
}

// ---- decoding ----
void decode_groups(Decoding &d, bool commit) {
    if (commit) {
        d.insn.run = run_commit;
        return;
    }
    d.insn.imm2 = d.take("read");
    d.insn.imm = d.immediate(d.operand(0));
    d.insn.run = run_wait;
}

void decode_prefetch(Decoding &d) {
    if (!d.take("L2") || !d.take("global")) d.refuse("only .L2.global");
    Form &form = *keep<Form>(d);
    int at = 0;
    form.from = take_address(d, d.operand(0), at);
    d.read(d.operand(1), Type::u32);
    form.size = at++;
    take_cache_hint(d, 2);
    d.insn.run = run_prefetch;
}

// The target's space is the one that is named first.
void take_spaces(Decoding &d, Form &form) {
    const auto &all = d.statement.modifiers;
    const auto is = [](const std::string &m) {
        return m == "global" || m == "shared::cta" || m == "shared::cluster";
    };
    const auto to = std::find_if(all.begin(), all.end(), is);
    const auto from = to == all.end() ? to : std::find_if(to + 1, all.end(), is);
    if (from == all.end()) d.refuse("the spaces of target and source are missing");
    if (*from == "shared::cluster" || (*to == "shared::cta" && *from == "shared::cta") || *to == *from)
        d.refuse("no copy from ." + *from + " to ." + *to);
    d.take(to->c_str()), d.take(from->c_str());
    form.to_space = *to == "global" ? Space::global : Space::shared;
    form.from_space = *from == "global" ? Space::global : Space::shared;
    form.own_target = *to == "shared::cta";
    form.other_target = form.to_space == form.from_space;
}

void decode_range_copy(Decoding &d, Form &form) {
    take_spaces(d, form);
    const bool group = d.take("bulk_group");
    if (!group && !d.take("mbarrier::complete_tx::bytes"))
        d.refuse("how its completion is told is missing");
    if (group != (form.to_space == Space::global)) d.refuse("this direction completes otherwise");
    if (d.take("ignore_oob")) d.refuse(".ignore_oob is not supported");
    int at = 0;
    size_t next = 3;
    form.to = take_address(d, d.operand(0), at);
    form.from = take_address(d, d.operand(1), at);
    d.read(d.operand(2), Type::u32);
    form.size = at++;
    if (!group) form.barrier = take_address(d, d.operand(next++), at);
    if (d.take("multicast::cluster")) {
        if (form.from_space != Space::global || form.own_target)
            d.refuse(".multicast::cluster of this direction");
        d.read(d.operand(next++), Type::u16);
        form.blocks = at++;
    }
    const bool masked = d.take("cp_mask");
    if (d.take("L2::cache_hint")) d.read(d.operand(next++), Type::b64), ++at;
    if (masked) {
        if (!group) d.refuse(".cp_mask is for copies to .global");
        d.read(d.operand(next++), Type::u16);
        form.mask = at++;
    }
    d.insn.run = run_copy;
}

}  // namespace

void decode_bulk(Decoding &d) {
    d.insn.cls = Class::async;
    if (d.take("commit_group")) return decode_groups(d, true);
    if (d.take("wait_group")) return decode_groups(d, false);
    const bool prefetch = d.take("prefetch");
    if (d.take("tensor")) return prefetch ? decode_tensor_prefetch(d) : decode_tensor_copy(d, false);
    if (prefetch) return decode_prefetch(d);
    decode_range_copy(d, *keep<Form>(d));
}

void decode_bulk_reduction(Decoding &d) {
    d.insn.cls = Class::async;
    Form &form = *keep<Form>(d);
    const std::string operation =
        d.take_one_of({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
    const Type type = d.take_type();
    const bool half = type == Type::f16 || type == Type::bf16;
    if (d.take("noftz") != (half && operation == "add"))
        d.refuse(".noftz belongs to .add of .f16 and .bf16");
    form.combine = combination_of(operation, type);
    if (form.combine == nullptr) d.refuse("no ." + operation + " on " + name_of(type));
    decode_range_copy(d, form);
    if (form.from_space != Space::shared) d.refuse("the source must be .shared::cta");
    if (form.to_space == Space::shared && (is_float(type) || type == Type::s64 || type == Type::b64))
        d.refuse(std::string("no reduction of ") + name_of(type) + " in shared memory");
}
