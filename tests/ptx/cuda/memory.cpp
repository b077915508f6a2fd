// Memory: allocations of the device, pinned and managed memory, pools.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "../checks/findings.h"
#include "../device.h"
#include "../memory/memory.h"
#include "api.h"

namespace {

struct Allocation {
    size_t bytes = 0;
    cudaMemoryType type = cudaMemoryTypeUnregistered;
    bool registered = false;  // it is the program's own memory
    unsigned flags = 0;
};

std::map<const char *, Allocation> &allocations() {
    static auto *all = new std::map<const char *, Allocation>;
    return *all;
}

// The one that `data` points into; end() if there is none.
auto find(const void *data) {
    auto found = allocations().upper_bound((const char *)data);
    if (found == allocations().begin()) return allocations().end();
    --found;
    return (const char *)data < found->first + found->second.bytes ? found : allocations().end();
}

cudaError_t allocate(void **data, size_t bytes, cudaMemoryType type, const char *what) {
    if (data == nullptr) return cudaErrorInvalidValue;
    *data = nullptr;
    if (device_status() != cudaSuccess) return device_status();
    if (bytes == 0) return cudaSuccess;
    *data = device_allocate(bytes, what);
    if (*data == nullptr) return cudaErrorMemoryAllocation;
    // What the host writes into managed memory is not seen: all of it counts as written.
    if (type == cudaMemoryTypeManaged) device_wrote(*data, bytes);
    allocations()[(const char *)*data] = {bytes, type, false, 0};
    return cudaSuccess;
}

cudaError_t release(void *data) {
    if (data == nullptr) return cudaSuccess;
    const auto found = allocations().find((const char *)data);
    const bool pinned = found != allocations().end() && found->second.type == cudaMemoryTypeHost;
    if (pinned) host_finding(Check::wrong_use, "cudaFree of pinned memory, which cudaFreeHost frees");
    if (pinned || !device_release(data)) return cudaErrorInvalidValue;
    if (found != allocations().end()) allocations().erase(found);
    return cudaSuccess;
}

}  // namespace

cudaError_t cudaMalloc(void **data, size_t bytes) {
    API_GUARD;
    return result(allocate(data, bytes, cudaMemoryTypeDevice, "cudaMalloc"));
}

cudaError_t cudaMallocManaged(void **data, size_t bytes, unsigned flags) {
    API_GUARD;
    if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost))
        return result(cudaErrorInvalidValue);
    return result(allocate(data, bytes, cudaMemoryTypeManaged, "cudaMallocManaged"));
}

cudaError_t cudaMallocPitch(void **data, size_t *pitch, size_t width, size_t height) {
    constexpr size_t UNIT = 512;
    if (pitch == nullptr) return result(cudaErrorInvalidValue);
    *pitch = (width + UNIT - 1) / UNIT * UNIT;
    return cudaMalloc(data, *pitch * height);
}

cudaError_t cudaFree(void *data) {
    API_GUARD;
    return result(release(data));
}

// ---- memory of the host ----

cudaError_t cudaHostAlloc(void **data, size_t bytes, unsigned flags) {
    API_GUARD;
    constexpr size_t PAGE = 4096;
    if (data == nullptr) return result(cudaErrorInvalidValue);
    *data = nullptr;
    if (bytes == 0) return cudaSuccess;
    *data = std::aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (*data == nullptr) return result(cudaErrorMemoryAllocation);
    host_register(*data, bytes, true);
    allocations()[(const char *)*data] = {bytes, cudaMemoryTypeHost, false, flags};
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **data, size_t bytes) {
    return cudaHostAlloc(data, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *data) {
    API_GUARD;
    if (data == nullptr) return cudaSuccess;
    const auto found = allocations().find((const char *)data);
    if (found == allocations().end() || found->second.type != cudaMemoryTypeHost ||
        found->second.registered) {
        host_finding(Check::wrong_use, "cudaFreeHost of %p, which cudaHostAlloc did not make", data);
        return result(cudaErrorInvalidValue);
    }
    allocations().erase(found);
    host_unregister(data);
    std::free(data);
    return cudaSuccess;
}

cudaError_t cudaHostRegister(void *data, size_t bytes, unsigned flags) {
    API_GUARD;
    if (data == nullptr || bytes == 0) return result(cudaErrorInvalidValue);
    if (find(data) != allocations().end()) return result(cudaErrorHostMemoryAlreadyRegistered);
    host_register(data, bytes, true);
    allocations()[(const char *)data] = {bytes, cudaMemoryTypeHost, true, flags};
    return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *data) {
    API_GUARD;
    const auto found = allocations().find((const char *)data);
    if (found == allocations().end() || !found->second.registered)
        return result(cudaErrorHostMemoryNotRegistered);
    allocations().erase(found);
    host_unregister(data);
    return cudaSuccess;
}

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned) {
    API_GUARD;
    const auto found = find(host);
    if (found == allocations().end() || found->second.type != cudaMemoryTypeHost)
        return result(cudaErrorInvalidValue);
    *device = host;
    return cudaSuccess;
}

