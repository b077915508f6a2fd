// From statements to instructions that run.  Each family of instructions registers its decoder (ops/); a
// decoder takes every modifier and operand of its statement, and what it leaves over is an error.
#pragma once

#include <string>

#include "../machine/program.h"
#include "../text/module.h"

struct FunctionDecoder;  // decode.cpp: registers, variables and constants of the function that is decoded

class Decoding {
   public:
    Decoding(FunctionDecoder &function, const Statement &statement, Insn &insn)
        : function(function), statement(statement), insn(insn) {}

    // ---- modifiers, in any order; each is taken once ----
    bool take(const char *modifier);          // is it there?
    std::string take_one_of(std::initializer_list<const char *> modifiers);  // "" if none is there
    Type take_type();                         // the next modifier that names a type; refuses if there is none
    bool has_type() const;
    std::string take_any();                   // the next one that is left, for ".m16n8k16" and the like; "" = none
    void ignore(std::initializer_list<const char *> modifiers);  // hints that change no result

    // ---- operands, in order ----
    // Each appends to insn.ops: the slot of a register, or ~(index of a constant).  A predicate is its index
    // in Warp::preds (~0 and ~1: constants false and true); `!p` is refused but by read_pred.
    const Operand &operand(size_t i) const;   // refuses if there are fewer
    size_t operands() const { return statement.operands.size(); }
    // One register or immediate of at most 64 bits, or the name of a variable or function: its address (as in
    // read_address), plus o.offset.
    void read(const Operand &o, Type type);
    void write(const Operand &o, Type type);  // one register, or _ (a slot that nobody reads)
    void read_write(const Operand &o, Type type);  // one entry in ops, read and written: accumulators
    void read_vector(const Operand &o, Type type, int count = 0);   // {..}, or one; count 0 = any
    void write_vector(const Operand &o, Type type, int count = 0);
    void read_pred(const Operand &o);         // appends the index, then 0 or 1 (negated)
    void write_pred(const Operand &o);        // `_`: an index that nobody reads
    // [base + offset]: appends the base as a 64-bit or 32-bit register or constant; insn.imm = offset.  A variable's
    // address is its place in its space (for shared memory the offset in the block's, for global memory the
    // host address). insn.wide_address says which width the base has.
    void read_address(const Operand &o);
    // The statement's label operand, as an index in Program::code, into insn.target.
    void read_label(const Operand &o);
    Type register_type(const Operand &o) const;  // as declared; none: it is no register
    const Variable *variable(const Operand &o) const;  // that the operand names; nullptr: none
    int64_t immediate(const Operand &o) const;  // refuses if it is no integer

    [[noreturn]] void refuse(const std::string &why) const;

    FunctionDecoder &function;
    const Statement &statement;
    Insn &insn;

   private:
    uint64_t taken_ = 0;  // bit i: modifier i
    friend struct FunctionDecoder;
};

using Decoder = void (*)(Decoding &);

// At namespace scope in ops/*.cpp: RegisterDecoder fma{"fma", decode_fma};
struct RegisterDecoder {
    RegisterDecoder(const char *opcode, Decoder decoder);
};

// Decodes an entry with all that it calls, lays out its variables and gives registers their slots.
// Throws PtxError; a message names opcode, modifiers, kernel and line.
struct LoadedModule;
Program *decode_entry(LoadedModule &module, const Function &entry);
