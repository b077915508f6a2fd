// Fences between generic and asynchronous accesses, registers that warps hand each other, dependent
// launches.
#include <algorithm>

#include "async_decode.h"
#include "async_operands.h"

namespace {

void run_proxy_fence(Warp &w, const Insn &) { w.clock.proxy_fence(); }
void run_fence(Warp &w, const Insn &) { w.clock.fence(Scope::device); }
void run_init_fence(Warp &w, const Insn &) { w.clock.fence_release(Scope::device); }

void decode_tensormap_fence(Decoding &d) {
    if (d.take_one_of({"cta", "cluster", "gpu", "sys"}).empty()) d.refuse("a scope is missing");
    if (d.take("acquire")) {
        int at = 0;
        take_address(d, d.operand(0), at);
        if (d.immediate(d.operand(1)) != 128) d.refuse("only of 128 bytes");
    } else if (!d.take("release")) {
        d.refuse("neither .acquire nor .release");
    }
    d.insn.run = run_fence;
}

// ---- setmaxnreg: a block's warps share what they have given back ----
// What ptxas gives a thread if nothing says so: what the most threads of a block leave.
int launched_registers(const Warp &w) {
    if (w.program->registers > 0) return w.program->registers;
    const int most = device().registers_per_multiprocessor / w.block->threads();
    return std::min(most, device().registers_per_thread) / 8 * 8;
}

int &registers_of(Warp &w) {
    int &registers = async_state(w).registers;
    if (registers == 0) registers = launched_registers(w);
    return registers;
}

void run_release_registers(Warp &w, const Insn &insn) {
    if (!w.meet(w.present)) return;
    int &registers = registers_of(w);
    const int wanted = insn.imm;
    if (wanted > registers)
        finding(w, insn, -1, Check::wrong_use, "setmaxnreg.dec to %d registers from %d", wanted,
                registers);
    BlockAsync &block = block_async(*w.block);
    block.spare_registers += std::max(0, registers - wanted);
    registers = wanted;
    for (Warp *waiting : std::exchange(block.awaiting_registers, {})) waiting->resume(ALL);
    note_progress();
}

void run_take_registers(Warp &w, const Insn &insn) {
    if (!w.meet(w.present)) return;
    int &registers = registers_of(w);
    const int more = insn.imm - registers;
    if (more < 0)
        finding(w, insn, -1, Check::wrong_use, "setmaxnreg.inc to %d registers from %d", (int)insn.imm,
                registers);
    BlockAsync &block = block_async(*w.block);
    if (more > block.spare_registers) {
        block.awaiting_registers.push_back(&w);
        w.wait_and_retry();
        return;
    }
    block.spare_registers -= std::max(0, more);
    registers = insn.imm;
}

void decode_setmaxnreg(Decoding &d) {
    const std::string way = d.take_one_of({"inc", "dec"});
    if (way.empty() || !d.take("sync") || !d.take("aligned") || !d.take("u32"))
        d.refuse(".{inc, dec}.sync.aligned.u32");
    d.insn.imm = d.immediate(d.operand(0));
    if (d.insn.imm < 24 || d.insn.imm > 256 || d.insn.imm % 8 != 0)
        d.refuse(std::to_string(d.insn.imm) + " registers: 24 to 256, in steps of 8");
    d.insn.cls = Class::control;
    d.insn.run = way == "inc" ? run_take_registers : run_release_registers;
}

// Launches run one after another: what a dependent launch waits for is done.
void run_nothing(Warp &, const Insn &) {}

void decode_griddepcontrol(Decoding &d) {
    if (d.take_one_of({"launch_dependents", "wait"}).empty())
        d.refuse("neither .launch_dependents nor .wait");
    d.insn.cls = Class::control;
    d.insn.run = run_nothing;
}

void decode_unsupported(Decoding &d) { d.refuse("this instruction is not supported"); }

RegisterDecoder setmaxnreg{"setmaxnreg", decode_setmaxnreg};
RegisterDecoder griddepcontrol{"griddepcontrol", decode_griddepcontrol};
RegisterDecoder clusterlaunchcontrol{"clusterlaunchcontrol", decode_unsupported};
RegisterDecoder tensormap{"tensormap", decode_unsupported};
RegisterDecoder multimem{"multimem", decode_unsupported};

}  // namespace

bool decode_proxy_fence(Decoding &d) {
    d.insn.cls = Class::sync;
    if (d.take("mbarrier_init")) {
        if (!d.take("release") || !d.take("cluster")) d.refuse("only .mbarrier_init.release.cluster");
        d.insn.run = run_init_fence;
        return true;
    }
    if (!d.take("proxy")) return false;
    if (d.take("tensormap::generic")) {
        decode_tensormap_fence(d);
    } else if (d.take("async")) {
        d.take_one_of({"global", "shared::cta", "shared::cluster"});
        d.insn.run = run_proxy_fence;
    } else if (d.take("async::generic")) {
        const std::string way = d.take_one_of({"acquire", "release"});
        const std::string what =
            way == "acquire" ? "sync_restrict::shared::cluster" : "sync_restrict::shared::cta";
        if (way.empty() || !d.take(what.c_str()) || !d.take("cluster"))
            d.refuse("a form that is not supported");
        d.insn.run = run_proxy_fence;
    } else if (d.take("alias")) {
        d.insn.run = run_fence;
    } else {
        d.refuse("a proxy that is not supported");
    }
    return true;
}
