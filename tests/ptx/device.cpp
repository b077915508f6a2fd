// The limits of three GPUs, as CUDA's occupancy calculator and their data sheets give them.
#include "device.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr size_t GIB = (size_t)1 << 30;

// Less memory than the GPUs have: what is allocated here must exist.
constexpr size_t MEMORY = 8 * GIB;

constexpr int KIB = 1 << 10;

constexpr Device gpu(const char *name, int major, int multiprocessors, int shared) {
    Device d = {};
    d.name = name, d.major = major, d.multiprocessors = multiprocessors;
    d.threads_per_block = 1024, d.threads_per_multiprocessor = 2048, d.blocks_per_multiprocessor = 32;
    d.registers_per_block = d.registers_per_multiprocessor = 64 * KIB, d.registers_per_thread = 255;
    d.shared_per_multiprocessor = shared, d.shared_reserved = KIB;
    d.shared_per_block = 48 * KIB, d.shared_per_block_optin = shared - KIB;
    d.memory = MEMORY;
    return d;
}

Device a100() {
    Device d = gpu("NVIDIA A100 (PTX on the CPU)", 8, 108, 164 * KIB);
    d.targets[0] = "sm_80";
    return d;
}

Device h100() {
    Device d = gpu("NVIDIA H100 (PTX on the CPU)", 9, 132, 228 * KIB);
    d.targets[0] = "sm_90a", d.targets[1] = "sm_90";
    return d;
}

Device b200() {
    Device d = gpu("NVIDIA B200 (PTX on the CPU)", 10, 148, 228 * KIB);
    d.targets[0] = "sm_100a", d.targets[1] = "sm_100f", d.targets[2] = "sm_100";
    return d;
}

[[noreturn]] void unknown(const char *variable, const char *value, const char *expected) {
    std::fprintf(stderr, "ptx: %s is %s, expected %s\n", variable, value, expected);
    std::exit(2);
}

unsigned long long number_of(const char *variable, unsigned long long otherwise) {
    const char *text = std::getenv(variable);
    if (text == nullptr) return otherwise;
    char *end;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (*end != '\0' || value == 0) unknown(variable, text, "a number above 0");
    return value;
}

Device choose() {
    const char *wanted = std::getenv("KAIROS_PTX_DEVICE");
    const unsigned long long version = number_of("KAIROS_PTX_DEVICE", 80);
    for (Device device : {a100(), h100(), b200()}) {
        if ((unsigned long long)(device.major * 10 + device.minor) != version) continue;
        device.multiprocessors = (int)number_of("KAIROS_PTX_MULTIPROCESSORS", device.multiprocessors);
        device.memory = number_of("KAIROS_PTX_MEMORY", device.memory);
        return device;
    }
    unknown("KAIROS_PTX_DEVICE", wanted, "80, 90 or 100");
}

}  // namespace

const Device &device() {
    static const Device chosen = choose();
    return chosen;
}
