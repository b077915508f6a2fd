// Integer arithmetic, against 128-bit arithmetic.
#include "instruction.h"

namespace {

using wide = __int128;

template <class T>
T clamp(wide x) {
    const wide low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    return (T)(x < low ? low : x > high ? high : x);
}
template <class T>
wide product(T a, T b) {
    return (wide)a * (wide)b;
}
template <class T>
T high_part(T a, T b) {
    if constexpr (sizeof(T) == 8 && !std::is_signed_v<T>)
        return (T)((unsigned __int128)a * b >> 64);
    else
        return (T)(product(a, b) >> (8 * sizeof(T)));
}

template <class T>
void check_arithmetic() {
    const std::string t = suffix<T>();
    check("add" + t, [](T a, T b) -> T { return (T)((wide)a + b); });
    check("sub" + t, [](T a, T b) -> T { return (T)((wide)a - b); });
    check("mul.lo" + t, [](T a, T b) -> T { return (T)((unsigned __int128)a * (unsigned __int128)b); });
    check("mul.hi" + t, [](T a, T b) -> T { return high_part(a, b); });
    check("mad.lo" + t,
          [](T a, T b, T c) -> T { return (T)((unsigned __int128)a * (unsigned __int128)b + c); });
    check("mad.hi" + t, [](T a, T b, T c) -> T { return (T)((wide)high_part(a, b) + c); });
    check("sad" + t,
          [](T a, T b, T c) -> T { return (T)((wide)c + (a < b ? (wide)b - a : (wide)a - b)); });
    check("min" + t, [](T a, T b) -> T { return std::min(a, b); });
    check("max" + t, [](T a, T b) -> T { return std::max(a, b); });
    check("div" + t, [](T a, T b) -> T { return b == 0 ? (T)-1 : (T)((wide)a / b); });
    check("rem" + t, [](T a, T b) -> T { return b == 0 ? a : (T)((wide)a % b); });
    check("shr" + t, [](T a, uint32_t b) -> T { return (T)((wide)a >> std::min(b, 100u)); });
    if constexpr (std::is_signed_v<T>) {
        check("abs" + t, [](T a) -> T { return (T)(a < 0 ? -(wide)a : a); });
        check("neg" + t, [](T a) -> T { return (T) - (wide)a; });
    }
}

template <class T, class W>
void check_wide() {
    const std::string t = suffix<T>();
    check("mul.wide" + t, [](T a, T b) -> W { return (W)product(a, b); });
    check("mad.wide" + t, [](T a, T b, W c) -> W { return (W)((unsigned __int128)product(a, b) + c); });
}

void check_saturation() {
    using T = int32_t;
    check("add.sat.s32", [](T a, T b) -> T { return clamp<T>((wide)a + b); });
    check("sub.sat.s32", [](T a, T b) -> T { return clamp<T>((wide)a - b); });
    check("mad.hi.sat.s32", [](T a, T b, T c) -> T { return clamp<T>((product(a, b) >> 32) + c); });
    check("min.relu.s32", [](T a, T b) -> T { return std::max(std::min(a, b), 0); });
    check("max.relu.s32", [](T a, T b) -> T { return std::max(std::max(a, b), 0); });
    refused("add.sat.u32 %r0, %r1, %r2;");
    refused("mul.s32 %r0, %r1, %r2;");
    refused("add.b32 %r0, %r1, %r2;");
    refused("add.u32.u32 %r0, %r1, %r2;");
    refused("abs.u32 %r0, %r1;");
    refused("mul.lo.u8 %r0, %r1, %r2;");
    refused("mul.wide.u64 %d0, %d1, %d2;");
}

wide low24(int32_t a) {
    wide x = ((wide)a % (1 << 24) + (1 << 24)) % (1 << 24);
    return x >= 1 << 23 ? x - (1 << 24) : x;
}

void check_24() {
    using T = int32_t;
    using U = uint32_t;
    check("mul24.lo.s32", [](T a, T b) -> T { return (T)(low24(a) * low24(b)); });
    check("mul24.hi.s32", [](T a, T b) -> T { return (T)(low24(a) * low24(b) >> 16); });
    check("mad24.lo.s32", [](T a, T b, T c) -> T { return (T)(low24(a) * low24(b) + c); });
    check("mad24.hi.s32", [](T a, T b, T c) -> T { return (T)((low24(a) * low24(b) >> 16) + c); });
    check("mad24.hi.sat.s32",
          [](T a, T b, T c) -> T { return clamp<T>((T)(low24(a) * low24(b) >> 16) + (wide)c); });
    check("mul24.lo.u32", [](U a, U b) -> U { return (U)((wide)(a % (1 << 24)) * (b % (1 << 24))); });
    check("mul24.hi.u32",
          [](U a, U b) -> U { return (U)((wide)(a % (1 << 24)) * (b % (1 << 24)) >> 16); });
    check("mad24.hi.u32",
          [](U a, U b, U c) -> U { return (U)(((wide)(a % (1 << 24)) * (b % (1 << 24)) >> 16) + c); });
}

int byte_of(uint32_t x, int i, bool is_signed) {
    const int byte = x / (1u << (8 * i)) % 256;
    return is_signed && byte > 127 ? byte - 256 : byte;
}
int half_of(uint32_t x, int i, bool is_signed) {
    const int half = x / (1u << (16 * i)) % 65536;
    return is_signed && half > 32767 ? half - 65536 : half;
}

void check_dots() {
    using U = uint32_t;
    for (const bool a_signed : {false, true})
        for (const bool b_signed : {false, true}) {
            const std::string types =
                std::string(a_signed ? ".s32" : ".u32") + (b_signed ? ".s32" : ".u32");
            check("dp4a" + types, [=](U a, U b, U c) -> U {
                wide sum = c;
                for (int i = 0; i < 4; ++i) sum += byte_of(a, i, a_signed) * byte_of(b, i, b_signed);
                return (U)sum;
            });
            for (const int first : {0, 2})
                check((first == 0 ? "dp2a.lo" : "dp2a.hi") + types, [=](U a, U b, U c) -> U {
                    wide sum = c;
                    for (int i = 0; i < 2; ++i)
                        sum += (wide)half_of(a, i, a_signed) * byte_of(b, first + i, b_signed);
                    return (U)sum;
                });
        }
}

template <class F>
uint32_t halves(F f, uint32_t a, uint32_t b) {
    return (uint32_t)(f(a % 65536, b % 65536) & 65535) +
           ((uint32_t)(f(a / 65536, b / 65536) & 65535) << 16);
}
int s16(int x) { return x > 32767 ? x - 65536 : x; }

void check_pairs() {
    using U = uint32_t;
    check("add.u16x2", [](U a, U b) -> U { return halves([](int x, int y) { return x + y; }, a, b); });
    check("min.u16x2",
          [](U a, U b) -> U { return halves([](int x, int y) { return std::min(x, y); }, a, b); });
    check("max.s16x2", [](U a, U b) -> U {
        return halves([](int x, int y) { return std::max(s16(x), s16(y)); }, a, b);
    });
    check("min.relu.s16x2", [](U a, U b) -> U {
        return halves([](int x, int y) { return std::max(0, std::min(s16(x), s16(y))); }, a, b);
    });
    refused("min.relu.u16x2 %r0, %r1, %r2;");
    refused("sub.u16x2 %r0, %r1, %r2;");
}

// ---- carries: the result and the flag ----

template <class T>
void check_carry(const std::string &opcode, bool in, std::function<wide(T, T, int)> exact, bool out) {
    const std::string r = sizeof(T) == 4 ? "%r" : "%d";
    Instruction i(opcode + " " + r + "7, " + r + "0, " + r + "1;");
    for (int round = 0; round < 200; ++round) {
        const Mask carry = (Mask)random_bits()(), exec = round % 3 == 0 ? (Mask)random_bits()() : ALL;
        T a[LANES], b[LANES], before[LANES];
        i.warp.carry = carry;
        for (int l = 0; l < LANES; ++l) {
            a[l] = round % 2 ? random_value<T>()
                             : special_values<T>()[random_bits()() % special_values<T>().size()];
            b[l] = round % 4 < 2 ? random_value<T>() : (T)~a[l];
            i.at<T>(1, l) = a[l], i.at<T>(2, l) = b[l];
            before[l] = i.at<T>(0, l);
        }
        i.run(exec);
        for (int l = 0; l < LANES; ++l) {
            const bool active = exec >> l & 1;
            const wide all = exact(a[l], b[l], in ? carry >> l & 1 : 0);
            const bool flag = all < 0 || all >> (8 * sizeof(T)) != 0;
            const std::string what = i.text + " of " + shown(a[l]) + " and " + shown(b[l]);
            expect_equal(what, (T)i.at<T>(0, l), active ? (T)all : before[l]);
            expect_equal(what + ", carry", i.warp.carry >> l & 1,
                         active && out ? (Mask)flag : carry >> l & 1);
        }
    }
}

template <class T>
void check_carries(const std::string &t) {
    const auto sum = [](T a, T b, int c) { return (wide)a + b + c; };
    const auto difference = [](T a, T b, int c) { return (wide)a - b - c; };
    check_carry<T>("add.cc" + t, false, sum, true);
    check_carry<T>("addc.cc" + t, true, sum, true);
    check_carry<T>("addc" + t, true, sum, false);
    check_carry<T>("sub.cc" + t, false, difference, true);
    check_carry<T>("subc.cc" + t, true, difference, true);
    check_carry<T>("subc" + t, true, difference, false);
}

// A 64-bit product with additions, of 32-bit instructions.
void check_mad_carry() {
    Instruction low("mad.lo.cc.u32 %r7, %r0, %r1, %r2;"), high("madc.hi.cc.u32 %r7, %r0, %r1, %r2;");
    Instruction high_signed("madc.hi.s32 %r7, %r0, %r1, %r2;");
    for (int round = 0; round < 200; ++round) {
        uint32_t a[LANES], b[LANES];
        uint64_t c[LANES];
        for (int l = 0; l < LANES; ++l) {
            a[l] = random_value<uint32_t>(), b[l] = random_value<uint32_t>(), c[l] = random_bits()();
            for (Instruction *i : {&low, &high, &high_signed}) {
                i->at<uint32_t>(1, l) = a[l], i->at<uint32_t>(2, l) = b[l];
                i->at<uint32_t>(3, l) = i == &low ? c[l] : c[l] >> 32;
            }
        }
        low.run();
        high.warp.carry = high_signed.warp.carry = low.warp.carry;
        high.run();
        high_signed.run();
        for (int l = 0; l < LANES; ++l) {
            const unsigned __int128 sum = (unsigned __int128)((uint64_t)a[l] * b[l]) + c[l];
            const wide with_sign = (wide)((int64_t)(int32_t)a[l] * (int32_t)b[l]) + (wide)c[l];
            expect_equal("mad.lo.cc", low.at<uint32_t>(0, l), (uint32_t)sum);
            expect_equal("madc.hi.cc", high.at<uint32_t>(0, l), (uint32_t)(sum >> 32));
            expect_equal("madc.hi.cc, carry", high.warp.carry >> l & 1, (Mask)(sum >> 64));
            expect_equal("madc.hi.s32", high_signed.at<uint32_t>(0, l), (uint32_t)(with_sign >> 32));
        }
    }
}

}  // namespace

int main() {
    check_arithmetic<uint16_t>(), check_arithmetic<int16_t>(), check_arithmetic<uint32_t>();
    check_arithmetic<int32_t>(), check_arithmetic<uint64_t>(), check_arithmetic<int64_t>();
    check_wide<uint16_t, uint32_t>(), check_wide<int16_t, int32_t>(), check_wide<uint32_t, uint64_t>();
    check_wide<int32_t, int64_t>();
    check_saturation(), check_24(), check_dots(), check_pairs();
    check_carries<uint32_t>(".u32"), check_carries<uint32_t>(".s32"), check_carries<uint64_t>(".u64");
    check_mad_carry();
    return report();
}
