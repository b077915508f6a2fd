// Races: accesses to the same bytes of which at least one writes, and which nothing orders.
//
// A segment is what a warp does between two points of synchronisation; its number stands for (agent,
// time).  Numbers grow over the whole process, so that those of earlier launches (or of blocks that had
// the same shared memory before) are told by their size: nothing is ever cleared.  Each unit of memory
// remembers its last writer and one reader.  A cell that is overwritten can hide a race, but no access
// is found to race that does not.
#pragma once

#include "../machine/program.h"
#include "memory.h"
#include "shadow.h"

uint32_t segment_of(WarpClock &clock);            // of what the warp does now
uint32_t segment_of(Agent agent, uint32_t time);  // of a time that is past
uint32_t next_segment();                          // all that begins from now on is not less
Agent agent_of(uint32_t segment);
bool is_known(uint32_t segment, const Times &known);
constexpr Agent ASYNC_AGENTS = 1u << 31;  // from here on agents are asynchronous copies
bool begin_segments();  // of a launch; false: they begin anew, and all cells must be forgotten

// An instruction's accesses to one piece of memory.
struct Visit {
    Warp &warp;
    const Insn &insn;
    const Request &request;
    Space space;  // global or shared
    Shadow &shadow;
    unsigned char *memory;    // of offset 0
    uint64_t base;            // address of offset 0, for messages
    uint64_t mine;            // the cell that lane 0 leaves
    const uint64_t *offsets;  // of the lanes
    Mask lanes;               // those whose access is sound
    bool proxy = false;       // by an asynchronous copy
};
uint64_t cell_of(Warp &warp, const Insn &insn, const Request &request, bool proxy);

// `lanes` lanes from `first` on access `bytes` each, one behind the other from `offset` on, or all the
// same (`uniform`). Finds races, and remembers the accesses.  The range lies in one chunk.
void check_races(Visit &visit, size_t offset, size_t bytes, int first, int lanes, bool uniform);
// What a finished copy did, which counts as an access of (agent, time) that `c` names.
void remember_copy(Shadow &shadow, size_t offset, size_t bytes, bool writes, uint64_t c);
// All threads of a block have ended: finds accesses of other blocks of its cluster that may come later.
void check_leaving_block(Block &block);
