// One function on its way to instructions: what Decoding asks about it, and what becomes of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decode.h"
#include "liveness.h"
#include "loaded.h"

// Where a variable lies.
struct Place {
    Space space;
    uint64_t
        address;  // host address, offset in local memory or parameters; of shared variables nothing yet
    const Variable *variable;
};

struct ProgramDecoder;

struct FunctionDecoder {
    FunctionDecoder(ProgramDecoder &program, const Function &function);

    void decode();
    // ---- for Decoding ----
    using Entry = Decoding::Entry;
    const Function &function;
    ProgramDecoder &program;
    int temporary(Type type);
    int bits_of_register(int id) const { return bits_of(registers[id]); }
    const Place *find_place(const std::string &name);
    int shared_address(const Variable &variable, bool wide);  // a register that holds it
    void emit(const Insn &insn, std::vector<Entry> entries, const Statement &statement, bool guarded);
    // Adds an instruction after the statement's own: `to` = the value of `type` in `from`, extended.
    void extend_later(int to, int from, Type type);
    void add_jump(const std::string &label, std::vector<int32_t> *table, size_t index);
    [[noreturn]] void fail(const Statement &statement, const std::string &why) const;

    // ---- for ProgramDecoder: after all are decoded ----
    void allocate();  // gives registers their slots
    void place(int first_instruction, int first_slot, int first_pred);
    void append_to(Program &to);
    int slots = 0, preds = 0;  // how many
    int return_slot_in_program() const { return first_slot + return_slot; }
    int first = 0;  // instruction in the program
    struct Item {
        Insn insn;
        int first, count;  // of `entries`
        bool guarded, falls_through;
        const FunctionDecoder *callee;
        bool copies;  // a register into another
    };
    std::vector<Item> items;

private:
    struct Jump {
        int item, statement;
        std::vector<int32_t> *table;  // nullptr: the item's target
        size_t index;
    };
    void decode_statement(const Statement &statement);
    void decode_or_note(const Statement &statement);
    void run_decoder(Decoding &decoding);
    void insert_prologue();
    void resolve_jumps();
    int32_t resolve(const Entry &entry) const;
    Flow flow_of_items() const;
    void watch_kept(const Item &item, Insn &insn) const;
    void watch_undefined_reads(Program &to) const;
    bool is_pred(int id) const { return registers[id] == Type::pred; }
    friend class Decoding;

    std::vector<Type> registers;  // the function's, then temporaries
    std::vector<bool> kept;       // their slots are theirs alone
    std::vector<int> slot_of;
    std::vector<Entry> entries;
    std::vector<int> first_item;  // of each statement, and of the end
    std::vector<Jump> jumps;
    std::vector<std::pair<int, int>> flow_jumps;  // items: from, to
    std::unordered_map<std::string, Place> places;
    std::map<std::pair<const Variable *, bool>, int> shared_addresses;
    struct Extension {
        int to, from;
        Type type;
    };
    std::vector<Extension> extensions_;        // of the present statement
    const FunctionDecoder *callee_ = nullptr;  // of the present statement
    bool leads_next_ = true;                   // lanes may meet at the next statement
    int first_slot = 0, first_pred = 0, return_slot = -1;
};

// A program on its way: its functions, memory and constants.
struct ProgramDecoder {
    ProgramDecoder(LoadedModule &module, const Function &entry, std::vector<PtxError> *errors);
    Program *decode();

    LoadedModule &module;
    const Function &entry;
    std::vector<PtxError> *errors;
    std::unique_ptr<Program> program;
    const Variable *find_module_variable(const std::string &name) const;
    int constant(uint64_t value, bool wide);  // its index
    uint64_t local_place(const Variable &variable);
    void need_shared(const Variable &variable);
    int number_of(const FunctionDecoder *function) const;
    int32_t return_slot_of(int function) const {
        return functions_[function]->return_slot_in_program();
    }
    // Decodes a function at its first call; nullptr: it has no body.
    FunctionDecoder *callee(const std::string &name, const Statement &statement,
                            const FunctionDecoder &caller);

private:
    void lay_out_parameters();
    void lay_out_shared();
    void assemble();

    std::vector<std::unique_ptr<FunctionDecoder>> functions_;  // the entry first
    std::vector<const FunctionDecoder *> active_;              // those that are being decoded
    std::unordered_map<std::string, const Variable *> variables_;
    std::map<std::pair<uint64_t, bool>, int> constants_;
    std::unordered_map<const Variable *, uint64_t> local_offset_;
    std::vector<const Variable *> shared_;
    std::unordered_map<const Variable *, uint32_t> shared_offset_;
};

// Handlers of the instructions that no statement says: they fit registers to the types of operands
// (glue.cpp).
Handler truncating_handler();                       // 32 bits of 64
Handler extending_handler(Type type, int to_bits);  // a value of `type` in 32 or 64 bits
Handler shared_address_handler(bool wide);          // of imm, in the block
// From now on `insn` reports, where it runs, that it reads `name`, which nothing has written.
void watch_undefined(Insn &insn, const std::string &name);
Decoder find_decoder(const std::string &opcode);
