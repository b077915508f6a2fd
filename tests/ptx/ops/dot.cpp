// dp4a, dp2a: dot products of bytes.
#include "lanes.h"

namespace {

// Element i of a register that is cut into elements of type T.
template <class T>
int32_t element(uint32_t x, int i) {
    return (T)(x >> (8 * sizeof(T) * i));
}
template <class A, class B>
uint32_t dp4a(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 4; ++i) c += (uint32_t)(element<A>(a, i) * element<B>(b, i));
    return c;
}
template <class A, class B, int first>
uint32_t dp2a(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 2; ++i) c += (uint32_t)element<A>(a, i) * (uint32_t)element<B>(b, first + i);
    return c;
}

bool take_sign(Decoding &d) {
    const Type type = d.take_type();
    if (type != Type::u32 && type != Type::s32) d.refuse("has no such type");
    return type == Type::s32;
}

void decode_dot4(Decoding &d) {
    const bool a = take_sign(d), b = take_sign(d);
    classify(d, Class::integer);
    operands(d, Type::u32, {Type::u32, Type::u32, Type::u32});
    d.insn.run = a   ? b ? each<dp4a<int8_t, int8_t>> : each<dp4a<int8_t, uint8_t>>
                   : b ? each<dp4a<uint8_t, int8_t>>
                     : each<dp4a<uint8_t, uint8_t>>;
}

template <int first>
Handler dot2(bool a, bool b) {
    return a   ? b ? each<dp2a<int16_t, int8_t, first>> : each<dp2a<int16_t, uint8_t, first>>
             : b ? each<dp2a<uint16_t, int8_t, first>>
               : each<dp2a<uint16_t, uint8_t, first>>;
}

void decode_dot2(Decoding &d) {
    const std::string half = d.take_one_of({"lo", "hi"});
    if (half.empty()) d.refuse("neither .lo nor .hi");
    const bool a = take_sign(d), b = take_sign(d);
    classify(d, Class::integer);
    operands(d, Type::u32, {Type::u32, Type::u32, Type::u32});
    d.insn.run = half == "lo" ? dot2<0>(a, b) : dot2<2>(a, b);
}

RegisterDecoder dp4a_{"dp4a", decode_dot4}, dp2a_{"dp2a", decode_dot2};

}  // namespace
