// Opcodes that integers and floating-point numbers share, by type.
#include "arithmetic.h"

#include <cfenv>

namespace {

void decode(Decoding &d) {
    if (d.take("u16x2")) return decode_integer_pair(d, false);
    if (d.take("s16x2")) return decode_integer_pair(d, true);
    const Type type = d.take_type();
    switch (type) {
        case Type::f32:
        case Type::f64:
        case Type::f32x2:
            return decode_float(d, type);
        case Type::f16:
        case Type::bf16:
        case Type::f16x2:
        case Type::bf16x2:
            return decode_half(d, type);
        default:
            return decode_integer(d, type);
    }
}

RegisterDecoder add{"add", decode}, sub{"sub", decode}, mul{"mul", decode}, mad{"mad", decode};
RegisterDecoder fma_{"fma", decode}, div_{"div", decode}, rem{"rem", decode}, abs_{"abs", decode};
RegisterDecoder neg{"neg", decode}, min_{"min", decode}, max_{"max", decode}, rcp{"rcp", decode};
RegisterDecoder sqrt_{"sqrt", decode}, rsqrt{"rsqrt", decode}, sin_{"sin", decode}, cos_{"cos", decode};
RegisterDecoder lg2{"lg2", decode}, ex2{"ex2", decode}, tanh_{"tanh", decode},
    copysign_{"copysign", decode};
RegisterDecoder testp{"testp", decode}, addc{"addc", decode}, subc{"subc", decode},
    madc{"madc", decode};
RegisterDecoder mul24{"mul24", decode}, mad24{"mad24", decode}, sad{"sad", decode};

}  // namespace

RoundMode take_rounding(Decoding &d) {
    const std::string mode = d.take_one_of({"rn", "rz", "rm", "rp"});
    return mode == "rn"   ? RoundMode::rn
           : mode == "rz" ? RoundMode::rz
           : mode == "rm" ? RoundMode::rm
           : mode == "rp" ? RoundMode::rp
                          : RoundMode::none;
}

// The empty asm statements keep loads and stores, and so all that is computed from them, on their side
// of the change.
RoundingScope::RoundingScope(RoundMode mode) {
    std::fesetround(mode == RoundMode::rz   ? FE_TOWARDZERO
                    : mode == RoundMode::rm ? FE_DOWNWARD
                    : mode == RoundMode::rp ? FE_UPWARD
                                            : FE_TONEAREST);
    asm volatile("" ::: "memory");
}

RoundingScope::~RoundingScope() {
    asm volatile("" ::: "memory");
    std::fesetround(FE_TONEAREST);
}
