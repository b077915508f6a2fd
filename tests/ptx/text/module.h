// A PTX module as its text says it: variables, and functions of statements.  Nothing is understood yet.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "types.h"

// What is wrong with a text, and where.
struct PtxError : std::runtime_error {
    PtxError(int line, const std::string &what) : std::runtime_error(what), line(line) {}
    int line;
};

struct Operand {
    enum Kind {
        reg,      // `id` is its index in Function::registers
        integer,  // `bits`, sign-extended to 64
        real32,   // 0f...: `bits` of a float
        real64,   // 0d...: `bits` of a double; also decimal literals
        name,     // a variable, function, label or special register (%tid.x): `text`
        address,  // [base + offset]: parts[0] is the base (a register, name or integer); tensor
                  // addresses [map, {x, y}] have the further parts too
        vector,   // {a, b, ...}
        list,     // (a, b, ...), of calls
        pair,     // a|b, of shfl, setp, match, elect
        sink      // _
    } kind = sink;
    std::string text;
    int id = -1;
    uint64_t bits = 0;
    int64_t offset = 0;
    bool negated = false;  // !p
    std::vector<Operand> parts;
};

struct Statement {
    int guard = -1;  // index in Function::registers of a predicate
    bool guard_negated = false;
    std::string opcode;                  // "fma"
    std::vector<std::string> modifiers;  // "rn", "f32"; those with "::" stay whole ("shared::cta")
    std::vector<Operand> operands;
    int line = 0;      // in the PTX
    int location = 0;  // index in Module::locations; 0 = unknown
    uint32_t used_bytes =
        ~0u;  // of ld: those of its bytes that anybody looks at (.pragma "used_bytes_mask")
};

struct Register {
    std::string name;
    Type type;
};

struct Variable {
    enum Space { global, constant, shared, local, param } space;
    std::string name;
    Type type = Type::b8;
    int align = 1;
    uint64_t bytes = 0;  // 0 of an extern array: dynamic shared memory
    bool external = false;
    std::vector<uint8_t> init;  // empty = zeros
    struct Reference {
        uint64_t at;  // in `init`
        std::string symbol;
        int64_t offset;
        bool generic;
        int bytes;           // how many of the address, beginning at
        unsigned shift = 0;  // this bit of it: 0xFF00(symbol) is one byte, from bit 8
    };
    std::vector<Reference> references;  // addresses of other symbols within init
};

struct Function {
    std::string name;
    bool entry = false, external = false;  // external: declared only
    std::vector<Variable> returns, params;
    std::vector<Variable>
        locals;  // .local, .shared (demoted) and .param variables of the body, names made unique
    std::vector<Register> registers;
    std::vector<Statement> statements;
    std::unordered_map<std::string, int> labels;  // index of the statement that follows
    // .branchtargets and .calltargets by label
    std::unordered_map<std::string, std::vector<std::string>> targets;
    int max_threads = 0;            // .maxntid, product; 0 = none
    int required_threads[3] = {};   // .reqntid
    int min_blocks = 0;             // .minnctapersm
    int required_cluster[3] = {};   // .reqnctapercluster; explicit clusters of another size are refused
    bool explicit_cluster = false;  // .explicitcluster
    int line = 0;
};

struct Location {
    int file = 0, line = 0;  // where the statement was written
    int outer = 0;           // index of the location it was inlined at; 0 = none
};

struct Module {
    std::string version, target;  // "9.0", "sm_90a"
    std::vector<Variable> variables;
    std::vector<Function> functions;  // those with a body win over declarations of the same name
    std::vector<std::string> files{""};
    std::vector<Location> locations{{}};
};

// Reads a whole module.  Throws PtxError for what it does not know.
Module parse_module(const std::string &text);
