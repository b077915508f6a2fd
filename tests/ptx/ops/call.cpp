// Calls of functions within a module, returns, and branches with a table of targets.
#include <bit>
#include <cstring>

#include "../decode/decode.h"
#include "../machine/block.h"
#include "external.h"

namespace {

void copy_local(Warp &w, int lane, const std::vector<Call::Copy> &copies) {
    unsigned char *local = local_memory(w, lane);
    for (const Call::Copy &copy : copies) memcpy(local + copy.to, local + copy.from, copy.bytes);
}

template <class F>
void each_lane(Mask lanes, F f) {
    for (; lanes != 0; lanes &= lanes - 1) f(std::countr_zero(lanes));
}

// Sends `lanes` of the present group there; the group is split if they are not all of it.
void go_to(Warp &w, int place, Mask lanes) {
    if (lanes == w.active)
        w.pc = place;
    else
        w.fork(place, lanes);
}

void run_call(Warp &w, const Insn &insn) {
    const Call &call = *(const Call *)insn.extra;
    each_lane(w.exec, [&](int lane) { copy_local(w, lane, call.before); });
    const int place = w.pc - 1;
    w.set<uint32_t>(insn.ops[0], [&](int) { return place; });
    w.branch(insn.target);
}

void run_external_call(Warp &w, const Insn &insn) {
    const Call &call = *(const Call *)insn.extra;
    each_lane(w.exec, [&](int lane) { external_function(call.external)(w, insn, lane, call); });
}

void decode_call(Decoding &d) {
    d.ignore({"uni"});
    d.read_call();
    d.insn.cls = Class::control;
    const Call &call = *(const Call *)d.insn.extra;
    if (d.insn.target < 0 && external_function(call.external) == nullptr)
        d.refuse("the function " + call.external + " has no body, and is none that the runner knows");
    d.insn.run = call.external.empty() ? run_call : run_external_call;
}

// Lanes may have come from different calls.
void run_return(Warp &w, const Insn &insn) {
    const uint32_t *places = w.at<uint32_t>(insn.ops[0]);
    const Insn *code = w.program->code.data();
    for (Mask left = w.exec; left != 0;) {
        const uint32_t place = places[std::countr_zero(left)];
        Mask same = 0;
        each_lane(left, [&](int lane) { same |= (Mask)(places[lane] == place) << lane; });
        const Call &call = *(const Call *)code[place].extra;
        each_lane(same, [&](int lane) { copy_local(w, lane, call.after); });
        go_to(w, place + 1, same);
        left &= ~same;
    }
}

void run_exit(Warp &w, const Insn &) { w.exit(); }

void decode_return(Decoding &d) {
    d.ignore({"uni"});
    d.insn.cls = Class::control;
    d.insn.run = d.read_return() ? run_return : run_exit;
}

void run_table_branch(Warp &w, const Insn &insn) {
    const auto &targets = *(const std::vector<int32_t> *)insn.extra;
    const uint32_t *index = w.at<uint32_t>(insn.ops[0]);
    for (Mask left = w.exec; left != 0;) {
        const uint32_t chosen = index[std::countr_zero(left)];
        Mask same = 0;
        each_lane(left, [&](int lane) { same |= (Mask)(index[lane] == chosen) << lane; });
        // PTX promises nothing outside of the table; the last target is as good as any.
        go_to(w, targets[std::min<size_t>(chosen, targets.size() - 1)], same);
        left &= ~same;
    }
}

void decode_table_branch(Decoding &d) {
    if (!d.take("idx")) d.refuse("expected .idx");
    d.ignore({"uni"});
    d.read(d.operand(0), Type::u32);
    d.insn.extra = d.read_targets(d.operand(1));
    d.insn.cls = Class::control;
    d.insn.run = run_table_branch;
}

RegisterDecoder call{"call", decode_call};
RegisterDecoder ret{"ret", decode_return};
RegisterDecoder brx{"brx", decode_table_branch};

}  // namespace
