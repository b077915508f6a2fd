// Instructions that count bits, look for one, or move them by bytes.
#include <bit>

#include "lanes.h"

namespace {

template <class T, bool shift>
uint32_t highest(T a) {
    using U = std::make_unsigned_t<T>;
    const U bits = a < 0 ? ~(U)a : (U)a;
    if (bits == 0) return ~0u;
    const uint32_t zeros = std::countl_zero(bits);
    return shift ? zeros : 8 * sizeof(T) - 1 - zeros;
}
template <class T>
uint32_t leading_zeros(T a) {
    return std::countl_zero(a);
}
template <class T>
uint32_t population(T a) {
    return std::popcount(a);
}
template <class T>
T reversed(T a) {
    const auto swap = [&](int by, T mask) { a = (a >> by & mask) | (a & mask) << by; };
    swap(1, (T)0x5555555555555555);
    swap(2, (T)0x3333333333333333);
    swap(4, (T)0x0f0f0f0f0f0f0f0f);
    return sizeof(T) == 4 ? (T)__builtin_bswap32(a) : (T)__builtin_bswap64(a);
}

void decode_bfind(Decoding &d) {
    const Type type = d.take_type();
    const bool shift = d.take("shiftamt");
    classify(d, Class::integer);
    operands(d, Type::u32, {type});
    d.insn.run = for_wide_integer(d, type, [&](auto zero) {
        using T = decltype(zero);
        return shift ? each<highest<T, true>> : each<highest<T, false>>;
    });
}

// clz, popc and brev.
void decode_count(Decoding &d) {
    const std::string &opcode = d.statement.opcode;
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (type != Type::b32 && type != Type::b64) d.refuse("has no such type");
    const bool wide = type == Type::b64;
    operands(d, opcode == "brev" ? type : Type::u32, {type});
    if (opcode == "brev")
        d.insn.run = wide ? each<reversed<uint64_t>> : each<reversed<uint32_t>>;
    else if (opcode == "popc")
        d.insn.run = wide ? each<population<uint64_t>> : each<population<uint32_t>>;
    else
        d.insn.run = wide ? each<leading_zeros<uint64_t>> : each<leading_zeros<uint32_t>>;
}

// The n-th set bit from a place on, upwards or downwards.
uint32_t nth_set(uint32_t mask, uint32_t base, int32_t n) {
    base &= 31;
    if (n == 0) return mask >> base & 1 ? base : ~0u;
    const int step = n > 0 ? 1 : -1;
    int64_t left = n > 0 ? (int64_t)n : -(int64_t)n;
    for (int at = base; at >= 0 && at < 32; at += step)
        if ((mask >> at & 1) != 0 && --left == 0) return at;
    return ~0u;
}

void decode_fns(Decoding &d) {
    if (d.take_type() != Type::b32) d.refuse("has no such type");
    classify(d, Class::integer);
    operands(d, Type::b32, {Type::b32, Type::b32, Type::s32});
    d.insn.run = each<nth_set>;
}

// ---- bytes ----

uint32_t permuted(uint32_t a, uint32_t b, uint32_t c) {
    const uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
        const uint32_t select = c >> (4 * i) & 15;
        const uint32_t byte = bytes >> (8 * (select & 7)) & 255;
        result |= (select & 8 ? byte & 128 ? 255u : 0 : byte) << (8 * i);
    }
    return result;
}

enum class Permute { f4e, b4e, rc8, ecl, ecr, rc16 };

// The generic form's selection for each of the four values of the special forms.
template <Permute mode>
uint32_t permuted_by(uint32_t a, uint32_t b, uint32_t c) {
    constexpr uint16_t table[6][4] = {
        {0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
        {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
        {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
    return permuted(a, b, table[(int)mode][c & 3]);
}

void decode_prmt(Decoding &d) {
    const std::string mode = d.take_one_of({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
    if (d.take_type() != Type::b32) d.refuse("has no such type");
    classify(d, Class::integer);
    operands(d, Type::b32, {Type::b32, Type::b32, Type::b32});
    d.insn.run = mode.empty()    ? each<permuted>
                 : mode == "f4e" ? each<permuted_by<Permute::f4e>>
                 : mode == "b4e" ? each<permuted_by<Permute::b4e>>
                 : mode == "rc8" ? each<permuted_by<Permute::rc8>>
                 : mode == "ecl" ? each<permuted_by<Permute::ecl>>
                 : mode == "ecr" ? each<permuted_by<Permute::ecr>>
                                 : each<permuted_by<Permute::rc16>>;
}

RegisterDecoder bfind{"bfind", decode_bfind}, fns{"fns", decode_fns}, prmt{"prmt", decode_prmt};
RegisterDecoder brev{"brev", decode_count}, clz{"clz", decode_count}, popc{"popc", decode_count};

}  // namespace
