// ldmatrix, stmatrix, movmatrix: matrices between shared memory and the registers of a warp, and
// transposed there.
//
// A row has 16 bytes; lane r of the eight (or sixteen) of a matrix holds the address of row r.
#include <cstring>

#include "../decode/decode.h"
#include "../memory/memory.h"
#include "collective.h"

namespace {

// What a decoder says, in Insn::imm2: the matrices, and whether the address is generic.
struct Form {
    int matrices;
    bool generic;
};

Form form_of(const Insn &insn) { return {(int)(insn.imm2 & 3) + 1, (insn.imm2 & 4) != 0}; }

// Where the rows lie; their addresses are those of the first `rows` lanes.
void find_rows(Warp &w, const Insn &insn, int32_t base, Access access, int rows,
               unsigned char *at[LANES]) {
    uint64_t address[LANES];
    if (insn.wide_address)
        for (int l = 0; l < LANES; ++l) address[l] = w.at<uint64_t>(base)[l] + insn.imm;
    else
        for (int l = 0; l < LANES; ++l) address[l] = w.at<uint32_t>(base)[l] + insn.imm;
    const Mask lanes = rows == LANES ? ALL : (1u << rows) - 1;
    const Request request{form_of(insn).generic ? Space::generic : Space::shared, access, 16, 16};
    resolve(w, insn, request, address, lanes & w.exec, at);
}

// A register of lane l has the elements (l / 4, 2 (l % 4)) and the next one of an 8x8 matrix of 16
// bits, or of its transpose.
template <bool transposed>
void load_8x8(unsigned char *const *rows, uint32_t *to) {
    if (!transposed) {
        for (int r = 0; r < 8; ++r) std::memcpy(to + 4 * r, rows[r], 16);
        return;
    }
    uint16_t elements[8][8];
    for (int r = 0; r < 8; ++r) std::memcpy(elements[r], rows[r], 16);
    for (int l = 0; l < LANES; ++l)
        to[l] = elements[l % 4 * 2][l / 4] | (uint32_t)elements[l % 4 * 2 + 1][l / 4] << 16;
}

template <bool transposed>
void store_8x8(const uint32_t *from, unsigned char *const *rows) {
    uint16_t elements[8][8];
    if (!transposed) std::memcpy(elements, from, sizeof elements);
    for (int l = 0; transposed && l < LANES; ++l)
        for (int i = 0; i < 2; ++i) elements[l % 4 * 2 + i][l / 4] = from[l] >> 16 * i;
    for (int r = 0; r < 8; ++r) std::memcpy(rows[r], elements[r], 16);
}

// ops: the registers, the address
template <bool transposed>
void run_ldmatrix(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const int matrices = form_of(insn).matrices;
    unsigned char *at[LANES];
    find_rows(w, insn, insn.ops[matrices], Access::load, 8 * matrices, at);
    uint32_t loaded[4][LANES];
    for (int m = 0; m < matrices; ++m) load_8x8<transposed>(at + 8 * m, loaded[m]);
    for (int m = 0; m < matrices; ++m)
        w.set<uint32_t>(insn.ops[m], [&](int l) { return loaded[m][l]; });
}

// 16x16 matrices of 8 bits, transposed: the two registers of lane l have rows 4 (l % 4) to + 3 of
// memory, columns l / 4 and l / 4 + 8.
void run_ldmatrix_16x16(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const int matrices = form_of(insn).matrices;
    unsigned char *at[LANES];
    find_rows(w, insn, insn.ops[2 * matrices], Access::load, 16 * matrices, at);
    uint32_t loaded[4][LANES];
    for (int j = 0; j < 2 * matrices; ++j)
        for (int l = 0; l < LANES; ++l) {
            loaded[j][l] = 0;
            for (int i = 0; i < 4; ++i)
                loaded[j][l] |= (uint32_t)at[j / 2 * 16 + l % 4 * 4 + i][l / 4 + j % 2 * 8] << 8 * i;
        }
    for (int j = 0; j < 2 * matrices; ++j)
        w.set<uint32_t>(insn.ops[j], [&](int l) { return loaded[j][l]; });
}

// ops: the address, the registers
template <bool transposed>
void run_stmatrix(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const int matrices = form_of(insn).matrices;
    unsigned char *at[LANES];
    find_rows(w, insn, insn.ops[0], Access::store, 8 * matrices, at);
    for (int m = 0; m < matrices; ++m)
        store_8x8<transposed>(w.at<uint32_t>(insn.ops[1 + m]), at + 8 * m);
}

// 16x8 matrices of 8 bits, transposed: a register of lane l has rows l / 4 and l / 4 + 8, columns 2 (l
// % 4) and the next one; a column is a row of memory.
void run_stmatrix_16x8(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const int matrices = form_of(insn).matrices;
    unsigned char *at[LANES];
    find_rows(w, insn, insn.ops[0], Access::store, 8 * matrices, at);
    for (int m = 0; m < matrices; ++m) {
        const uint32_t *from = w.at<uint32_t>(insn.ops[1 + m]);
        for (int l = 0; l < LANES; ++l)
            for (int i = 0; i < 4; ++i)
                at[8 * m + l % 4 * 2 + i % 2][l / 4 + i / 2 * 8] = from[l] >> 8 * i;
    }
}

void run_movmatrix(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    uint16_t elements[8][8];
    std::memcpy(elements, w.at<uint32_t>(insn.ops[1]), sizeof elements);
    uint32_t moved[LANES];
    for (int l = 0; l < LANES; ++l)
        moved[l] = elements[l % 4 * 2][l / 4] | (uint32_t)elements[l % 4 * 2 + 1][l / 4] << 16;
    w.set<uint32_t>(insn.ops[0], [&](int l) { return moved[l]; });
}

// ---- decoding ----

void take_synchronous(Decoding &d) {
    const bool sync = d.take("sync");
    if (!d.take("aligned") || !sync) d.refuse(".sync.aligned is expected");
}

// The number of matrices and the state space, into Insn::imm2.
int take_matrices(Decoding &d) {
    const std::string number = d.take_one_of({"x1", "x2", "x4"});
    if (number.empty()) d.refuse(".x1, .x2 or .x4 is expected");
    const int matrices = number[1] - '0';
    const bool shared = d.take("shared"), own = d.take("shared::cta");
    d.insn.imm2 = (matrices - 1) | (shared || own ? 0 : 4);
    d.insn.bytes = 16;
    return matrices;
}

void decode_ldmatrix(Decoding &d) {
    take_synchronous(d);
    const std::string shape = d.take_one_of({"m8n8", "m16n16", "m8n16"});
    const int matrices = take_matrices(d);
    const bool transposed = d.take("trans");
    if (d.take("b8x16")) d.refuse("decompression (.b8x16 from .b6x16_p32 or .b4x16_p64) is not there");
    const Type type = d.take_type();
    if (shape == "m8n8" && type == Type::b16) {
        d.write_vector(d.operand(0), Type::b32, matrices);
        d.insn.run = transposed ? run_ldmatrix<true> : run_ldmatrix<false>;
    } else if (shape == "m16n16" && type == Type::b8 && transposed && matrices <= 2) {
        d.write_vector(d.operand(0), Type::b32, 2 * matrices);
        d.insn.run = run_ldmatrix_16x16;
    } else {
        d.refuse("m8n8 of .b16 and m16n16.trans of .b8 are expected");
    }
    d.read_address(d.operand(1));
    d.meets();
    d.insn.cls = Class::load;
}

void decode_stmatrix(Decoding &d) {
    take_synchronous(d);
    const std::string shape = d.take_one_of({"m8n8", "m16n8"});
    const int matrices = take_matrices(d);
    const bool transposed = d.take("trans");
    const Type type = d.take_type();
    if (shape == "m8n8" && type == Type::b16)
        d.insn.run = transposed ? run_stmatrix<true> : run_stmatrix<false>;
    else if (shape == "m16n8" && type == Type::b8 && transposed)
        d.insn.run = run_stmatrix_16x8;
    else
        d.refuse("m8n8 of .b16 and m16n8.trans of .b8 are expected");
    d.read_address(d.operand(0));
    d.read_vector(d.operand(1), Type::b32, matrices);
    d.meets();
    d.insn.cls = Class::store;
}

void decode_movmatrix(Decoding &d) {
    take_synchronous(d);
    const bool shape = d.take("m8n8"), transposed = d.take("trans");
    if (!d.take("b16") || !shape || !transposed) d.refuse("m8n8.trans.b16 is expected");
    d.write(d.operand(0), Type::b32);
    d.read(d.operand(1), Type::b32);
    d.meets();
    d.insn.cls = Class::warp;
    d.insn.run = run_movmatrix;
}

RegisterDecoder ldmatrix{"ldmatrix", decode_ldmatrix};
RegisterDecoder stmatrix{"stmatrix", decode_stmatrix};
RegisterDecoder movmatrix{"movmatrix", decode_movmatrix};

}  // namespace
