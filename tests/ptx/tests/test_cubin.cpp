// What machine code says of its kernels; and files that are cut off or lie, of which nothing is
// believed.
#include "../cuda/cubin.h"

#include <elf.h>

#include <cstring>
#include <stdexcept>

#include "check.h"

namespace {

enum Section { none, names, texts, symbols, info, count };

// The header, the table of sections, then the sections' contents.
struct File {
    Elf64_Ehdr header = {};
    Elf64_Shdr sections[count] = {};
    char name_texts[24] = "\0.nv.info";
    char symbol_texts[8] = "\0kernel";
    Elf64_Sym symbol_table[2] = {};
    uint8_t attributes[4 + 2 * 12] = {1, 0x24, 0, 0};  // one without a length, then two with 8 bytes

    File() {
        header.e_shoff = offsetof(File, sections);
        header.e_shnum = count, header.e_shstrndx = names;
        symbol_table[1].st_name = 1;
        place(names, SHT_STRTAB, name_texts, sizeof name_texts);
        place(texts, SHT_STRTAB, symbol_texts, sizeof symbol_texts);
        place(symbols, SHT_SYMTAB, symbol_table, sizeof symbol_table);
        place(info, SHT_PROGBITS, attributes, sizeof attributes);
        sections[symbols].sh_link = texts, sections[info].sh_name = 1;
        attribute(attributes + 4, 0x2f, 40);
        attribute(attributes + 16, 0x11, 24);
    }
    void place(Section section, uint32_t type, const void *contents, size_t bytes) {
        sections[section].sh_type = type, sections[section].sh_size = bytes;
        sections[section].sh_offset = (const char *)contents - (const char *)this;
    }
    static void attribute(uint8_t *at, uint8_t name, uint32_t value) {
        const uint32_t words[2] = {1, value};  // of symbol 1
        at[0] = 4, at[1] = name, at[2] = sizeof words;
        std::memcpy(at + 4, words, sizeof words);
    }
    std::string bytes() const { return std::string((const char *)this, sizeof *this); }
};

bool is_refused(const std::string &bytes) {
    std::unordered_map<std::string, Resources> resources;
    try {
        read_cubin(bytes, resources);
    } catch (const std::runtime_error &) {
        return true;
    }
    return false;
}

void test_whole() {
    std::unordered_map<std::string, Resources> resources;
    read_cubin(File().bytes(), resources);
    expect_equal("kernels", resources.size(), size_t(1));
    expect_equal("registers", resources["kernel"].registers, 40);
    expect_equal("local memory", resources["kernel"].local, 24);
}

void test_cut() {
    const std::string whole = File().bytes();
    const size_t end = offsetof(File, attributes) + sizeof File::attributes;
    for (size_t bytes = 0; bytes < end; ++bytes)
        expect_equal("cut after " + std::to_string(bytes) + " bytes",
                     is_refused(whole.substr(0, bytes)), true);
    expect_equal("whole", is_refused(whole.substr(0, end)), false);
}

template <class Change>
void refused(const char *what, Change change) {
    File file;
    change(file);
    expect_equal(what, is_refused(file.bytes()), true);
}

void test_lies() {
    const uint64_t far = 1ull << 44;
    refused("sections far away", [&](File &f) { f.header.e_shoff = far; });
    refused("sections that wrap around", [](File &f) { f.header.e_shoff = -sizeof(Elf64_Shdr); });
    refused("no such section of names", [](File &f) { f.header.e_shstrndx = count; });
    refused("names far away", [&](File &f) { f.sections[names].sh_offset = far; });
    refused("a name far away", [](File &f) { f.sections[info].sh_name = 1u << 31; });
    refused("symbols far away", [&](File &f) { f.sections[symbols].sh_offset = far; });
    refused("too many symbols", [&](File &f) { f.sections[symbols].sh_size = far; });
    refused("a symbol's name", [](File &f) { f.symbol_table[1].st_name = 1u << 31; });
    refused("no such section of texts", [](File &f) { f.sections[symbols].sh_link = count; });
    refused("attributes far away", [&](File &f) { f.sections[info].sh_offset = far; });
    refused("too many attributes", [](File &f) { f.sections[info].sh_size = -1; });
    refused("a long attribute", [](File &f) { f.attributes[18] = 9; });
}

}  // namespace

int main() {
    test_whole();
    test_cut();
    test_lies();
    return report();
}