cudaError_t cudaHostGetFlags(unsigned *flags, void *host) {
    API_GUARD;
    const auto found = find(host);
    if (found == allocations().end() || found->second.type != cudaMemoryTypeHost)
        return result(cudaErrorInvalidValue);
    *flags = found->second.flags;
    return cudaSuccess;
}

// ---- what is known of memory ----

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *data) {
    API_GUARD;
    if (attributes == nullptr) return result(cudaErrorInvalidValue);
    *attributes = {};
    const auto found = find(data);
    const bool variable = found == allocations().end() && device_holds(data, 1);
    attributes->type = variable                       ? cudaMemoryTypeDevice
                       : found == allocations().end() ? cudaMemoryTypeUnregistered
                                                      : found->second.type;
    if (attributes->type == cudaMemoryTypeUnregistered) {
        attributes->device = -2;  // cudaInvalidDeviceId, as the runtime says of such memory
        attributes->hostPointer = (void *)data;
        return cudaSuccess;
    }
    attributes->devicePointer = (void *)data;
    if (attributes->type != cudaMemoryTypeDevice) attributes->hostPointer = (void *)data;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
    API_GUARD;
    *total = device_memory_total();
    *available = *total - std::min(*total, device_memory_used());
    return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void *data, size_t bytes, struct cudaMemLocation, unsigned,
                                 cudaStream_t) {
    API_GUARD;
    const auto found = find(data);
    const bool managed = found != allocations().end() && found->second.type == cudaMemoryTypeManaged;
    return result(managed && device_holds(data, bytes) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemAdvise(const void *data, size_t bytes, enum cudaMemoryAdvise,
                          struct cudaMemLocation location) {
    return cudaMemPrefetchAsync(data, bytes, location, 0, nullptr);
}

// ---- pools: one, which keeps nothing ----

namespace {
unsigned long long release_threshold = 0;
int pool_switches[16];  // cudaMemPoolReuse...: kept, without effect
int the_pool;
cudaMemPool_t pool() { return (cudaMemPool_t)&the_pool; }
}  // namespace

cudaError_t cudaMallocAsync(void **data, size_t bytes, cudaStream_t) {
    API_GUARD;
    return result(allocate(data, bytes, cudaMemoryTypeDevice, "cudaMallocAsync"));
}

cudaError_t cudaMallocFromPoolAsync(void **data, size_t bytes, cudaMemPool_t, cudaStream_t stream) {
    return cudaMallocAsync(data, bytes, stream);
}

cudaError_t cudaFreeAsync(void *data, cudaStream_t stream) {
    API_GUARD;
    return result(enqueue(stream, "cudaFreeAsync", [data] { return release(data); }));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *p, int) {
    *p = pool();
    return cudaSuccess;
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *p, int device) {
    return cudaDeviceGetDefaultMemPool(p, device);
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, enum cudaMemPoolAttr attribute, void *value) {
    if ((unsigned)attribute >= 16) return result(cudaErrorInvalidValue);
    if (attribute == cudaMemPoolAttrReleaseThreshold)
        release_threshold = *(unsigned long long *)value;
    else if (attribute < cudaMemPoolAttrReleaseThreshold)
        pool_switches[attribute] = *(int *)value;
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, enum cudaMemPoolAttr attribute, void *value) {
    API_GUARD;
    if ((unsigned)attribute >= 16) return result(cudaErrorInvalidValue);
    if (attribute < cudaMemPoolAttrReleaseThreshold)
        *(int *)value = pool_switches[attribute];
    else
        *(unsigned long long *)value =
            attribute == cudaMemPoolAttrReleaseThreshold ? release_threshold : device_memory_used();
    return cudaSuccess;
}
