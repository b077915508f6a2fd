// printf, assert and malloc, as kernels call them.
#include "external.h"

#include <cstdio>
#include <cstring>

#include "../checks/findings.h"
#include "../machine/block.h"
#include "../memory/memory.h"

unsigned char *local_memory(Warp &w, int lane) {
    return w.block->local.data() + (size_t)w.block->thread(w, lane) * w.program->local_bytes;
}

namespace {

template <class T>
T argument(Warp &w, int lane, const Call &call, size_t i) {
    T value;
    memcpy(&value, local_memory(w, lane) + call.arguments[i].offset, sizeof value);
    return value;
}

template <class T>
void give_back(Warp &w, int lane, const Call &call, T value) {
    if (!call.results.empty())
        memcpy(local_memory(w, lane) + call.results[0].offset, &value, sizeof value);
}

// `bytes` at a generic address; nullptr if they are not there, which is then a finding.
const unsigned char *bytes_at(Warp &w, const Insn &insn, int lane, uint64_t address, size_t bytes) {
    if (address >> 56 != LOCAL_WINDOW >> 56)
        return resolve_range(w, insn, lane, Space::generic, Access::load, address, bytes, false);
    const uint64_t offset = address - LOCAL_WINDOW;
    if (offset + bytes <= (uint64_t)w.program->local_bytes) return local_memory(w, lane) + offset;
    finding(w, insn, lane, Check::bounds,
            "reads %zu bytes of local memory at %llu, behind its %d bytes", bytes,
            (unsigned long long)offset, w.program->local_bytes);
    return nullptr;
}

// The text at a generic address; "" if there is none.
std::string text_at(Warp &w, const Insn &insn, int lane, uint64_t address) {
    std::string text;
    for (;; ++address) {
        const unsigned char *at = bytes_at(w, insn, lane, address, 1);
        if (at == nullptr || *at == '\0') return text;
        text += *at;
    }
}

// One value from printf's buffer, where each is aligned to its size.
template <class T>
T next_value(Warp &w, const Insn &insn, int lane, uint64_t &address) {
    T value{};
    address = (address + sizeof value - 1) / sizeof value * sizeof value;
    const void *at = bytes_at(w, insn, lane, address, sizeof value);
    if (at != nullptr) memcpy(&value, at, sizeof value);
    address += sizeof value;
    return value;
}

// Prints one conversion such as "%5.2f" with its value.
void print_one(Warp &w, const Insn &insn, int lane, std::string format, uint64_t &values) {
    // Stars take their numbers from the buffer.
    for (size_t star; (star = format.find('*')) != std::string::npos;)
        format.replace(star, 1, std::to_string(next_value<int>(w, insn, lane, values)));
    const bool wide = format.find_first_of("lzjt") != std::string::npos;
    switch (format.back()) {
        case 's':
            printf(format.c_str(),
                   text_at(w, insn, lane, next_value<uint64_t>(w, insn, lane, values)).c_str());
            break;
        case 'p':
            printf(format.c_str(), (void *)next_value<uint64_t>(w, insn, lane, values));
            break;
        case 'f':
        case 'F':
        case 'e':
        case 'E':
        case 'g':
        case 'G':
        case 'a':
        case 'A':
            printf(format.c_str(), next_value<double>(w, insn, lane, values));
            break;
        case 'd':
        case 'i':
        case 'o':
        case 'u':
        case 'x':
        case 'X':
        case 'c':
            if (wide)
                printf(format.c_str(), next_value<long long>(w, insn, lane, values));
            else
                printf(format.c_str(), next_value<int>(w, insn, lane, values));
            break;
        default:  // none of a kernel's conversions: %n of the host would write to memory
            fwrite(format.data(), 1, format.size(), stdout);
    }
}

// int vprintf(const char *format, void *values)
void run_printf(Warp &w, const Insn &insn, int lane, const Call &call) {
    const std::string format = text_at(w, insn, lane, argument<uint64_t>(w, lane, call, 0));
    uint64_t values = argument<uint64_t>(w, lane, call, 1);
    int conversions = 0;
    for (size_t i = 0; i < format.size();) {
        const size_t percent = std::min(format.find('%', i), format.size());
        fwrite(format.data() + i, 1, percent - i, stdout);
        if (percent == format.size()) break;
        const size_t end = format.find_first_not_of("0123456789-+ #.*hlzjt", percent + 1);
        if (end == std::string::npos) break;
        if (format[end] == '%')
            putchar('%');
        else
            print_one(w, insn, lane, format.substr(percent, end + 1 - percent), values), ++conversions;
        i = end + 1;
    }
    give_back(w, lane, call, conversions);
}

// void __assertfail(const char *condition, const char *file, unsigned line, const char *function,
// size_t)
void run_assert(Warp &w, const Insn &insn, int lane, const Call &call) {
    finding(w, insn, lane, Check::wrong_use, "assertion %s failed (%s:%u)",
            text_at(w, insn, lane, argument<uint64_t>(w, lane, call, 0)).c_str(),
            text_at(w, insn, lane, argument<uint64_t>(w, lane, call, 1)).c_str(),
            argument<uint32_t>(w, lane, call, 2));
    w.block->launch->failure = Launch::assertion;
}

// void *malloc(size_t), void free(void *)
void run_malloc(Warp &w, const Insn &, int lane, const Call &call) {
    give_back(w, lane, call,
              (uint64_t)device_allocate(argument<uint64_t>(w, lane, call, 0), "malloc of a kernel"));
}

void run_free(Warp &w, const Insn &insn, int lane, const Call &call) {
    const uint64_t address = argument<uint64_t>(w, lane, call, 0);
    if (address != 0 && !device_release((void *)address))
        finding(w, insn, lane, Check::wrong_use, "free of 0x%llx, which malloc has not given",
                (unsigned long long)address);
}

}  // namespace

ExternalFunction external_function(const std::string &name) {
    if (name == "vprintf") return run_printf;
    if (name == "__assertfail") return run_assert;
    if (name == "malloc") return run_malloc;
    if (name == "free") return run_free;
    return nullptr;
}
