// The format of fat binaries: a header, then entries, each with a header and a payload.
#include "fatbinary.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "../device.h"
#include "cubin.h"

namespace {

constexpr uint32_t WRAPPER_MAGIC = 0x466243b1, MAGIC = 0xBA55ED50;
enum Kind : uint16_t { PTX = 1, ELF = 2 };

template <class T>
T get(const unsigned char *at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

struct Entry {
    uint16_t kind;
    int architecture;  // 80
    std::string_view payload;
    size_t unpacked;  // bytes; 0 if it is not compressed
};

Entry read_entry(const unsigned char *at, size_t *bytes) {
    const uint32_t header = get<uint32_t>(at + 4);
    const uint64_t payload = get<uint64_t>(at + 8);
    const uint32_t packed = get<uint32_t>(at + 16);
    *bytes = header + payload;
    Entry e = {get<uint16_t>(at), get<int32_t>(at + 28), {}, 0};
    if (packed != 0 && header >= 64) e.unpacked = get<uint64_t>(at + 56);
    e.payload = {(const char *)at + header, packed != 0 ? packed : payload};
    return e;
}

// nvcc ends a text with zero bytes, which are no PTX.
std::string without_end(std::string text) {
    text.resize(text.find_last_not_of('\0') + 1);
    return text;
}

std::string unpack(const Entry &e) {
    if (e.unpacked == 0) return std::string(e.payload);
    if (e.payload.substr(0, 4) != "\x28\xb5\x2f\xfd")
        throw std::runtime_error("compressed in another way than by zstd");
    std::string text(e.unpacked, '\0');
    const size_t bytes = ZSTD_decompress(text.data(), text.size(), e.payload.data(), e.payload.size());
    if (ZSTD_isError(bytes))
        throw std::runtime_error(std::string("does not decompress: ") + ZSTD_getErrorName(bytes));
    text.resize(bytes);
    return text;
}

// The target of a text: "sm_90a" if it says ".target sm_90a, debug".
std::string target_of(const std::string &ptx) {
    size_t at = ptx.find("\n.target");
    if (at == std::string::npos) return "";
    at = ptx.find("sm_", at);
    if (at == std::string::npos) return "";
    return ptx.substr(at, ptx.find_first_of(", \t\r\n", at) - at);
}

// How well the device can take a text: 0 not at all, more is better.
int fitness(const std::string &target) {
    const Device &d = device();
    for (int i = 0; i < 3; ++i)
        if (d.targets[i] != nullptr && target == d.targets[i]) return 1'000'000 - i;
    if (!target.starts_with("sm_")) return 0;
    char *end;
    const long version = std::strtol(target.c_str() + 3, &end, 10);
    const bool plain = *end == '\0';  // "a" and "f" are for their own GPUs
    return plain && version <= d.major * 10 + d.minor ? (int)version : 0;
}

template <class F>
void for_entries(const unsigned char *binary, F each) {
    const unsigned char *at = binary + get<uint16_t>(binary + 6), *end = at + get<uint64_t>(binary + 8);
    while (at < end) {
        size_t bytes = 0;
        const Entry e = read_entry(at, &bytes);
        if (bytes == 0) throw std::runtime_error("has an entry of no bytes");
        each(e);
        at += bytes;
    }
}

}  // namespace

FatBinary read_fat_binary(const void *wrapper) {
    if (get<uint32_t>((const unsigned char *)wrapper) != WRAPPER_MAGIC)
        throw std::runtime_error("is no wrapper of a fat binary");
    const auto *binary = get<const unsigned char *>((const unsigned char *)wrapper + 8);
    if (get<uint32_t>(binary) != MAGIC) throw std::runtime_error("is no fat binary");
    FatBinary result;
    int best = 0, architecture = 0;
    for_entries(binary, [&](const Entry &e) {
        if (e.kind != PTX) return;
        std::string text = without_end(unpack(e));
        const std::string target = target_of(text);
        result.found += (result.found.empty() ? "" : ", ") + target;
        if (fitness(target) <= best) return;
        best = fitness(target), architecture = e.architecture;
        result.ptx = std::move(text), result.target = target;
    });
    for_entries(binary, [&](const Entry &e) {
        if (e.kind == ELF && e.architecture == architecture) read_cubin(unpack(e), result.resources);
    });
    return result;
}
