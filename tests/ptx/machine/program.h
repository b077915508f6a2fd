// A kernel in the form that runs: instructions of 32 lanes.
//
// A register is a slot of the warp's frame: 32 values of 4 bytes, one for each lane; 64-bit registers
// take two slots (32 values of 8 bytes), 128-bit ones four (32 low halves, then 32 high halves).  8-
// and 16-bit values stand in 4 bytes, zero-extended.  A predicate is a mask of lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../text/module.h"

constexpr int LANES = 32;
using Mask = uint32_t;
constexpr Mask ALL = ~0u;

struct Warp;
struct Insn;
using Handler = void (*)(Warp &, const Insn &);

// What the counters sort instructions by.
enum class Class : uint8_t {
    integer,
    float32,
    float64,
    half,
    convert,
    special,
    control,
    load,
    store,
    atomic,
    sync,
    warp,
    matrix,
    async,
    other,
    count
};
// Where floating-point operations are done.
enum class Unit : uint8_t {
    none,
    fp32,
    fp64,
    fp16,
    tensor_f16,
    tensor_bf16,
    tensor_tf32,
    tensor_f8,
    tensor_s8,
    tensor_f64,
    count
};

struct Counts {                     // of one instruction, over all launches
    uint64_t warps = 0, lanes = 0;  // how often a warp ran it, with how many lanes
    uint64_t bytes = 0;             // moved, all lanes
    uint64_t sectors = 0,
             ideal = 0;  // 32-byte sectors of global memory: touched, and the fewest for these bytes
    uint64_t wavefronts = 0, ideal_wavefronts = 0;  // passes through shared memory, and the fewest
};

struct Insn {
    Handler run = nullptr;
    const int32_t *ops =
        nullptr;         // flattened operands, in the order in which the decoder appended them
    int32_t guard = -1;  // index of a predicate, or -1
    bool guard_negated = false;
    bool leader = false;        // lanes that went apart may meet here
    bool wide_address = false;  // the base of an address has 64 bits
    uint8_t bytes = 0;          // of one lane's element in memory
    uint8_t count = 1;          // elements of a vector
    Class cls = Class::other;
    Unit unit = Unit::none;
    uint32_t flops = 0;   // for each lane; of matrix instructions for each warp
    int32_t target = -1;  // of a branch or call
    int64_t imm = 0;      // offset of an address, or what the family likes
    int64_t imm2 = 0;
    const void *extra = nullptr;  // what a decoder keeps for its handler; lives as long as the program
    int32_t line = 0;             // of the PTX
    int32_t location = 0;         // index in Module::locations
    mutable Counts counts;
};

struct Param {
    int offset, bytes;
};

struct Program {
    std::string name, readable;  // as PTX has it, and demangled
    const Module *module = nullptr;
    std::vector<Insn> code;  // of the entry, then of the functions that it calls
    std::vector<int32_t> operands;
    std::vector<uint32_t> constants;          // 32 copies of each
    std::vector<std::shared_ptr<void>> kept;  // what Insn::extra points to
    int slots = 0, preds = 0;
    std::vector<Param> params;  // of the entry, in its parameter space
    int param_bytes = 0;
    int shared_bytes = 0;  // static; dynamic shared memory begins here, aligned
    int shared_align = 16;
    int local_bytes = 0;  // a thread's: .local and .param variables of the bodies
    int max_threads = 0, min_blocks = 0, required_threads[3] = {}, required_cluster[3] = {};
    bool explicit_cluster = false;
    int registers = 0;  // a thread's as ptxas reports them; 0 = unknown
    uint64_t launches = 0, blocks = 0, threads = 0;
    double waves = 0;  // sum over launches, of the chosen device
};

// Shared memory begins here in a block's window, as on GPUs (below it lies what the system keeps for
// itself): an offset of 0 is never valid.
constexpr uint32_t SHARED_BEGIN = 1024;
