// setmaxnreg: warps of a block give registers back, and others take them.
#include <algorithm>
#include <utility>

#include "../decode/decode.h"
#include "async_state.h"

namespace {

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

RegisterDecoder setmaxnreg{"setmaxnreg", decode_setmaxnreg};

}  // namespace
