// cvt between all types, against exact numbers.
#include "exact.h"
#include "instruction.h"

namespace {

const std::pair<const char *, Way> WAYS[] = {
    {"n", Way::nearest}, {"z", Way::zero}, {"m", Way::down}, {"p", Way::up}};

// A type of this test: its PTX name, what holds it, and its values.
struct U8 {
    using Held = uint8_t;
    static constexpr const char *name = "u8";
};
struct S8 {
    using Held = int8_t;
    static constexpr const char *name = "s8";
};
struct U16 {
    using Held = uint16_t;
    static constexpr const char *name = "u16";
};
struct S16 {
    using Held = int16_t;
    static constexpr const char *name = "s16";
};
struct U32 {
    using Held = uint32_t;
    static constexpr const char *name = "u32";
};
struct S32 {
    using Held = int32_t;
    static constexpr const char *name = "s32";
};
struct U64 {
    using Held = uint64_t;
    static constexpr const char *name = "u64";
};
struct S64 {
    using Held = int64_t;
    static constexpr const char *name = "s64";
};
struct Half {
    using Held = uint16_t;
    static constexpr const char *name = "f16";
};
struct Bfloat {
    using Held = uint16_t;
    static constexpr const char *name = "bf16";
};
struct Single {
    using Held = float;
    static constexpr const char *name = "f32";
};
struct Double {
    using Held = double;
    static constexpr const char *name = "f64";
};

template <class T>
constexpr bool FLOATS = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat> ||
                        std::is_same_v<T, Single> || std::is_same_v<T, Double>;
template <class T>
constexpr int BITS = 8 * sizeof(typename T::Held);

template <class T>
Exact value(typename T::Held x) {
    if constexpr (std::is_same_v<T, Half>)
        return f16_value(x);
    else if constexpr (std::is_same_v<T, Bfloat>)
        return bf16_value(x);
    else
        return x;
}
template <class T>
typename T::Held rounded_to(Exact x, Way way) {
    if constexpr (std::is_same_v<T, Half>)
        return to_f16_bits(x, way);
    else if constexpr (std::is_same_v<T, Bfloat>)
        return to_bf16_bits(x, way);
    else if constexpr (std::is_same_v<T, Single>)
        return x != x ? std::bit_cast<float>(0x7fffffff) : to_f32(x, way);
    else
        return to_f64(x, way);
}
Exact whole_number(Exact x, Way way) {
    return x - x != 0 || x > power_of_two(100) || x < -power_of_two(100) ? x : whole(x, way, 0);
}
template <class D>
typename D::Held to_integer(Exact x, Way way, bool from_double) {
    using H = typename D::Held;
    if (x != x) return from_double || sizeof(H) == 8 ? (H)((H)1 << (BITS<D> - 1)) : 0;
    const Exact y = whole_number(x, way);
    const Exact low = std::numeric_limits<H>::min(), high = std::numeric_limits<H>::max();
    return y <= low    ? std::numeric_limits<H>::min()
           : y >= high ? std::numeric_limits<H>::max()
                       : (H)(__int128)y;
}

template <class D, class S>
void check_pair() {
    using A = typename S::Held;
    using R = typename D::Held;
    const std::string types = std::string(".") + D::name + "." + S::name;
    if constexpr (!FLOATS<D> && !FLOATS<S>) {
        check("cvt" + types, [](A a) -> R { return (R)a; });
        check("cvt.sat" + types, [](A a) -> R { return to_integer<D>(a, Way::zero, false); });
    } else if constexpr (!FLOATS<D>) {
        for (const auto &[letter, way] : WAYS) {
            const Way w = way;
            check(std::string("cvt.r") + letter + "i" + types,
                  [w](A a) -> R { return to_integer<D>(value<S>(a), w, std::is_same_v<S, Double>); });
        }
    } else {
        const bool wider = FLOATS<S> && (std::is_same_v<D, Double> ||
                                         (std::is_same_v<D, Single> && !std::is_same_v<S, Double>));
        for (const auto &[letter, way] : WAYS) {
            const Way w = way;
            const auto expected = [w](A a) -> R { return rounded_to<D>(value<S>(a), w); };
            if (!wider && !std::is_same_v<D, S>) check(std::string("cvt.r") + letter + types, expected);
            if (!wider && !std::is_same_v<D, S>)
                check(std::string("cvt.sat.r") + letter + types, [w](A a) -> R {
                    const Exact x = value<D>(rounded_to<D>(value<S>(a), w));
                    return rounded_to<D>(x >= 1 ? (Exact)1 : x > 0 ? x : (Exact)0, Way::zero);
                });
            if (w == Way::nearest && wider) check("cvt" + types, expected);
            if constexpr (std::is_same_v<D, S>)
                check(std::string("cvt.r") + letter + "i" + types,
                      [w](A a) -> R { return rounded_to<D>(whole_number(value<S>(a), w), Way::zero); });
        }
    }
}

template <class D>
void check_to() {
    check_pair<D, U8>(), check_pair<D, S8>(), check_pair<D, U16>(), check_pair<D, S16>();
    check_pair<D, U32>(), check_pair<D, S32>(), check_pair<D, U64>(), check_pair<D, S64>();
    check_pair<D, Half>(), check_pair<D, Bfloat>(), check_pair<D, Single>(), check_pair<D, Double>();
}

float flat(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
float pattern(float x) { return x != x ? std::bit_cast<float>(0x7fffffff) : x; }

void check_modifiers() {
    check("cvt.ftz.f32.f32", [](float a) { return pattern(flat(a)); });
    check("cvt.sat.f32.f32", [](float a) { return a >= 1 ? 1.0f : a > 0 ? a : 0.0f; });
    check("cvt.rpi.ftz.s32.f32", [](float a) { return to_integer<S32>(flat(a), Way::up, false); });
    check("cvt.rzi.ftz.u64.f32", [](float a) { return to_integer<U64>(flat(a), Way::zero, false); });
    check("cvt.rn.ftz.f32.f64", [](double a) { return pattern(flat(to_f32(a))); });
    check("cvt.ftz.f64.f32", [](float a) { return (double)flat(a); });
    check("cvt.ftz.f32.bf16", [](uint16_t a) { return pattern(flat((float)bf16_value(a))); });
    check("cvt.rn.ftz.bf16.f32", [](float a) { return to_bf16_bits(flat(a)); });
    check("cvt.rn.relu.f16.f32", [](float a) { return to_f16_bits(a <= 0 ? 0 : a); });
    check("cvt.rz.relu.bf16.f32", [](float a) { return to_bf16_bits(a <= 0 ? 0 : a, Way::zero); });
    const auto clamped = [](float a, float most) {
        return a != a ? a : std::fabs(a) > most ? std::copysign(most, a) : a;
    };
    check("cvt.rn.satfinite.f16.f32", [=](float a) { return to_f16_bits(clamped(a, 65504)); });
    check("cvt.rz.satfinite.relu.bf16.f32",
          [=](float a) { return to_bf16_bits(clamped(a <= 0 ? 0 : a, 0x1.fep127f), Way::zero); });
    const std::pair<const char *, Way> ways[] = {
        {"rna", Way::away}, {"rn", Way::nearest}, {"rz", Way::zero}};
    for (const auto &[name, way] : ways)
        check(std::string("cvt.") + name + ".tf32.f32", [w = way](float a) -> uint32_t {
            const float r = pattern((float)rounded(a, 11, -126, 0x1.ffcp127, w));
            return std::bit_cast<uint32_t>(r) & 0xffffe000;
        });
    refused("cvt.f16.f32 %h0, %r0;");
    refused("cvt.s32.f32 %r0, %r1;");
    refused("cvt.rn.s32.f32 %r0, %r1;");
    refused("cvt.rn.relu.f32.f64 %r0, %d1;");
    refused("cvt.rna.f16.f32 %h0, %r1;");
    refused("cvt.rn.e4m3x2.f32 %h0, %r1, %r2;");
    refused("cvt.rs.f16x2.f32 %r0, %r1, %r2, %r3;");
}

// ---- pairs ----

struct Small {
    const char *name;
    int fraction, least;  // digits after the first; exponent of the least normal number
    double most;
    int infinity, nan;  // patterns; 0: none
    int bits;

    double value(int pattern) const {
        const int sign = pattern >> (bits - 1) & 1, rest = pattern & ((1 << (bits - 1)) - 1);
        if (bits == 8 && rest == nan) return NAN;
        if (infinity != 0 && rest > infinity) return NAN;
        if (infinity != 0 && rest == infinity) return sign ? -INFINITY : INFINITY;
        const int exponent = rest >> fraction, digits = rest & ((1 << fraction) - 1);
        const double magnitude =
            exponent == 0 ? std::ldexp(digits, least - fraction)
                          : std::ldexp(digits + (1 << fraction), exponent - 1 + least - fraction);
        return sign ? -magnitude : magnitude;
    }
    // To the nearest of all numbers that there are; of two, the one with the even pattern.
    int pattern(double x) const {
        if (x != x) return nan;
        const int sign = std::signbit(x) ? 1 << (bits - 1) : 0;
        const double magnitude = std::min(std::fabs(x), most);
        int best = 0;
        for (int p = 0; p < 1 << (bits - 1); ++p) {
            const double v = value(p), off = std::fabs(v - magnitude),
                         least_off = std::fabs(value(best) - magnitude);
            if (v != v || std::isinf(v)) continue;
            if (off < least_off || (off == least_off && p % 2 == 0)) best = p;
        }
        return sign | best;
    }
};
const Small SMALLS[] = {{"e4m3x2", 3, -6, 448, 0, 0x7f, 8},
                        {"e5m2x2", 2, -14, 57344, 0x7c, 0x7f, 8},
                        {"e2m3x2", 3, 0, 7.5, 0, 0x1f, 6},
                        {"e3m2x2", 2, -2, 28, 0, 0x1f, 6},
                        {"e2m1x2", 1, 0, 6, 0, 0x7, 4}};

void check_small(const Small &s) {
    const int place = s.bits == 4 ? 4 : 8;
    const std::string name = std::string(".") + s.name;
    std::vector<std::tuple<float, float>> values = all_values<float, float>(500);
    for (int i = 0; i < 3000; ++i) {  // near the format's numbers and the middles between them
        const float a = (float)s.value((int)(random_bits()() % (1 << s.bits))),
                    b = (float)s.value((int)(random_bits()() % (1 << s.bits)));
        values.push_back({(a + b) / 2, std::nextafter(b, a)});
        values.push_back({a * 1.0625f, b * 0.9375f});
    }
    for (const bool relu : {false, true}) {
        const auto one = [=, &s](double x) { return s.pattern(relu && x <= 0 ? 0 : x); };
        const std::function<uint16_t(float, float)> packed = [=](float a, float b) -> uint16_t {
            return one(a) << place | one(b);
        };
        const std::string mods = relu ? ".relu" : "";
        check_on("cvt.rn.satfinite" + mods + name + ".f32", packed, values);
        if (s.bits != 4) {
            check("cvt.rn.satfinite" + mods + name + ".f16x2", [=](uint32_t a) -> uint16_t {
                return one(f16_value((uint16_t)(a >> 16))) << 8 | one(f16_value((uint16_t)a));
            });
        }
        Instruction i("cvt.rn" + mods + ".f16x2" + name + " %r7, %h0;");
        for (int p = 0; p < 1 << s.bits; ++p) {
            const int other = (p * 37 + 11) % (1 << s.bits);
            for (int l = 0; l < LANES; ++l) i.at<uint16_t>(1, l) = p << place | other;
            i.run();
            const auto wide = [&](int q) {
                const double x = s.value(q);
                return to_f16_bits(relu && (x <= 0) ? 0 : x);
            };
            expect_equal(i.text + " of " + shown(p), shown(i.at<uint32_t>(0, 5)),
                         shown((uint32_t)wide(p) << 16 | wide(other)));
        }
    }
}

void check_pairs() {
    check("cvt.rn.f16x2.f32",
          [](float a, float b) -> uint32_t { return to_f16_bits(a) << 16 | to_f16_bits(b); });
    check("cvt.rn.bf16x2.f32", [](float a, float b) -> uint32_t {
        return (uint32_t)to_bf16_bits(a) << 16 | to_bf16_bits(b);
    });
    check("cvt.rz.f16x2.f32", [](float a, float b) -> uint32_t {
        return to_f16_bits(a, Way::zero) << 16 | to_f16_bits(b, Way::zero);
    });
    check("cvt.rn.relu.bf16x2.f32", [](float a, float b) -> uint32_t {
        return (uint32_t)to_bf16_bits(a <= 0 ? 0 : a) << 16 | to_bf16_bits(b <= 0 ? 0 : b);
    });
    for (const Small &s : SMALLS) check_small(s);
}

void check_pack() {
    const auto limit = [](int32_t x, int low, int high) { return x < low ? low : x > high ? high : x; };
    check("cvt.pack.sat.u16.s32", [=](int32_t a, int32_t b) -> uint32_t {
        return (uint32_t)limit(a, 0, 65535) * 65536 + limit(b, 0, 65535);
    });
    check("cvt.pack.sat.s8.s32.b32", [=](int32_t a, int32_t b, uint32_t c) -> uint32_t {
        return c * 65536 + (uint32_t)(limit(a, -128, 127) & 255) * 256 + (limit(b, -128, 127) & 255);
    });
    check("cvt.pack.sat.u4.s32.b32", [=](int32_t a, int32_t b, uint32_t c) -> uint32_t {
        return c * 256 + limit(a, 0, 15) * 16 + limit(b, 0, 15);
    });
    check("cvt.pack.sat.s2.s32.b32", [=](int32_t a, int32_t b, uint32_t c) -> uint32_t {
        return c * 16 + (limit(a, -2, 1) & 3) * 4 + (limit(b, -2, 1) & 3);
    });
}

// All values of 16 bits.
template <class R>
void check_all(const std::string &opcode, R (*expected)(uint16_t)) {
    std::vector<std::tuple<uint16_t>> values;
    for (int a = 0; a < 65536; ++a) values.push_back({(uint16_t)a});
    check_on(opcode, std::function<R(uint16_t)>(expected), values);
}

// Singles on both sides of the middle of neighbours, for all 65536 results.
void check_middles(const std::string &opcode, double (*value)(uint16_t),
                   uint16_t (*bits)(Exact, Way, int)) {
    std::vector<std::tuple<float>> values;
    for (int a = 0; a < 65536; ++a) {
        const double x = value((uint16_t)a), y = value((uint16_t)(a + 1));
        if (x - x != 0 || y - y != 0) continue;
        const float middle = (float)((x + y) / 2);
        values.push_back({middle}), values.push_back({std::nextafter(middle, (float)x)});
        values.push_back({std::nextafter(middle, (float)y)});
    }
    const std::function<uint16_t(float)> expected = [=](float a) { return bits(a, Way::nearest, 0); };
    check_on(opcode, expected, values);
}

}  // namespace

int main() {
    check_to<U8>(), check_to<S8>(), check_to<U16>(), check_to<S16>(), check_to<U32>(), check_to<S32>();
    check_to<U64>(), check_to<S64>(), check_to<Half>(), check_to<Bfloat>(), check_to<Single>(),
        check_to<Double>();
    check_modifiers(), check_pairs(), check_pack();
    check_all<float>("cvt.f32.f16", [](uint16_t a) { return pattern((float)f16_value(a)); });
    check_all<float>("cvt.f32.bf16", [](uint16_t a) { return pattern((float)bf16_value(a)); });
    check_all<double>("cvt.f64.f16", [](uint16_t a) { return f16_value(a); });
    check_all<int32_t>("cvt.rni.s32.f16",
                       [](uint16_t a) { return to_integer<S32>(f16_value(a), Way::nearest, false); });
    check_middles("cvt.rn.f16.f32", f16_value, to_f16_bits);
    check_middles("cvt.rn.bf16.f32", bf16_value, to_bf16_bits);
    return report();
}
