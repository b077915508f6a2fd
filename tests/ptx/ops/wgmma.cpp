// The instructions of wgmma: mma_async, fence, commit_group, wait_group.
#include "wgmma.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "../checks/findings.h"
#include "../decode/decode.h"
#include "../memory/memory.h"
#include "async_state.h"
#include "collective.h"

const WgmmaForm &wgmma_form(const Insn &insn) { return *(const WgmmaForm *)insn.extra; }

// Makes the warp's state at its first use; the warps of a warpgroup share what is pending.
WgmmaState &wgmma_state(Warp &w) {
    if (w.wgmma != nullptr) return *w.wgmma;
    w.wgmma = std::make_shared<WgmmaState>();
    const auto &warps = w.block->warps;
    const size_t first = w.index / WARPGROUP * WARPGROUP,
                 end = std::min(first + WARPGROUP, warps.size());
    for (size_t i = first; i < end; ++i)
        if (warps[i]->wgmma != nullptr && warps[i]->wgmma->group != nullptr)
            w.wgmma->group = warps[i]->wgmma->group;
    if (w.wgmma->group == nullptr) {
        w.wgmma->group = std::make_shared<Warpgroup>();
        w.wgmma->group->warps = (int)(end - first);
        w.wgmma->group->agent = new_async_agent();
    }
    w.wgmma->accumulators.assign(w.program->slots + 1, 0);
    w.wgmma->multiplicands.assign(w.program->slots + 1, 0);
    w.wgmma->written.assign(w.program->slots + 1, false);
    return *w.wgmma;
}

