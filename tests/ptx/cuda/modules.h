// The modules, kernels and variables that host objects register.  A module is read at its first use.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "../decode/loaded.h"
#include "../machine/block.h"
#include "api.h"
#include "fatbinary.h"

struct Kernel;

// The module of one host object.
struct Binary {
    const void *wrapper = nullptr;
    enum State { unread, ready, broken } state = unread;
    cudaError_t error = cudaSuccess;  // of a broken one
    FatBinary fat;
    LoadedModule loaded;
    struct ManagedVariable {
        void **host;
        std::string name;
    };
    std::vector<ManagedVariable> managed;
};

// How a kernel was launched.
struct Shape {
    Size3 grid, block, cluster;
    uint64_t dynamic_shared = 0;
    auto key() const {
        return std::tuple(grid.x, grid.y, grid.z, block.x, block.y, block.z, cluster.x, cluster.y,
                          cluster.z, dynamic_shared);
    }
    bool operator<(const Shape &other) const { return key() < other.key(); }
};

struct Kernel {
    Binary *binary = nullptr;
    std::string name;
    std::unique_ptr<Program> program;  // null until the first launch
    cudaError_t error = cudaSuccess;   // of one that cannot be decoded
    int dynamic_shared_most = -1;      // that cudaFuncSetAttribute allows; -1: the default
    int carveout = -1;
    bool any_cluster_size = false;
    std::map<Shape, uint64_t> shapes;  // of its launches, and how many
};

struct HostVariable {
    Binary *binary = nullptr;
    std::string name;
    size_t bytes = 0;
};

// Reads the module if that has not been done.
cudaError_t load(Binary &binary);
// Finds the kernel of a host function's address or of a handle; nullptr: unknown.
Kernel *find_kernel(const void *function);
// Decodes it if that has not been done; a PTX instruction that is not understood is a finding.
cudaError_t decode(Kernel &kernel);
// Where a host variable's counterpart lies.
cudaError_t find_variable(const void *host, void **at, size_t *bytes);
// All kernels that have run, for the report.
std::vector<const Kernel *> kernels_that_ran();
