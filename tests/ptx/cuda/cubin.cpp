// Machine code is an ELF file, whose section .nv.info lists registers and stack by symbol.
#include "cubin.h"

#include <elf.h>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace {

// Attributes of .nv.info: a format, a name, a length; those here hold a symbol and a number.
constexpr uint8_t FORMAT_SIZED = 4, REGISTERS = 0x2f, FRAME = 0x11;

struct Elf {
    // Nothing that the file says of itself is believed: it may be cut off.
    explicit Elf(const std::string &file) : file(file) {
        std::memcpy(&header, part(0, sizeof header), sizeof header);
        const size_t bytes = header.e_shnum * sizeof(Elf64_Shdr);
        sections.resize(header.e_shnum);
        std::memcpy(sections.data(), part(header.e_shoff, bytes), bytes);
    }
    const char *part(uint64_t offset, uint64_t bytes) const {
        if (offset > file.size() || bytes > file.size() - offset)
            throw std::runtime_error("holds machine code that is cut off");
        return file.data() + offset;
    }
    // A text in a section of texts; it ends with the file at the latest, behind which std::string has a
    // 0.
    const char *text(uint32_t section, uint32_t offset) const {
        if (section >= sections.size())
            throw std::runtime_error("holds machine code without its names");
        return part(sections[section].sh_offset, offset) + offset;
    }
    const char *name(const Elf64_Shdr &s) const { return text(header.e_shstrndx, s.sh_name); }
    // Kernels by their symbols' indices.
    std::vector<std::string> symbols() const {
        std::vector<std::string> names;
        for (const Elf64_Shdr &s : sections) {
            if (s.sh_type != SHT_SYMTAB) continue;
            const char *table = part(s.sh_offset, s.sh_size);
            for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= s.sh_size; at += sizeof(Elf64_Sym)) {
                Elf64_Sym symbol;
                std::memcpy(&symbol, table + at, sizeof symbol);
                names.push_back(text(s.sh_link, symbol.st_name));
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
        if (format != FORMAT_SIZED) length = 0;  // it is the value
        if (length > bytes - i - 4) throw std::runtime_error("holds an attribute that is cut off");
        uint32_t words[2] = {};
        if (length >= 8) std::memcpy(words, at + i + 4, 8);
        i += 4 + length;
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
            read_attributes(elf.part(s.sh_offset, s.sh_size), s.sh_size, symbols, resources);
}
