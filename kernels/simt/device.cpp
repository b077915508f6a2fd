// The one device: this machine's CPU.
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "stream.h"

using simt::failed;

cudaError_t cudaGetDeviceCount(int *count) {
    if (count == nullptr) return failed(cudaErrorInvalidValue);
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : failed(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int *device) {
    if (device == nullptr) return failed(cudaErrorInvalidValue);
    *device = 0;
    return cudaSuccess;
}

// The first "model name" of /proc/cpuinfo; left as it is where there is none.
static void read_cpu_model(char *model, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == nullptr) return;
    char line[256];
    while (fgets(line, sizeof line, file) != nullptr) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == nullptr) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(model, size, "%s", colon + 1 + (colon[1] == ' '));
        break;
    }
    fclose(file);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
    if (properties == nullptr) return failed(cudaErrorInvalidValue);
    if (device != 0) return failed(cudaErrorInvalidDevice);
    memset(properties, 0, sizeof *properties);
    properties->multiProcessorCount = omp_get_max_threads();
    char model[128] = "unknown CPU";
    read_cpu_model(model, sizeof model);
    snprintf(properties->name, sizeof properties->name, "%s (simt fast)", model);
    properties->sharedMemPerBlock = simt::SHARED_BYTES;
    properties->sharedMemPerBlockOptin = simt::SHARED_BYTES_MOST;
    properties->warpSize = simt::WARP_SIZE;
    properties->maxThreadsPerBlock = simt::BLOCK_THREADS_MOST;
    size_t free_bytes;
    return cudaMemGetInfo(&free_bytes, &properties->totalGlobalMem);
}
