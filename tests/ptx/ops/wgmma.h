// wgmma: what is pending, of a warp and of the four warps of a warpgroup.
//
// A product is made when all four warps have issued it, some time later (defer), in the order of issue;
// at the latest when a warp waits for it. Its registers count as in use until then.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "../machine/block.h"
#include "mma_product.h"

constexpr int WARPGROUP = 4;  // warps

// What a decoder says of wgmma.mma_async.  ops: d, then a (registers, or a descriptor), b, scale-d (two
// entries).
struct WgmmaForm {
    int n, k, element_bytes;
    Accumulator type;
    bool integer;
    bool a_in_registers, a_transposed, b_transposed;
    bool a_negated, b_negated;
    Type a, b;
    int d_registers, a_operands;
};
const WgmmaForm &wgmma_form(const Insn &insn);

struct WgmmaProduct {
    struct Part {  // of a warp
        Warp *warp = nullptr;
        const Insn *insn = nullptr;
        bool accumulates = false;
    };
    Part parts[WARPGROUP];
    int joined = 0;         // warps that have issued it
    uint64_t a = 0, b = 0;  // descriptors
    uint64_t work = 0;      // of run_deferred
    bool complete = false, done = false;
};

struct Warpgroup {
    std::deque<std::shared_ptr<WgmmaProduct>>
        products;                 // in the order of issue; the first ones leave when done
    uint64_t first = 0;           // number of products[0]
    int warps = WARPGROUP;        // that it has (fewer is a finding)
    bool dropped = false;         // its block is no more
    std::vector<Warp *> waiting;  // until a product is complete
    // A product is done for all warps at once: when one of them has waited for it, none of them reads
    // any more, and whoever comes after that warp knows it.
    Agent agent = 0;                     // of these reads; its time is the number of the commit, from 1
    uint64_t waited = 0;                 // the last commit that a warp has waited for
    std::deque<std::vector<int>> reads;  // of the commits after it: handles of begin_async
};

struct WgmmaState {
    ~WgmmaState() { group->dropped = true; }
    std::shared_ptr<Warpgroup> group;
    uint64_t issued = 0, commits = 0;
    bool fenced = false;  // a wgmma.fence has been
    using Products = std::vector<std::shared_ptr<WgmmaProduct>>;
    Products open;  // not committed yet
    std::deque<Products> committed;
    // By slot of the frame: products in flight that have it as accumulator, as part of A; written since
    // the last fence.
    std::vector<uint16_t> accumulators, multiplicands;
    std::vector<bool> written;
};

WgmmaState &wgmma_state(Warp &warp);
// Makes the products of the group, in order, up to and with `last`; all of them are complete.
void make_products(Warpgroup &group, const WgmmaProduct &last);
// Has a complete product made some time later.
void defer_product(const std::shared_ptr<Warpgroup> &group,
                   const std::shared_ptr<WgmmaProduct> &product);
// Marks the memory that a warp's products read from now on, until end_async.
std::vector<int> begin_reads(Warp &w, const WgmmaState &state);
// Finds an operand of which a part lies outside of the block's memory.
void check_operands(Warp &w, const Insn &insn, const WgmmaProduct &product);

// How an instruction uses a register that some wgmma of its program uses, too.
struct RegisterUse {
    int32_t slot;
    bool reads, writes;
};
// From now on the instruction looks, each time, whether a product is in flight that uses the same
// registers. `copies`: it only moves a register into another.
void watch_registers(Insn &insn, const std::vector<RegisterUse> &uses, bool copies);
