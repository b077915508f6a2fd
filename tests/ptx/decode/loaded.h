// A module on the device: its text, and where its variables lie.
#pragma once

#include <string>
#include <unordered_map>

#include "../text/module.h"

struct LoadedModule {
    Module module;
    std::unordered_map<std::string, void *> variables;  // of .global and .const: their places in memory
    // The functions that have a body, by name; they point into `module`.
    std::unordered_map<std::string, const Function *> functions;
};
