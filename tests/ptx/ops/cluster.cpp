// Clusters: mapa, getctarank, barrier.cluster, and stores and reductions that tell an mbarrier of
// another block.
#include <algorithm>
#include <bit>
#include <cstring>

#include "async_decode.h"
#include "async_operands.h"
#include "async_reduction.h"

namespace {

// ---- addresses ----
// A value of 32 or 64 bits of a lane.
uint64_t wide_value(const Warp &w, const Insn &insn, int op, int lane) {
    return insn.wide_address ? w.at<uint64_t>(insn.ops[op])[lane] : w.at<uint32_t>(insn.ops[op])[lane];
}

// insn.imm: the addresses are generic.
void run_mapa(Warp &w, const Insn &insn) {
    uint64_t mapped[LANES] = {};
    const size_t blocks = w.block->cluster->blocks.size();
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const uint32_t address = shared_address(w, insn, l, wide_value(w, insn, 1, l), insn.imm != 0);
        const uint32_t rank = w.at<uint32_t>(insn.ops[2])[l];
        if (rank >= blocks)
            finding(w, insn, l, Check::wrong_use, "mapa to block %u of a cluster of %zu", rank, blocks);
        mapped[l] = (uint64_t)(rank + 1) << 24 | (address & SHARED_OFFSET);
        if (insn.imm != 0) mapped[l] |= SHARED_WINDOW;
    }
    if (insn.wide_address)
        w.set<uint64_t>(insn.ops[0], [&](int l) { return mapped[l]; });
    else
        w.set<uint32_t>(insn.ops[0], [&](int l) { return (uint32_t)mapped[l]; });
}

void run_getctarank(Warp &w, const Insn &insn) {
    uint32_t ranks[LANES] = {};
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const uint32_t address = shared_address(w, insn, l, wide_value(w, insn, 1, l), insn.imm != 0);
        const Block *block = block_of(w, insn, l, address);
        ranks[l] = block != nullptr ? block->rank : 0;
    }
    w.set<uint32_t>(insn.ops[0], [&](int l) { return ranks[l]; });
}

void decode_mapa(Decoding &d) {
    const bool rank = d.statement.opcode == "getctarank";
    d.insn.cls = Class::integer;
    d.insn.imm = !d.take("shared::cluster");
    const Type type = d.take_type();
    if (type != Type::u32 && type != Type::u64) d.refuse("only .u32 and .u64");
    if (d.insn.imm != 0 && type == Type::u32) d.refuse("generic addresses have 64 bits");
    d.write(d.operand(0), rank ? Type::u32 : type);
    d.read(d.operand(1), type);
    d.insn.wide_address = type == Type::u64;
    if (!rank) d.read(d.operand(2), Type::u32);
    d.insn.run = rank ? run_getctarank : run_mapa;
}

// ---- barrier.cluster ----
// Once all threads of the cluster that have not ended have come, those that wait go on.
void pass_if_complete(Cluster &cluster) {
    if (cluster.comers == 0) return;
    for (const Block *block : cluster.blocks)
        for (const auto &warp : block->warps)
            if (warp->present != 0 && (warp->present & ~async_state(*warp).cluster_arrived) != 0)
                return;
    cluster.comers = 0;
    cluster.arrived.join(cluster.arriving);
    cluster.arriving.clear();
    for (const Block *block : cluster.blocks)
        for (const auto &warp : block->warps) {
            AsyncState &state = async_state(*warp);
            state.cluster_passed |= std::exchange(state.cluster_arrived, 0);
            warp->resume(std::exchange(state.cluster_waiting, 0));
        }
    note_progress();
}

// insn.imm: .relaxed; insn.imm2: .aligned.
void run_arrive(Warp &w, const Insn &insn) {
    if (insn.imm2 != 0 && !w.meet(w.present)) return;
    AsyncState &state = async_state(w);
    const Mask twice = w.exec & (state.cluster_arrived | state.cluster_passed);
    if (twice != 0)
        finding(w, insn, std::countr_zero(twice), Check::barrier,
                "arrives at the cluster's barrier again without having waited at it");
    Cluster &cluster = *w.block->cluster;
    if (insn.imm != 0)
        w.clock.publish(cluster.arriving, Scope::block);
    else
        w.clock.release(cluster.arriving);
    state.cluster_arrived |= w.exec;
    cluster.comers += std::popcount(w.exec);
    state.cluster_passed &= ~w.exec;
    note_progress();
    pass_if_complete(cluster);
}

