// Machine code is an ELF file, whose section .nv.info lists registers and stack by symbol.
#include "cubin.h"

#include <elf.h>

#include <cstring>
#include <vector>

namespace {

// Attributes of .nv.info: a format, a name, a length; those here hold a symbol and a number.
constexpr uint8_t FORMAT_SIZED = 4, REGISTERS = 0x2f, FRAME = 0x11;

struct Elf {
    explicit Elf(const std::string &file) : file(file) {
        if (file.size() < sizeof(Elf64_Ehdr)) return;
        std::memcpy(&header, file.data(), sizeof header);
        if (header.e_shoff + (uint64_t)header.e_shnum * sizeof(Elf64_Shdr) > file.size()) return;
        sections.resize(header.e_shnum);
        std::memcpy(sections.data(), file.data() + header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
    }
    const char *name(const Elf64_Shdr &s) const {
        return file.data() + sections[header.e_shstrndx].sh_offset + s.sh_name;
    }
    // Kernels by their symbols' indices.
    std::vector<std::string> symbols() const {
        std::vector<std::string> names;
        for (const Elf64_Shdr &s : sections) {
            if (s.sh_type != SHT_SYMTAB) continue;
            for (uint64_t at = 0; at < s.sh_size; at += sizeof(Elf64_Sym)) {
                Elf64_Sym symbol;
                std::memcpy(&symbol, file.data() + s.sh_offset + at, sizeof symbol);
                names.push_back(file.data() + sections[s.sh_link].sh_offset + symbol.st_name);
            }
        }
        return names;
    }
    const std::string &file;
    Elf64_Ehdr header = {};
    std::vector<Elf64_Shdr> sections;
};

void read_attributes(const char *at, size_t bytes, const std::vector<std::string> &symbols,
                     std::unordered_map<std::string, Resources> &resources) {
    for (size_t i = 0; i + 4 <= bytes;) {
        const uint8_t format = at[i], attribute = at[i + 1];
        uint16_t length = 0;
        std::memcpy(&length, at + i + 2, 2);
        uint32_t words[2] = {};
        if (format == FORMAT_SIZED && length >= 8) std::memcpy(words, at + i + 4, 8);
        i += 4 + (format == FORMAT_SIZED ? length : 0);
        if (words[0] >= symbols.size()) continue;
        if (format == FORMAT_SIZED && attribute == REGISTERS)
            resources[symbols[words[0]]].registers = words[1];
        if (format == FORMAT_SIZED && attribute == FRAME) resources[symbols[words[0]]].local = words[1];
    }
}

}  // namespace

void read_cubin(const std::string &file, std::unordered_map<std::string, Resources> &resources) {
    const Elf elf(file);
    const std::vector<std::string> symbols = elf.symbols();
    for (const Elf64_Shdr &s : elf.sections)
        if (std::strcmp(elf.name(s), ".nv.info") == 0)
            read_attributes(file.data() + s.sh_offset, s.sh_size, symbols, resources);
}