namespace {

// The registers of a product, by slot.
struct Slots {
    const int32_t *begin_, *end_;
    const int32_t *begin() const { return begin_; }
    const int32_t *end() const { return end_; }
};
Slots accumulators(const Insn &insn) { return {insn.ops, insn.ops + wgmma_form(insn).d_registers}; }
Slots multiplicands(const Insn &insn) {
    const WgmmaForm &form = wgmma_form(insn);
    const int32_t *first = insn.ops + form.d_registers;
    return {first, first + (form.a_in_registers ? form.a_operands : 0)};
}

// ---- issue ----

void check_registers(Warp &w, const Insn &insn, const WgmmaState &state) {
    const auto report = [&](const char *what) { finding(w, insn, 0, Check::asynchronous, "%s", what); };
    if (!state.fenced) return report("no wgmma.fence before the first wgmma");
    for (const Slots slots : {accumulators(insn), multiplicands(insn)})
        for (const int32_t slot : slots)
            if (slot >= 0 && state.written[slot])
                return report("registers of this wgmma were written after the last wgmma.fence");
    for (const int32_t slot : accumulators(insn))
        if (state.multiplicands[slot] > 0)
            return report("writes registers that a wgmma in flight reads as its matrix A");
    for (const int32_t slot : multiplicands(insn))
        if (slot >= 0 && state.accumulators[slot] > 0)
            return report("reads registers that a wgmma in flight writes: wgmma.wait_group is missing");
}

void mark(const Insn &insn, WgmmaState &state, int change) {
    for (const int32_t slot : accumulators(insn)) state.accumulators[slot] += change;
    for (const int32_t slot : multiplicands(insn))
        if (slot >= 0) state.multiplicands[slot] += change;
}

uint64_t uniform(const Warp &w, const Insn &insn, int32_t op) {
    const uint64_t *values = w.at<uint64_t>(op);
    for (int l = 1; l < LANES; ++l)
        if (values[l] != values[0]) {
            finding(w, insn, l, Check::wrong_use, "lanes have different matrix descriptors");
            break;
        }
    return values[0];
}

// The warp's next product, which the others of its group may have issued before.
std::shared_ptr<WgmmaProduct> next_product(Warp &w, const Insn &insn, WgmmaState &state) {
    Warpgroup &group = *state.group;
    if (group.warps < WARPGROUP)
        finding(w, insn, 0, Check::wrong_use, "the warpgroup has only %d warps", group.warps);
    const uint64_t at = state.issued++ - group.first;
    if (at == group.products.size()) group.products.push_back(std::make_shared<WgmmaProduct>());
    return group.products[at];
}

void join(Warp &w, const Insn &insn, WgmmaProduct &product, uint64_t a, uint64_t b, bool accumulates) {
    for (const WgmmaProduct::Part &part : product.parts) {
        if (part.insn == nullptr) continue;
        if (part.insn != &insn)
            finding(w, insn, 0, Check::barrier, "other warps of the warpgroup are at another wgmma, %s",
                    shown_place(w, *part.insn).c_str());
        else if (product.a != a || product.b != b)
            finding(w, insn, 0, Check::wrong_use,
                    "the warps of the warpgroup have different matrix descriptors");
        break;
    }
    if (product.joined++ == 0) product.a = a, product.b = b;
    bool same = true;
    for (const WgmmaProduct::Part &part : product.parts)
        same &= part.insn == nullptr || part.insn == &insn;
    if (same) product.parts[w.index % WARPGROUP] = {&w, &insn, accumulates};
}

void run_mma(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const WgmmaForm &form = wgmma_form(insn);
    WgmmaState &state = wgmma_state(w);
    check_registers(w, insn, state);
    const int32_t *ops = insn.ops + form.d_registers;
    const uint64_t a = form.a_in_registers ? 0 : uniform(w, insn, ops[0]);
    const uint64_t b = uniform(w, insn, ops[form.a_operands]);
    const Mask scale = w.pred(ops[form.a_operands + 1], ops[form.a_operands + 2]);
    if (scale != 0 && scale != ALL)
        finding(w, insn, 0, Check::wrong_use, "lanes have different scale-d: 0x%08x", scale);
    const std::shared_ptr<WgmmaProduct> product = next_product(w, insn, state);
    join(w, insn, *product, a, b, scale & 1);
    check_operands(w, insn, *product);
    mark(insn, state, 1);
    state.open.push_back(product);
    if (product->joined < state.group->warps) return;
    product->complete = true;
    defer_product(state.group, product);
    for (Warp *waiting : state.group->waiting) waiting->resume(waiting->present);
    state.group->waiting.clear();
}

// ---- order ----

void run_fence(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    WgmmaState &state = wgmma_state(w);
    state.fenced = true;
    std::fill(state.written.begin(), state.written.end(), false);
}

void run_commit(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    WgmmaState &state = wgmma_state(w);
    ++state.commits;
    Warpgroup &group = *state.group;
    if (state.commits > group.waited) {
        const size_t at = state.commits - group.waited - 1;
        if (group.reads.size() <= at) group.reads.resize(at + 1);
        const std::vector<int> handles = begin_reads(w, state);
        group.reads[at].insert(group.reads[at].end(), handles.begin(), handles.end());
    }
    state.committed.push_back(std::move(state.open));
    state.open.clear();
}

void end_reads(Warp &w, Warpgroup &group, uint64_t commit) {
    for (; group.waited < commit && !group.reads.empty(); group.reads.pop_front()) {
        ++group.waited;
        for (const int handle : group.reads.front())
            end_async_signalled(handle, group.agent, (uint32_t)group.waited);
    }
    w.clock.seen.raise(group.agent, (uint32_t)commit);
}

// False: another warp of the group has not issued it yet, and the instruction is called again when it
// has.
bool finish(Warp &w, WgmmaState &state, const WgmmaProduct &product) {
    if (product.done) return true;
    if (!product.complete) {
        state.group->waiting.push_back(&w);
        w.wait_and_retry();
        return false;
    }
    make_products(*state.group, product);
    return true;
}

// imm: so many groups may be pending
void run_wait(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    WgmmaState &state = wgmma_state(w);
    while (state.committed.size() > (size_t)insn.imm) {
        const WgmmaState::Products &products = state.committed.front();
        for (const auto &product : products)
            if (!finish(w, state, *product)) return;
        for (const auto &product : products)
            if (const Insn *its = product->parts[w.index % WARPGROUP].insn; its != nullptr)
                mark(*its, state, -1);
        end_reads(w, *state.group, state.commits - state.committed.size() + 1);
        state.committed.pop_front();
    }
}

// ---- registers in flight ----

struct Watch {
    Handler run;
    std::vector<RegisterUse> uses;
    bool copies;
};
std::unordered_map<const Insn *, Watch> watches;

// Compilers put copies of registers, and constants for them, where the assembler needs none, also
// between a wgmma.fence and the wgmma: they only give a register another name.  So a copy of an
// accumulator in flight waits for its value, and no copy demands a fence.
bool follow_copy(Warp &w, WgmmaState &state, const Watch &watch) {
    for (const RegisterUse &use : watch.uses) {
        if (!use.reads || state.accumulators[use.slot] == 0) continue;
        const auto pending = state.group->products;
        for (const auto &product : pending)
            if (!finish(w, state, *product)) return false;
    }
    return true;
}

void check_use(const Warp &w, const Insn &insn, const WgmmaState &state, const RegisterUse &use,
               bool copies) {
    const char *what = nullptr;
    if (state.accumulators[use.slot] > 0 && (use.writes || !copies))
        what = use.writes ? "writes an accumulator of a wgmma that is in flight"
                          : "reads an accumulator of a wgmma that is in flight";
    else if (state.multiplicands[use.slot] > 0 && use.writes)
        what = "writes a register of the matrix A of a wgmma that is in flight";
    if (what != nullptr)
        finding(w, insn, first_lane(w.exec), Check::asynchronous, "%s: wgmma.wait_group is missing",
                what);
}

void run_watched(Warp &w, const Insn &insn) {
    const Watch &watch = watches.at(&insn);
    WgmmaState &state = wgmma_state(w);
    for (const RegisterUse &use : watch.uses) check_use(w, insn, state, use, watch.copies);
    if (watch.copies) {
        if (!follow_copy(w, state, watch)) return;
    } else {
        for (const RegisterUse &use : watch.uses)
            if (use.writes) state.written[use.slot] = true;
    }
    watch.run(w, insn);
}

}  // namespace