void run_wait(Warp &w, const Insn &insn) {
    if (insn.imm2 != 0 && !w.meet(w.present)) return;
    AsyncState &state = async_state(w);
    const Mask lost = w.exec & ~(state.cluster_arrived | state.cluster_passed);
    if (lost != 0)
        finding(w, insn, std::countr_zero(lost), Check::barrier,
                "waits at the cluster's barrier without having arrived at it");
    if (const Mask waiting = w.exec & state.cluster_arrived; waiting != 0) {
        // Lanes that could go on wait with the others.
        state.cluster_waiting |= w.exec;
        w.wait_and_retry();
        return;
    }
    state.cluster_passed &= ~w.exec;
    w.clock.acquire(w.block->cluster->arrived);
}

// ---- st.async, red.async ----
struct Form {
    AddressOperand to, barrier;
    int value = -1;
    Transfer::Combine combine = nullptr;
};

void run_store(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    const size_t bytes = (size_t)insn.bytes * insn.count;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const uint32_t to = form.to.of(w, insn, l);
        if (to % bytes != 0)
            finding(w, insn, l, Check::misaligned, "address 0x%x is no multiple of %zu", to, bytes);
        const Access access = form.combine != nullptr ? Access::atomic : Access::store;
        unsigned char *at = resolve_range(w, insn, l, Space::shared, access, to, bytes, false);
        if (at == nullptr) continue;
        auto transfer = std::make_shared<Transfer>();
        transfer->site = {&w, &insn, l};
        transfer->combine = form.combine;
        for (int k = 0; k < insn.count; ++k) {
            const int32_t op = insn.ops[form.value + k];
            const void *value =
                insn.bytes == 8 ? (const void *)(w.at<uint64_t>(op) + l) : w.at<uint32_t>(op) + l;
            std::memcpy(transfer->value + k * insn.bytes, value, insn.bytes);
        }
        transfer->pieces.push_back({transfer->value, at, bytes});
        transfer->targets.push_back(
            begin_async(w, insn, l, Space::shared, to, bytes, true, false, form.combine != nullptr));
        start_signalled(transfer, form.barrier.of(w, insn, l), to);
    }
}

void decode_signalled_store(Decoding &d, Form &form, Type type, int count) {
    if (!d.take("mbarrier::complete_tx::bytes")) d.refuse("only with .mbarrier::complete_tx::bytes");
    d.take("shared::cluster");
    int at = 0;
    form.to = take_address(d, d.operand(0), at);
    form.value = at;
    d.read_vector(d.operand(1), type, count);
    at += count;
    form.barrier = take_address(d, d.operand(2), at);
    d.insn.bytes = bits_of(type) / 8;
    d.insn.count = count;
    d.insn.cls = Class::async;
    d.insn.run = run_store;
}

RegisterDecoder mapa{"mapa", decode_mapa};
RegisterDecoder getctarank{"getctarank", decode_mapa};

}  // namespace

void leave_cluster_barrier(Warp &warp) { pass_if_complete(*warp.block->cluster); }

void decode_cluster_barrier(Decoding &d) {
    d.insn.cls = Class::sync;
    d.insn.imm2 = d.take("aligned");
    if (d.take("arrive")) {
        d.insn.imm = d.take_one_of({"release", "relaxed"}) == "relaxed";
        d.insn.run = run_arrive;
    } else if (d.take("wait")) {
        d.take("acquire");
        d.insn.run = run_wait;
    } else {
        d.refuse("neither .arrive nor .wait");
    }
}

void decode_store_async(Decoding &d) {
    d.take("weak");
    const std::string vector = d.take_one_of({"v2", "v4"});
    const Type type = d.take_type();
    const int bits = bits_of(type), count = vector.empty() ? 1 : vector[1] - '0';
    if ((bits != 32 && bits != 64) || bits * count > 128) d.refuse("no such type");
    decode_signalled_store(d, *keep<Form>(d), type, count);
}

void decode_reduction_async(Decoding &d) {
    if (!d.take("relaxed") || !d.take("cluster")) d.refuse("only .relaxed.cluster");
    const std::string operation =
        d.take_one_of({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
    const Type type = d.take_type();
    Form &form = *keep<Form>(d);
    form.combine = combination_of(operation, type);
    if (form.combine == nullptr || is_float(type) || type == Type::s64 || type == Type::b64 ||
        (type == Type::u64 && operation != "add"))
        d.refuse("no ." + operation + " on " + name_of(type));
    decode_signalled_store(d, form, type, 1);
}
