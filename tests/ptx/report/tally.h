// Counters added up: over a kernel, or over the instructions of one source line.
#pragma once

#include "../machine/program.h"

enum class Way : uint8_t { load, store, atomic, copy, count };  // copy: asynchronous

struct Traffic {
    uint64_t requests = 0, bytes = 0;
    uint64_t units = 0, ideal = 0;  // sectors of global memory, or passes through shared memory
};

struct Tally {
    uint64_t warps[(int)Class::count] = {}, threads[(int)Class::count] = {};
    uint64_t flop[(int)Unit::count] = {};
    Traffic global[(int)Way::count], shared[(int)Way::count];

    void add(const Insn &insn);
    uint64_t all_warps() const;
    uint64_t all_threads() const;
};

const char *name_of(Class cls);
const char *name_of(Unit unit);
const char *name_of(Way way);
