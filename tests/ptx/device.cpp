// The limits of three GPUs, as CUDA's occupancy calculator and their data sheets give them.
#include "device.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "checks/options.h"

namespace {

constexpr size_t GIB = (size_t)1 << 30;

// The devices have less memory than the GPUs, for what is allocated here must exist.
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

Device choose() {
    const unsigned long long version = number_option("KAIROS_PTX_DEVICE", 80, 100, 80);
    for (Device device : {a100(), h100(), b200()}) {
        if ((unsigned long long)(device.major * 10 + device.minor) != version) continue;
        device.multiprocessors =
            (int)number_option("KAIROS_PTX_MULTIPROCESSORS", 1, 1 << 16, device.multiprocessors);
        device.memory = number_option("KAIROS_PTX_MEMORY", 1, SIZE_MAX, device.memory);
        return device;
    }
    std::fprintf(stderr, "ptx: KAIROS_PTX_DEVICE is %llu, expected 80, 90 or 100\n", version);
    std::exit(2);
}

}  // namespace

const Device &device() {
    static const Device chosen = choose();
    return chosen;
}
