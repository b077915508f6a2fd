// What a library's call reads and writes, for the runner's checks.
#pragma once

#include <cstddef>
#include <vector>

struct Range {
    const void *at;
    size_t bytes;
};

// To be called before the call itself.  False if some of it is not the device's, which is a finding.
// Whatever the library leaves in its workspace, nobody may rely on: it is spoilt once the call has run.
bool touches(const char *what, const std::vector<Range> &reads, const std::vector<Range> &writes,
             Range workspace = {nullptr, 0});
