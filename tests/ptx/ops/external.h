// Functions that PTX calls and that the device brings along: printf, assert, malloc.
#pragma once

#include <string>

#include "../decode/decode.h"
#include "../machine/warp.h"

// Runs the call for one lane.
using ExternalFunction = void (*)(Warp &w, const Insn &insn, int lane, const Call &call);
ExternalFunction external_function(const std::string &name);  // nullptr: unknown

unsigned char *local_memory(Warp &w, int lane);  // a thread's, from offset 0
