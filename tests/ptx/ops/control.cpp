// Where the code continues: branches, the end of threads, what stops a kernel, and what does nothing
// here.
#include <bit>

#include "../checks/findings.h"
#include "../decode/decode.h"
#include "../machine/block.h"

namespace {

void run_bra(Warp &w, const Insn &insn) { w.branch(insn.target); }

void decode_bra(Decoding &d) {
    d.ignore({"uni"});
    d.read_label(d.operand(0));
    d.insn.cls = Class::control;
    d.insn.run = run_bra;
}

void run_exit(Warp &w, const Insn &) { w.exit(); }

void decode_exit(Decoding &d) {
    d.insn.cls = Class::control;
    d.insn.run = run_exit;
}

void run_trap(Warp &w, const Insn &insn) {
    finding(w, insn, std::countr_zero(w.exec), Check::wrong_use, "the kernel stops itself (%s)",
            insn.imm != 0 ? "brkpt" : "trap");
    w.block->launch->failure = Launch::trap;
    w.exit();
}

void decode_trap(Decoding &d) {
    d.insn.cls = Class::control;
    d.insn.imm = d.statement.opcode == "brkpt";
    d.insn.run = run_trap;
}

void run_nanosleep(Warp &w, const Insn &) { w.yield(); }

void decode_nanosleep(Decoding &d) {
    d.take("u32");
    d.read(d.operand(0), Type::u32);
    d.insn.cls = Class::control;
    d.insn.run = run_nanosleep;
}

void run_nothing(Warp &, const Insn &) {}

void decode_pmevent(Decoding &d) {
    d.ignore({"mask"});
    d.insn.run = run_nothing;
}

void decode_griddepcontrol(Decoding &d) {
    if (d.take_one_of({"launch_dependents", "wait"}).empty())
        d.refuse("neither .launch_dependents nor .wait");
    d.insn.cls = Class::control;
    d.insn.run = run_nothing;  // launches run one after another: what a dependent one waits for is done
}

void decode_unsupported(Decoding &d) { d.refuse("this instruction is not supported"); }

RegisterDecoder bra{"bra", decode_bra};
RegisterDecoder exit_{"exit", decode_exit};
RegisterDecoder trap{"trap", decode_trap};
RegisterDecoder brkpt{"brkpt", decode_trap};
RegisterDecoder nanosleep_{"nanosleep", decode_nanosleep};
RegisterDecoder pmevent{"pmevent", decode_pmevent};
RegisterDecoder griddepcontrol{"griddepcontrol", decode_griddepcontrol};
RegisterDecoder clusterlaunchcontrol{"clusterlaunchcontrol", decode_unsupported};
RegisterDecoder tensormap{"tensormap", decode_unsupported};
RegisterDecoder multimem{"multimem", decode_unsupported};

}  // namespace
