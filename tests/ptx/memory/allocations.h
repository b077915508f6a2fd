// The device's allocations, those that were released too.
#pragma once

#include <string>

#include "shadow.h"

struct Allocation {
    uint64_t begin, end;
    std::string what;
    bool live = true, host = false;
    uint64_t base;  // `begin`, aligned: offset 0 of the shadow
    Shadow shadow;
    Allocation(uint64_t begin, size_t bytes, const char *what, bool host)
        : begin(begin),
          end(begin + bytes),
          what(what),
          host(host),
          base(begin / 256 * 256),
          shadow(end - base, host) {}
};

// The one that `address` lies in, released ones too; or null.
Allocation *find_allocation(uint64_t address);
// "4 bytes behind an allocation of 400 bytes", of an address that lies in none.
std::string describe_place(uint64_t address);
// All cells were made for segments that are used again.
void forget_all_cells();
