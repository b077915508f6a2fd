#include "modules.h"

#include <cstring>
#include <map>
#include <set>

#include "../checks/findings.h"
#include "../decode/decode.h"
#include "../device.h"
#include "../memory/memory.h"
#include "exchange.h"

namespace {

// It is never destroyed: the report needs it when everything else is gone.
struct Registry {
    std::vector<std::unique_ptr<Binary>> binaries;
    std::vector<std::unique_ptr<Kernel>> kernels;
    std::map<const void *, Kernel *> by_host;
    std::set<const void *> handles;  // of kernels
    std::map<const void *, HostVariable> variables;
};

Registry &registry() {
    static auto *registry = new Registry;
    return *registry;
}

cudaError_t broken(Binary &binary, cudaError_t error) {
    binary.state = Binary::broken;
    return binary.error = error;
}

void place_variables(LoadedModule &loaded) {
    for (const Variable &v : loaded.module.variables) {
        if (v.space != Variable::global && v.space != Variable::constant) continue;
        if (v.external) throw PtxError(0, "variable " + v.name + " is defined in another module");
        void *at = device_allocate(v.bytes, v.name.c_str());
        if (at == nullptr) throw PtxError(0, "no memory for variable " + v.name);
        std::memset(at, 0, v.bytes);
        std::memcpy(at, v.init.data(), v.init.size());
        device_wrote(at, v.bytes);
        loaded.variables[v.name] = at;
    }
    for (const Variable &v : loaded.module.variables)
        for (const Variable::Reference &r : v.references) {
            const auto found = loaded.variables.find(r.symbol);
            // Calls through tables of functions are refused where they are made.
            if (loaded.functions.count(r.symbol) > 0) continue;
            if (found == loaded.variables.end())
                throw PtxError(0, "variable " + v.name + " holds the address of " + r.symbol +
                                      ", which is not known");
            const uint64_t address = ((uint64_t)found->second + r.offset) >> r.shift;
            std::memcpy((char *)loaded.variables.at(v.name) + r.at, &address, r.bytes);
        }
}

void read_module(Binary &binary) {
    LoadedModule &loaded = binary.loaded;
    loaded.module = parse_module(binary.fat.ptx);
    for (const Function &f : loaded.module.functions)
        if (!f.external) loaded.functions[f.name] = &f;
    place_variables(loaded);
    for (const Binary::ManagedVariable &m : binary.managed) {
        const auto found = loaded.variables.find(m.name);
        if (found != loaded.variables.end()) *m.host = found->second;
    }
}

}  // namespace

cudaError_t load(Binary &binary) {
    if (binary.state != Binary::unread) return binary.error;
    try {
        binary.fat = read_fat_binary(binary.wrapper);
    } catch (const std::exception &e) {
        host_finding(Check::wrong_use, "a fat binary %s", e.what());
        return broken(binary, cudaErrorInvalidKernelImage);
    }
    if (binary.fat.ptx.empty()) return broken(binary, cudaErrorNoKernelImageForDevice);
    exchange(binary.fat.ptx);
    binary.state = Binary::ready;
    try {
        read_module(binary);
    } catch (const PtxError &e) {
        host_finding(Check::wrong_use, "the PTX for %s, line %d: %s", binary.fat.target.c_str(), e.line,
                     e.what());
        return broken(binary, cudaErrorInvalidPtx);
    }
    return cudaSuccess;
}

cudaError_t decode(Kernel &kernel) {
    if (kernel.program != nullptr || kernel.error != cudaSuccess) return kernel.error;
    Binary &binary = *kernel.binary;
    if (const cudaError_t error = load(binary); error != cudaSuccess) {
        if (error == cudaErrorNoKernelImageForDevice)
            host_finding(Check::wrong_use, "kernel %s: no PTX that device %d.%d takes (found: %s)",
                         kernel.name.c_str(), device().major, device().minor,
                         binary.fat.found.empty() ? "none" : binary.fat.found.c_str());
        return kernel.error = error;
    }
    const auto found = binary.loaded.functions.find(kernel.name);
    if (found == binary.loaded.functions.end() || !found->second->entry)
        return kernel.error = cudaErrorInvalidDeviceFunction;
    try {
        kernel.program.reset(decode_entry(binary.loaded, *found->second));
    } catch (const PtxError &e) {
        host_finding(Check::wrong_use, "%s, for %s", e.what(), binary.fat.target.c_str());
        return kernel.error = cudaErrorInvalidPtx;
    }
    const auto resources = binary.fat.resources.find(kernel.name);
    if (resources != binary.fat.resources.end())
        kernel.program->registers = resources->second.registers;
    return cudaSuccess;
}

Kernel *find_kernel(const void *function) {
    const auto found = registry().by_host.find(function);
    if (found != registry().by_host.end()) return found->second;
    return registry().handles.contains(function) ? (Kernel *)function : nullptr;
}

cudaError_t find_variable(const void *host, void **at, size_t *bytes) {
    const auto found = registry().variables.find(host);
    if (found == registry().variables.end()) return cudaErrorInvalidSymbol;
    HostVariable &v = found->second;
    if (const cudaError_t error = load(*v.binary); error != cudaSuccess) return error;
    const auto place = v.binary->loaded.variables.find(v.name);
    // Variables that no kernel uses are not in the PTX.
    if (place == v.binary->loaded.variables.end()) return cudaErrorInvalidSymbol;
    *at = place->second, *bytes = v.bytes;
    return cudaSuccess;
}

std::vector<const Kernel *> kernels_that_ran() {
    std::vector<const Kernel *> result;
    for (const auto &k : registry().kernels)
        if (k->program != nullptr && k->program->launches > 0) result.push_back(k.get());
    return result;
}

// ---- what nvcc's host code calls before main ----

void **__cudaRegisterFatBinary(void *wrapper) {
    API_GUARD;
    auto binary = std::make_unique<Binary>();
    binary->wrapper = wrapper;
    registry().binaries.push_back(std::move(binary));
    return (void **)registry().binaries.back().get();
}

void __cudaRegisterFatBinaryEnd(void **) {}
void __cudaUnregisterFatBinary(void **) {}

void __cudaRegisterFunction(void **handle, const char *host, char *, const char *name, int, uint3 *,
                            uint3 *, dim3 *, dim3 *, int *) {
    API_GUARD;
    auto kernel = std::make_unique<Kernel>();
    kernel->binary = (Binary *)handle, kernel->name = name;
    registry().by_host[host] = kernel.get();
    registry().handles.insert(kernel.get());
    registry().kernels.push_back(std::move(kernel));
}

void __cudaRegisterVar(void **handle, char *host, char *, const char *name, int, size_t bytes, int,
                       int) {
    API_GUARD;
    registry().variables[host] = {(Binary *)handle, name, bytes};
}

void __cudaRegisterManagedVar(void **handle, void **host, char *, const char *name, int, size_t bytes,
                              int, int) {
    API_GUARD;
    ((Binary *)handle)->managed.push_back({host, name});
    registry().variables[host] = {(Binary *)handle, name, bytes};
}

char __cudaInitModule(void **handle) {
    API_GUARD;
    return load(*(Binary *)handle) == cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host) {
    API_GUARD;
    Kernel *found = find_kernel(host);
    *kernel = (cudaKernel_t)found;
    return result(found != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction);
}
