// Copies and fills: both ends must be memory, of the side that the call says, and large enough.
#include <cstring>

#include "../checks/findings.h"
#include "../memory/memory.h"
#include "modules.h"

namespace {

// Rows of `width` bytes, `pitch` apart.
struct Area {
    char *at;
    size_t pitch, width, height;
    size_t extent() const { return height == 0 || width == 0 ? 0 : (height - 1) * pitch + width; }
};

bool of_device(const void *at) {
    cudaPointerAttributes attributes;
    cudaPointerGetAttributes(&attributes, at);
    return attributes.type == cudaMemoryTypeDevice;
}

bool known(const void *at) { return device_holds(at, 1); }

// Does it lie within one allocation?  Memory of the host that is neither pinned nor managed cannot be
// looked up.
bool check_area(const char *what, const char *does, const Area &a, bool on_device) {
    if (on_device && !known(a.at)) {
        host_finding(Check::bounds, "%s %s %zu bytes at %p, which is no memory of the device", what,
                     does, a.extent(), a.at);
        return false;
    }
    if (!on_device && of_device(a.at)) {
        host_finding(Check::wrong_use, "%s %s %p as memory of the host, and it is the device's", what,
                     does, a.at);
        return false;
    }
    if (known(a.at) && !device_holds(a.at, a.extent())) {
        host_finding(Check::bounds, "%s %s %zu bytes at %p, more than the allocation has from there",
                     what, does, a.extent(), a.at);
        return false;
    }
    return true;
}

void copy_rows(const Area &to, const Area &from) {
    if (to.pitch == to.width && from.pitch == from.width) {
        std::memmove(to.at, from.at, to.width * to.height);
    } else {
        for (size_t y = 0; y < to.height; ++y)
            std::memmove(to.at + y * to.pitch, from.at + y * from.pitch, to.width);
    }
    for (size_t y = 0; y < to.height && known(to.at); ++y) device_wrote(to.at + y * to.pitch, to.width);
}

cudaError_t copy(const char *what, Area to, Area from, cudaMemcpyKind kind, cudaStream_t stream) {
    if (device_status() != cudaSuccess) return device_status();
    if (to.extent() == 0) return cudaSuccess;
    if (to.pitch < to.width || from.pitch < from.width) return cudaErrorInvalidPitchValue;
    if ((unsigned)kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (kind == cudaMemcpyDefault) to_device = known(to.at), from_device = known(from.at);
    if (!check_area(what, "writes", to, to_device) || !check_area(what, "reads", from, from_device))
        return cudaErrorInvalidValue;
    return enqueue(stream, what, [=] {
        copy_rows(to, from);
        return cudaSuccess;
    });
}

Area line(const void *at, size_t bytes) { return {(char *)at, bytes, bytes, 1}; }

cudaError_t fill(const char *what, Area area, int value, cudaStream_t stream) {
    if (device_status() != cudaSuccess) return device_status();
    if (area.extent() == 0) return cudaSuccess;
    if (area.pitch < area.width) return cudaErrorInvalidPitchValue;
    if (!check_area(what, "writes", area, true)) return cudaErrorInvalidValue;
    return enqueue(stream, what, [=] {
        for (size_t y = 0; y < area.height; ++y) {
            std::memset(area.at + y * area.pitch, value, area.width);
            device_wrote(area.at + y * area.pitch, area.width);
        }
        return cudaSuccess;
    });
}

cudaError_t symbol_area(const char *what, const void *symbol, size_t bytes, size_t offset, Area *area) {
    void *at = nullptr;
    size_t size = 0;
    if (const cudaError_t error = find_variable(symbol, &at, &size); error != cudaSuccess) return error;
    if (offset > size || bytes > size - offset) {
        host_finding(Check::bounds, "%s: %zu bytes from byte %zu of a variable of %zu bytes", what,
                     bytes, offset, size);
        return cudaErrorInvalidValue;
    }
    *area = line((char *)at + offset, bytes);
    return cudaSuccess;
}

}  // namespace

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
    API_GUARD;
    return result(copy("cudaMemcpyAsync", line(to, bytes), line(from, bytes), kind, stream));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    API_GUARD;
    return result(copy("cudaMemcpy", line(to, bytes), line(from, bytes), kind, nullptr));
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
                              size_t width, size_t height, enum cudaMemcpyKind kind,
                              cudaStream_t stream) {
    API_GUARD;
    return result(copy("cudaMemcpy2DAsync", {(char *)to, to_pitch, width, height},
                       {(char *)from, from_pitch, width, height}, kind, stream));
}

cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                         size_t height, enum cudaMemcpyKind kind) {
    API_GUARD;
    return result(copy("cudaMemcpy2D", {(char *)to, to_pitch, width, height},
                       {(char *)from, from_pitch, width, height}, kind, nullptr));
}

cudaError_t cudaMemcpyPeerAsync(void *to, int, const void *from, int, size_t bytes,
                                cudaStream_t stream) {
    return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

cudaError_t cudaMemcpyPeer(void *to, int, const void *from, int, size_t bytes) {
    return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
    API_GUARD;
    return result(fill("cudaMemsetAsync", line(to, bytes), value, stream));
}

cudaError_t cudaMemset(void *to, int value, size_t bytes) {
    API_GUARD;
    return result(fill("cudaMemset", line(to, bytes), value, nullptr));
}

cudaError_t cudaMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream) {
    API_GUARD;
    return result(fill("cudaMemset2DAsync", {(char *)to, pitch, width, height}, value, stream));
}

cudaError_t cudaMemset2D(void *to, size_t pitch, int value, size_t width, size_t height) {
    API_GUARD;
    return result(fill("cudaMemset2D", {(char *)to, pitch, width, height}, value, nullptr));
}

// ---- variables ----

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *from, size_t bytes, size_t offset,
                                    enum cudaMemcpyKind kind, cudaStream_t stream) {
    API_GUARD;
    Area to;
    if (const cudaError_t error = symbol_area("cudaMemcpyToSymbol", symbol, bytes, offset, &to);
        error != cudaSuccess)
        return result(error);
    return result(copy("cudaMemcpyToSymbol", to, line(from, bytes), kind, stream));
}

cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *from, size_t bytes, size_t offset,
                               enum cudaMemcpyKind kind) {
    return cudaMemcpyToSymbolAsync(symbol, from, bytes, offset, kind, nullptr);
}

cudaError_t cudaMemcpyFromSymbolAsync(void *to, const void *symbol, size_t bytes, size_t offset,
                                      enum cudaMemcpyKind kind, cudaStream_t stream) {
    API_GUARD;
    Area from;
    if (const cudaError_t error = symbol_area("cudaMemcpyFromSymbol", symbol, bytes, offset, &from);
        error != cudaSuccess)
        return result(error);
    return result(copy("cudaMemcpyFromSymbol", line(to, bytes), from, kind, stream));
}

cudaError_t cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset,
                                 enum cudaMemcpyKind kind) {
    return cudaMemcpyFromSymbolAsync(to, symbol, bytes, offset, kind, nullptr);
}

cudaError_t cudaGetSymbolAddress(void **at, const void *symbol) {
    API_GUARD;
    size_t bytes = 0;
    return result(find_variable(symbol, at, &bytes));
}

cudaError_t cudaGetSymbolSize(size_t *bytes, const void *symbol) {
    API_GUARD;
    void *at = nullptr;
    return result(find_variable(symbol, &at, bytes));
}
