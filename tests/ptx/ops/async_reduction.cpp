// The operations of cp.reduce.async.bulk, on arrays.
#include "async_reduction.h"

#include <algorithm>
#include <cstring>

#include "formats.h"

namespace {

template <class T, T (*F)(T, T)>
void combine(unsigned char *to, const unsigned char *from, size_t bytes) {
    for (size_t at = 0; at + sizeof(T) <= bytes; at += sizeof(T)) {
        T a, b;
        std::memcpy(&a, to + at, sizeof a);
        std::memcpy(&b, from + at, sizeof b);
        a = F(a, b);
        std::memcpy(to + at, &a, sizeof a);
    }
}

template <class T>
T sum(T a, T b) {
    return a + b;
}
template <class T>
T least(T a, T b) {
    return std::min(a, b);
}
template <class T>
T most(T a, T b) {
    return std::max(a, b);
}
template <class T>
T both(T a, T b) {
    return a & b;
}
template <class T>
T either(T a, T b) {
    return a | b;
}
template <class T>
T differ(T a, T b) {
    return a ^ b;
}
uint32_t increment(uint32_t a, uint32_t b) { return a >= b ? 0 : a + 1; }
uint32_t decrement(uint32_t a, uint32_t b) { return a == 0 || a > b ? b : a - 1; }

// Single precision flushes subnormal numbers; a sum of halves in single precision, rounded once more,
// is exact.
float sum_float(float a, float b) { return canonical(flushed(flushed(a) + flushed(b))); }
uint16_t sum_half(uint16_t a, uint16_t b) { return to_half(from_half(a) + from_half(b)); }
uint16_t sum_bfloat(uint16_t a, uint16_t b) {
    return to_bfloat(odd_sum(from_bfloat(a), from_bfloat(b)));
}

// A number wins against a not-a-number; -0 is less than +0.
template <float (*FROM)(uint16_t), bool MOST>
uint16_t extreme(uint16_t a, uint16_t b) {
    const float x = FROM(a), y = FROM(b);
    if (x != x) return y != y ? HALF_NAN : b;
    if (y != y) return a;
    if (x == y) return MOST ? a & b : a | b;
    return (x < y) == MOST ? b : a;
}

template <class T>
Transfer::Combine of_integers(const std::string &operation) {
    if (operation == "add") return combine<T, sum<T>>;
    if (operation == "min") return combine<T, least<T>>;
    if (operation == "max") return combine<T, most<T>>;
    return nullptr;
}

template <class T>
Transfer::Combine of_bits(const std::string &operation) {
    if (operation == "and") return combine<T, both<T>>;
    if (operation == "or") return combine<T, either<T>>;
    if (operation == "xor") return combine<T, differ<T>>;
    return nullptr;
}

template <uint16_t (*SUM)(uint16_t, uint16_t), float (*FROM)(uint16_t)>
Transfer::Combine of_halves(const std::string &operation) {
    if (operation == "add") return combine<uint16_t, SUM>;
    if (operation == "min") return combine<uint16_t, extreme<FROM, false>>;
    if (operation == "max") return combine<uint16_t, extreme<FROM, true>>;
    return nullptr;
}

}  // namespace

Transfer::Combine combination_of(const std::string &operation, Type type) {
    switch (type) {
        case Type::u32:
            if (operation == "inc") return combine<uint32_t, increment>;
            if (operation == "dec") return combine<uint32_t, decrement>;
            return of_integers<uint32_t>(operation);
        case Type::s32:
            return of_integers<int32_t>(operation);
        case Type::u64:
            return of_integers<uint64_t>(operation);
        case Type::s64:
            return operation == "add" ? nullptr : of_integers<int64_t>(operation);
        case Type::b32:
            return of_bits<uint32_t>(operation);
        case Type::b64:
            return of_bits<uint64_t>(operation);
        case Type::f16:
            return of_halves<sum_half, from_half>(operation);
        case Type::bf16:
            return of_halves<sum_bfloat, from_bfloat>(operation);
        case Type::f32:
            return operation == "add" ? combine<float, sum_float> : nullptr;
        case Type::f64:
            return operation == "add" ? combine<double, sum<double>> : nullptr;
        default:
            return nullptr;
    }
}