void watch_registers(Insn &insn, const std::vector<RegisterUse> &uses, bool copies) {
    if (insn.run == run_mma || uses.empty()) return;
    watches[&insn] = {insn.run, uses, copies};
    insn.run = run_watched;
}

// ---- decoding ----

namespace {

bool is_one_of(Type type, std::initializer_list<Type> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool exists(const WgmmaForm &form, Type d) {
    const int bits = 8 * form.element_bytes;
    if (form.n < 8 || form.n > 256 || form.n % 8 != 0 || form.k * bits != 256) return false;
    if (is_one_of(form.a, {Type::s8, Type::u8}))
        return is_one_of(form.b, {Type::s8, Type::u8}) && d == Type::s32 &&
               (form.n % 16 == 0 || form.n == 8 || form.n == 24);
    if (is_one_of(form.a, {Type::e4m3, Type::e5m2}))
        return is_one_of(form.b, {Type::e4m3, Type::e5m2}) && is_one_of(d, {Type::f16, Type::f32});
    if (form.a != form.b) return false;
    if (form.a == Type::f16) return is_one_of(d, {Type::f16, Type::f32});
    return is_one_of(form.a, {Type::bf16, Type::tf32}) && d == Type::f32;
}

// -1 or 1: is the operand negated?
bool read_sign(Decoding &d, size_t operand) {
    const int64_t sign = d.immediate(d.operand(operand));
    if (sign != 1 && sign != -1) d.refuse("imm-scale must be -1 or 1");
    return sign == -1;
}

bool read_flag(Decoding &d, size_t operand) {
    const int64_t flag = d.immediate(d.operand(operand));
    if (flag != 0 && flag != 1) d.refuse("imm-trans must be 0 or 1");
    return flag == 1;
}

void read_operands(Decoding &d, WgmmaForm &form, Type result) {
    const bool half = form.type == Accumulator::f16;
    form.d_registers = form.n / 8 * 2 * registers_of(form.type);
    const Operand &to = d.operand(0);
    if (to.kind != Operand::vector || (int)to.parts.size() != form.d_registers)
        d.refuse("d has another number of registers");
    for (const Operand &part : to.parts) d.read_write(part, half ? Type::b32 : result);
    form.a_in_registers = d.operand(1).kind == Operand::vector;
    form.a_operands = form.a_in_registers ? 4 : 1;
    if (form.a_in_registers)
        d.read_vector(d.operand(1), Type::b32, 4);
    else
        d.read(d.operand(1), Type::b64);
    d.read(d.operand(2), Type::b64);
    d.read_pred(d.operand(3));
    size_t next = 4;
    if (!form.integer) {
        form.a_negated = read_sign(d, next++);
        form.b_negated = read_sign(d, next++);
        if (form.element_bytes == 2) {
            form.a_transposed = !form.a_in_registers && read_flag(d, next++);
            form.b_transposed = read_flag(d, next++);
        }
    }
    if (d.operands() != next) d.refuse("has another number of operands");
}

void decode_mma_async(Decoding &d) {
    if (d.take("sp")) d.refuse("sparse matrices are not there");
    WgmmaForm form{};
    int m = 0;
    const std::string shape = d.take_any();
    if (std::sscanf(shape.c_str(), "m%dn%dk%d", &m, &form.n, &form.k) != 3 || m != 64)
        d.refuse("m64nNkK is expected");
    const bool saturates = d.take("satfinite");
    const Type result = d.take_type();
    form.a = d.take_type(), form.b = d.take_type();
    if (form.a == Type::b1) d.refuse("single bits are not there");
    form.element_bytes = form.a == Type::tf32 ? 4 : bits_of(form.a) / 8;
    if (!exists(form, result)) d.refuse("no such combination of shape and types");
    form.integer = result == Type::s32;
    if (saturates && !form.integer) d.refuse(".satfinite is for integers");
    form.type = result == Type::f32   ? Accumulator::f32
                : result == Type::f16 ? Accumulator::f16
                : saturates           ? Accumulator::s32_saturating
                                      : Accumulator::s32;
    read_operands(d, form, result);
    d.keep_slots();
    d.insn.unit = tensor_unit(form.a);
    d.insn.flops = 2 * 16 * form.n * form.k;  // a warp has 16 of the 64 rows
    d.insn.run = run_mma;
    d.insn.extra = d.keep(form);
}

void decode_wgmma(Decoding &d) {
    const std::string name = d.take_one_of({"mma_async", "fence", "commit_group", "wait_group"});
    const bool sync = d.take("sync");
    if (!d.take("aligned") || !sync || name.empty()) d.refuse(".sync.aligned is expected");
    d.meets();
    d.insn.cls = name == "mma_async" ? Class::matrix : Class::async;
    if (name == "mma_async") return decode_mma_async(d);
    d.insn.run = name == "fence" ? run_fence : name == "commit_group" ? run_commit : run_wait;
    if (name == "wait_group") d.insn.imm = d.immediate(d.operand(0));
}

RegisterDecoder wgmma{"wgmma", decode_wgmma};

}  // namespace
