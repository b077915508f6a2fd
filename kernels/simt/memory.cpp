// Device memory: ordinary heap, so that AddressSanitizer sees every access out of bounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "simt.h"
#include "stream.h"

using simt::failed;

namespace {
struct Allocations {
    std::mutex mutex;
    std::unordered_map<void *, size_t> bytes_of;
    size_t bytes = 0;  // of all
};
}  // namespace

static Allocations device_memory, host_memory;

static size_t environment_limit() {
    const char *text = getenv("KAIROS_SIMT_MEMORY");
    return text != nullptr ? strtoull(text, nullptr, 10) : 0;
}
static std::atomic<size_t> memory_limit{environment_limit()};

void simt_set_memory_limit(size_t bytes) { memory_limit = bytes; }

static size_t total_memory() {
    const size_t machine = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
    const size_t limit = memory_limit;
    return limit != 0 && limit < machine ? limit : machine;
}

// What the machine can give now, other programs' needs and its file cache considered.
static size_t available_memory() {
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == nullptr) return SIZE_MAX;
    char line[128];
    unsigned long long kilobytes;
    size_t available = SIZE_MAX;
    while (available == SIZE_MAX && fgets(line, sizeof line, file) != nullptr)
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1) available = kilobytes << 10;
    fclose(file);
    return available;
}

static cudaError_t allocate(Allocations &memory, void **data, size_t bytes, size_t most) {
    if (data == nullptr) return failed(cudaErrorInvalidValue);
    *data = nullptr;
    if (bytes == 0) return cudaSuccess;
    const std::lock_guard<std::mutex> lock(memory.mutex);
    if (bytes > most || memory.bytes > most - bytes) return failed(cudaErrorMemoryAllocation);
    if (posix_memalign(data, 256, bytes) != 0) {
        *data = nullptr;
        return failed(cudaErrorMemoryAllocation);
    }
    memory.bytes_of[*data] = bytes;
    memory.bytes += bytes;
    return cudaSuccess;
}

static cudaError_t release(Allocations &memory, void *data) {
    if (data == nullptr) return cudaSuccess;
    const std::lock_guard<std::mutex> lock(memory.mutex);
    const auto found = memory.bytes_of.find(data);
    if (found == memory.bytes_of.end()) return failed(cudaErrorInvalidValue);
    memory.bytes -= found->second;
    memory.bytes_of.erase(found);
    free(data);
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **data, size_t bytes) {
    return allocate(device_memory, data, bytes, total_memory());
}
cudaError_t cudaFree(void *data) { return release(device_memory, data); }
cudaError_t cudaMallocHost(void **data, size_t bytes) {
    return allocate(host_memory, data, bytes, SIZE_MAX);
}
cudaError_t cudaFreeHost(void *data) { return release(host_memory, data); }

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
    if (free_bytes == nullptr || total_bytes == nullptr) return failed(cudaErrorInvalidValue);
    const std::lock_guard<std::mutex> lock(device_memory.mutex);
    *total_bytes = total_memory();
    *free_bytes = *total_bytes > device_memory.bytes ? *total_bytes - device_memory.bytes : 0;
    *free_bytes = std::min(*free_bytes, available_memory());
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return failed(cudaErrorInvalidValue);
    if (bytes == 0) return cudaSuccess;
    if (to == nullptr || from == nullptr) return failed(cudaErrorInvalidValue);
    simt::enqueue(stream, [=] { memmove(to, from, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
    const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
    return status != cudaSuccess ? status : cudaDeviceSynchronize();
}

cudaError_t cudaMemsetAsync(void *data, int value, size_t bytes, cudaStream_t stream) {
    if (bytes == 0) return cudaSuccess;
    if (data == nullptr) return failed(cudaErrorInvalidValue);
    simt::enqueue(stream, [=] { memset(data, value, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemset(void *data, int value, size_t bytes) {
    return cudaMemsetAsync(data, value, bytes, nullptr);
}
