// Bitwise instructions, against loops over bits.
#include "instruction.h"

namespace {

bool bit(uint64_t x, int i) { return x / (1ull << i) % 2 != 0; }

template <class T>
void check_logic() {
    const std::string t = ".b" + std::to_string(8 * sizeof(T));
    const int n = 8 * sizeof(T);
    const auto by_bit = [n](auto f) {
        return [=](T a, T b) -> T {
            T r = 0;
            for (int i = 0; i < n; ++i) r |= (T)((T)f(bit(a, i), bit(b, i)) << i);
            return r;
        };
    };
    check("and" + t, by_bit([](bool a, bool b) { return a && b; }));
    check("or" + t, by_bit([](bool a, bool b) { return a || b; }));
    check("xor" + t, by_bit([](bool a, bool b) { return a != b; }));
    check("not" + t, [](T a) -> T { return (T)(-1 - (__int128)a); });
    check("cnot" + t, [](T a) -> T { return a == 0 ? 1 : 0; });
    check("shl" + t,
          [n](T a, uint32_t b) -> T { return b >= (uint32_t)n ? 0 : (T)((unsigned __int128)a << b); });
    check("shr" + t,
          [n](T a, uint32_t b) -> T { return b >= (uint32_t)n ? 0 : (T)((unsigned __int128)a >> b); });
    if constexpr (sizeof(T) > 2) {
        check("popc" + t, [n](T a) -> uint32_t {
            int count = 0;
            for (int i = 0; i < n; ++i) count += bit(a, i);
            return count;
        });
        check("clz" + t, [n](T a) -> uint32_t {
            int i = 0;
            while (i < n && !bit(a, n - 1 - i)) ++i;
            return i;
        });
        check("brev" + t, [n](T a) -> T {
            T r = 0;
            for (int i = 0; i < n; ++i)
                if (bit(a, i)) r |= (T)1 << (n - 1 - i);
            return r;
        });
        check("bfi" + t, [n](T a, T b, uint32_t c, uint32_t d) -> T {
            const uint32_t at = c % 256, bits = d % 256;
            T r = b;
            for (uint32_t i = 0; i < bits && at + i < (uint32_t)n; ++i)
                r = (T)((r & ~((T)1 << (at + i))) | ((T)bit(a, i) << (at + i)));
            return r;
        });
    }
}

template <class T>
void check_fields() {
    const std::string t = suffix<T>();
    const int msb = 8 * sizeof(T) - 1;
    using U = std::make_unsigned_t<T>;
    check("bfe" + t, [msb](T a, uint32_t b, uint32_t c) -> T {
        const int at = b % 256, bits = c % 256;
        const bool sign = std::is_signed_v<T> && bits != 0 && bit((U)a, std::min(at + bits - 1, msb));
        U r = 0;
        for (int i = 0; i <= msb; ++i)
            if (i < bits && at + i <= msb ? bit((U)a, at + i) : sign) r |= (U)1 << i;
        return (T)r;
    });
    for (const bool shift : {false, true})
        check((shift ? "bfind.shiftamt" : "bfind") + t, [=](T a) -> uint32_t {
            const U x = a < 0 ? ~(U)a : (U)a;
            for (int i = msb; i >= 0; --i)
                if (bit(x, i)) return shift ? msb - i : i;
            return 0xffffffff;
        });
}

void check_lop3() {
    using U = uint32_t;
    for (const int table : {0x00, 0x80, 0xfe, 0x40, 0x1a, 0xca, 0x96, 0xe8, 0x3c, 0xff}) {
        const std::string text = std::to_string(table);
        Instruction i("lop3.b32 %r7, %r0, %r1, %r2, " + text + ";");
        Instruction test("lop3.or.b32 %r7|%p0, %r0, %r1, %r2, " + text + ", !%p1;");
        for (int round = 0; round < 20; ++round) {
            const Mask p = (Mask)random_bits()();
            test.pred(5) = p;
            U values[LANES][3];
            for (int l = 0; l < LANES; ++l)
                for (int k = 0; k < 3; ++k)
                    i.at<U>(1 + k, l) = test.at<U>(1 + k, l) = values[l][k] = random_value<U>();
            i.run();
            test.run();
            for (int l = 0; l < LANES; ++l) {
                U r = 0;
                for (int b = 0; b < 32; ++b)
                    if (bit(table,
                            bit(values[l][0], b) * 4 + bit(values[l][1], b) * 2 + bit(values[l][2], b)))
                        r |= 1u << b;
                expect_equal(i.text, i.at<U>(0, l), r);
                expect_equal(test.text, test.at<U>(0, l), r);
                expect_equal(test.text + ", predicate", test.pred(4) >> l & 1,
                             (Mask)(r != 0 || !(p >> l & 1)));
            }
        }
    }
    refused("lop3.b32 %r0, %r1, %r2, %r3, 256;");
}

void check_amounts() {
    using U = uint32_t;
    for (const bool wraps : {false, true}) {
        const std::string mode = wraps ? ".wrap" : ".clamp";
        const auto amount = [=](U c) { return wraps ? c % 32 : std::min(c, 32u); };
        check("shf.l" + mode + ".b32", [=](U a, U b, U c) -> U {
            const U n = amount(c);
            return n == 0 ? b : n == 32 ? a : b << n | a >> (32 - n);
        });
        check("shf.r" + mode + ".b32", [=](U a, U b, U c) -> U {
            const U n = amount(c);
            return n == 0 ? a : n == 32 ? b : a >> n | b << (32 - n);
        });
        for (const bool is_signed : {false, true})
            check("szext" + mode + (is_signed ? ".s32" : ".u32"), [=](U a, U b) -> U {
                if (b >= 32 && !wraps) return a;
                const U n = b % 32;
                U r = 0;
                for (U i = 0; i < 32; ++i)
                    r |= (U)(i < n ? bit(a, i) : is_signed && n != 0 && bit(a, n - 1)) << i;
                return r;
            });
        check("bmsk" + mode + ".b32", [=](U a, U b) -> U {
            if (a >= 32 && !wraps) return 0;
            const U at = a % 32, n = wraps ? b % 32 : std::min(b, 32u);
            U r = 0;
            for (U i = 0; i < 32; ++i) r |= (U)(i >= at && i < at + n) << i;
            return r;
        });
    }
    refused("shf.l.b32 %r0, %r1, %r2, %r3;");
}

uint32_t byte_of(uint32_t x, int i) { return x / (1u << (8 * i)) % 256; }

void check_bytes() {
    using U = uint32_t;
    check("prmt.b32", [](U a, U b, U c) -> U {
        U r = 0;
        for (int i = 0; i < 4; ++i) {
            const int select = c / (1u << (4 * i)) % 16, from = select % 8;
            const U byte = byte_of(from < 4 ? a : b, from % 4);
            r += (select >= 8 ? byte >= 128 ? 255 : 0 : byte) << (8 * i);
        }
        return r;
    });
    // The tables of the special modes, as PTX writes them: bytes 3 to 0 for c = 0, 1, 2, 3.
    const std::pair<const char *, const char *> modes[] = {
        {"f4e", "3210432154326543"}, {"b4e", "5670670170120123"}, {"rc8", "0000111122223333"},
        {"ecl", "3210321132223333"}, {"ecr", "0000111022103210"}, {"rc16", "1010323210103232"}};
    for (const auto &[mode, digits] : modes)
        check(std::string("prmt.b32.") + mode, [digits = digits](U a, U b, U c) -> U {
            U r = 0;
            for (int i = 0; i < 4; ++i) {
                const int from = digits[c % 4 * 4 + (3 - i)] - '0';
                r += (U)byte_of(from < 4 ? a : b, from % 4) << (8 * i);
            }
            return r;
        });
}

void check_set_bits() {
    using U = uint32_t;
    check("fns.b32", [](U mask, U base, int32_t n) -> U {
        base %= 32;
        std::vector<int> set;  // from the base on, in the direction of n
        for (int i = base; i >= 0 && i < 32; i += n < 0 ? -1 : 1)
            if (bit(mask, i)) set.push_back(i);
        if (n == 0) return bit(mask, base) ? base : ~0u;
        const uint64_t k = std::abs((int64_t)n);
        return k <= set.size() ? set[k - 1] : ~0u;
    });
    refused("popc.b16 %r0, %h1;");
}

void check_predicates() {
    Instruction both("and.pred %p0, %p1, !%p2;"), either("or.pred %p0, %p1, %p2;"),
        one("xor.pred %p0, %p1, %p2;");
    Instruction no("not.pred %p0, %p1;"), move("mov.pred %p0, %p1;");
    for (int round = 0; round < 50; ++round) {
        const Mask p = (Mask)random_bits()(), q = (Mask)random_bits()(), exec = (Mask)random_bits()();
        const auto result = [&](Instruction &i, bool two) {
            i.pred(1) = p;
            if (two) i.pred(3) = q;
            const Mask before = i.pred(0);
            i.run(exec);
            return std::pair(i.pred(0), before & ~exec);
        };
        const auto expect = [&](Instruction &i, bool two, Mask value) {
            const auto [actual, kept] = result(i, two);
            expect_equal(i.text, actual, (value & exec) | kept);
        };
        expect(both, true, p & ~q);
        expect(either, true, p | q);
        expect(one, true, p ^ q);
        expect(no, false, ~p);
        expect(move, false, p);
    }
}

}  // namespace

int main() {
    check_logic<uint16_t>(), check_logic<uint32_t>(), check_logic<uint64_t>();
    check_fields<uint32_t>(), check_fields<int32_t>(), check_fields<uint64_t>(),
        check_fields<int64_t>();
    check_lop3(), check_amounts(), check_bytes(), check_set_bits(), check_predicates();
    return report();
}
