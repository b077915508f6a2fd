// What ptxas says of its kernels in their machine code.
#pragma once

#include "fatbinary.h"

// Throws std::runtime_error if the file is not whole.
void read_cubin(const std::string &elf, std::unordered_map<std::string, Resources> &resources);
