// The PTX and the machine code that nvcc puts into a host object, for several GPUs.
#pragma once

#include <string>
#include <unordered_map>

// What ptxas reports of a kernel.
struct Resources {
    int registers = 0, local = 0;
};

struct FatBinary {
    std::string ptx;     // the text for device(); empty if there is none that it takes
    std::string target;  // its "sm_80"
    std::string found;   // the targets of all texts, for messages
    std::unordered_map<std::string, Resources>
        resources;  // from the machine code for the same GPU, by kernel
};

// `wrapper` is what __cudaRegisterFatBinary gets.  Throws std::runtime_error for what is no fat binary.
FatBinary read_fat_binary(const void *wrapper);
