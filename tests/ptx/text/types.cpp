// Names, sizes and kinds of the types of PTX.
#include "types.h"

#include <unordered_map>

namespace {

enum Kind : uint8_t { no_kind, bits_kind, unsigned_kind, signed_kind, float_kind };

struct Description {
    Type type;
    const char *name;
    int bits;
    Kind kind;
};

// In the order of Type.
const Description DESCRIPTIONS[] = {
    {Type::none, "", 0, no_kind},
    {Type::pred, "pred", 1, no_kind},
    {Type::b8, "b8", 8, bits_kind},
    {Type::u8, "u8", 8, unsigned_kind},
    {Type::s8, "s8", 8, signed_kind},
    {Type::b16, "b16", 16, bits_kind},
    {Type::u16, "u16", 16, unsigned_kind},
    {Type::s16, "s16", 16, signed_kind},
    {Type::f16, "f16", 16, float_kind},
    {Type::bf16, "bf16", 16, float_kind},
    {Type::e4m3x2, "e4m3x2", 16, bits_kind},
    {Type::e5m2x2, "e5m2x2", 16, bits_kind},
    {Type::b32, "b32", 32, bits_kind},
    {Type::u32, "u32", 32, unsigned_kind},
    {Type::s32, "s32", 32, signed_kind},
    {Type::f32, "f32", 32, float_kind},
    {Type::tf32, "tf32", 32, float_kind},
    {Type::f16x2, "f16x2", 32, float_kind},
    {Type::bf16x2, "bf16x2", 32, float_kind},
    {Type::b64, "b64", 64, bits_kind},
    {Type::u64, "u64", 64, unsigned_kind},
    {Type::s64, "s64", 64, signed_kind},
    {Type::f64, "f64", 64, float_kind},
    {Type::f32x2, "f32x2", 64, float_kind},
    {Type::b128, "b128", 128, bits_kind},
    {Type::e4m3, "e4m3", 8, bits_kind},
    {Type::e5m2, "e5m2", 8, bits_kind},
    {Type::s4, "s4", 4, signed_kind},
    {Type::u4, "u4", 4, unsigned_kind},
    {Type::b1, "b1", 1, bits_kind},
};

const Description &description(Type type) { return DESCRIPTIONS[(size_t)type]; }

}  // namespace

Type type_of(const std::string &text) {
    static const std::unordered_map<std::string, Type> types = [] {
        std::unordered_map<std::string, Type> all;
        for (const Description &d : DESCRIPTIONS)
            if (d.type != Type::none) all[d.name] = d.type;
        return all;
    }();
    const auto found = types.find(text);
    return found == types.end() ? Type::none : found->second;
}

const char *name_of(Type type) { return description(type).name; }
int bits_of(Type type) { return description(type).bits; }
bool is_signed(Type type) { return description(type).kind == signed_kind; }
bool is_float(Type type) { return description(type).kind == float_kind; }
