// From statements to instructions that run.  Each family of instructions registers its decoder (ops/);
// a decoder takes every modifier and operand of its statement, and what it leaves over is an error.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "../machine/program.h"
#include "../memory/memory.h"
#include "../text/module.h"

struct FunctionDecoder;  // registers, variables and constants of the function that is decoded

// What a call needs besides its target: Insn::extra.  Arguments and results stand in the thread's local
// memory.
struct Call {
    struct Copy {
        int from, to, bytes;  // offsets in local memory
    };
    std::vector<Copy> before, after;  // the jump; the return
    std::string external;             // the name of a function without a body (vprintf); else empty
    std::vector<Param> arguments, results;  // of the caller: places in local memory
};

class Decoding {
public:
    Decoding(FunctionDecoder &function, const Statement &statement, Insn &insn)
        : function(function), statement(statement), insn(insn) {}

    // ---- modifiers, in any order; each is taken once ----
    bool take(const char *modifier);                                         // is it there?
    std::string take_one_of(std::initializer_list<const char *> modifiers);  // "" if none is there
    Type take_type();  // the next modifier that names a type; refuses if there is none
    bool has_type() const;
    std::string take_any();  // the next one that is left, for ".m16n8k16" and the like; "" = none
    void ignore(std::initializer_list<const char *> modifiers);  // hints that change no result

    // ---- operands, in order ----
    // Each appends to insn.ops: the slot of a register, or ~(index of a constant).  A predicate is its
    // index in Warp::preds (~0 and ~1: constants false and true); `!p` is refused but by read_pred.
    const Operand &operand(size_t i) const;  // refuses if there are fewer
    size_t operands() const { return statement.operands.size(); }
    // One register or immediate of at most 64 bits, or the name of a variable or function: its address
    // (as in read_address), plus o.offset.
    void read(const Operand &o, Type type);
    void write(const Operand &o, Type type);       // one register, or _ (a slot that nobody reads)
    void read_write(const Operand &o, Type type);  // one entry in ops, read and written: accumulators
    void read_vector(const Operand &o, Type type, int count = 0);  // {..}, or one; count 0 = any
    void write_vector(const Operand &o, Type type, int count = 0);
    void read_pred(const Operand &o);   // appends the index, then 0 or 1 (negated)
    void write_pred(const Operand &o);  // `_`: an index that nobody reads
    // [base + offset]: appends the base as a 64-bit or 32-bit register or constant; insn.imm = offset.
    // A variable's address is its place in its space: global and constant memory the host's address;
    // shared memory the block's shared_base() with the offset; local memory the offset in the thread's;
    // parameters of an entry the offset in Launch::params.  insn.wide_address says which width the base
    // has.
    void read_address(const Operand &o);
    // Where the variable lies that an operand names (itself, or as the base of an address); generic if
    // it names none.  Parameters of functions and of calls (.param in bodies) are local memory, those
    // of the entry `param`.
    Space address_space_of(const Operand &o) const;
    // The bits of a register (also behind !); 0 of anything else.
    int width_of(const Operand &o) const;
    // The statement's label operand, as an index in Program::code, into insn.target.
    void read_label(const Operand &o);
    // All targets of a .branchtargets list; complete when the program is.
    const std::vector<int32_t> *read_targets(const Operand &o);
    // Decodes a whole call statement: insn.extra is a Call.  If the function has a body, insn.target is
    // its first instruction and ops[0] the slot for the place of return (32 bits a lane); otherwise
    // target stays -1.
    void read_call();
    // Appends the slot with the place of return, for `ret`; false in an entry, where `ret` ends the
    // thread.
    bool read_return();
    Type register_type(const Operand &o) const;  // as declared; none: it is no register
    int64_t immediate(const Operand &o) const;   // refuses if it is no integer

    [[noreturn]] void refuse(const std::string &why) const;

    // ---- what else an instruction may need ----
    void meets();  // lanes that went apart may meet at this instruction
    void
    keep_slots();  // the registers of this statement are written later: no others ever get their slots
    // Keeps a value as long as the program lives, for insn.extra.
    template <class T>
    T *keep(T value) {
        auto kept = std::make_shared<T>(std::move(value));
        keep_alive(kept);
        return kept.get();
    }

    FunctionDecoder &function;
    const Statement &statement;
    Insn &insn;

private:
    struct Entry {  // of insn.ops, before registers have slots
        enum Kind : uint8_t { plain, constant, reg, return_slot } kind;
        bool reads, writes;
        int32_t value;
    };
    void keep_alive(std::shared_ptr<void> kept);
    void append(const Operand &o, Type type, bool reads, bool writes);
    void append_register(const Operand &o, Type type, bool reads, bool writes);
    void append_vector(const Operand &o, Type type, int count, bool reads, bool writes);
    void append_immediate(const Operand &o, Type type);
    void append_name(const Operand &o, Type type);

    uint64_t taken_ = 0;  // bit i: modifier i
    bool keeps_slots_ = false;
    std::vector<Entry> entries_;
    friend struct FunctionDecoder;
};

using Decoder = void (*)(Decoding &);

// Stands at namespace scope in ops/*.cpp: RegisterDecoder fma{"fma", decode_fma};
struct RegisterDecoder {
    RegisterDecoder(const char *opcode, Decoder decoder);
};

// Decodes an entry with all that it calls, lays out its variables and gives registers their slots.
// Throws PtxError; a message names opcode, modifiers, kernel and line.
// With `errors`, statements that nobody understands are left out and their errors appended there.
struct LoadedModule;
Program *decode_entry(LoadedModule &module, const Function &entry,
                      std::vector<PtxError> *errors = nullptr);
