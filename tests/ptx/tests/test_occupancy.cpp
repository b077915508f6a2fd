// Occupancy, against the calculator in CUDA's own header, for each device.
#include <cuda_occupancy.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "../cuda/launch.h"
#include "check.h"

static cudaOccDeviceProp properties() {
    const Device &d = device();
    cudaOccDeviceProp p;
    p.computeMajor = d.major, p.computeMinor = d.minor, p.warpSize = LANES,
    p.numSms = d.multiprocessors;
    p.maxThreadsPerBlock = d.threads_per_block,
    p.maxThreadsPerMultiprocessor = d.threads_per_multiprocessor;
    p.regsPerBlock = d.registers_per_block, p.regsPerMultiprocessor = d.registers_per_multiprocessor;
    p.sharedMemPerBlock = d.shared_per_block, p.sharedMemPerBlockOptin = d.shared_per_block_optin;
    p.sharedMemPerMultiprocessor = d.shared_per_multiprocessor,
    p.reservedSharedMemPerBlock = d.shared_reserved;
    return p;
}

static void compare(int registers, int threads, int fixed, int dynamic) {
    const cudaOccDeviceProp p = properties();
    const cudaOccDeviceState state;
    cudaOccFuncAttributes a;
    cudaOccResult r = {};
    a.maxThreadsPerBlock = device().threads_per_block, a.numRegs = registers, a.sharedSizeBytes = fixed;
    a.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN, a.maxDynamicSharedSizeBytes = dynamic,
    a.numBlockBarriers = 1;
    const std::string what = "device " + std::to_string(device().major) + ", " +
                             std::to_string(registers) + " registers, " + std::to_string(threads) +
                             " threads, " + std::to_string(fixed) + " + " + std::to_string(dynamic) +
                             " bytes";
    expect_equal(what + ": status",
                 cudaOccMaxActiveBlocksPerMultiprocessor(&r, &p, &a, &state, threads, dynamic),
                 CUDA_OCC_SUCCESS);
    Program program;
    program.registers = registers, program.shared_bytes = fixed;
    const Occupancy o = occupancy_of(program, threads, dynamic);
    expect_equal(what, o.blocks(), r.activeBlocksPerMultiprocessor);
}

static void compare_all() {
    for (int registers = 16; registers <= 255; registers += 7)
        for (int threads = 32; threads <= 1024; threads += 48)
            for (int fixed : {0, 1, 5000, 20000, 49152})
                for (int dynamic : {0, 1000, 50001, 110000}) {
                    if (registers_of_block(registers, threads) > device().registers_per_block) continue;
                    compare(registers, threads, fixed, dynamic);
                }
}

// A process has one device.
int main() {
    int bad = 0;
    for (const char *version : {"80", "90", "100"}) {
        const pid_t child = fork();
        if (child == 0) {
            setenv("KAIROS_PTX_DEVICE", version, 1);
            compare_all();
            std::exit(failures() != 0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) ++bad;
    }
    return bad != 0;
}
