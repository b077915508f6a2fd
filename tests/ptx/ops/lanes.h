// Handlers that apply a function to the registers of each lane, and how decoders choose among them.
#pragma once

#include <type_traits>
#include <utility>

#include "../decode/decode.h"
#include "../machine/warp.h"

// How a value of type T stands in a register: 8 and 16 bits zero-extended in 32.
template <class T>
using Stored = std::conditional_t<sizeof(T) < 4, uint32_t, T>;

template <class T>
Stored<T> stored(T value) {
    if constexpr (sizeof(T) < 4)
        return (std::make_unsigned_t<T>)value;
    else
        return value;
}

// A function of registers' values: insn.ops has the destination, then the sources.
template <auto F>
struct Each;
template <class D, class... A, D (*F)(A...)>
struct Each<F> {
    [[gnu::flatten]] static void run(Warp &w, const Insn &insn) {
        apply(w, insn, std::index_sequence_for<A...>{});
    }

private:
    template <size_t... I>
    static void apply(Warp &w, const Insn &insn, std::index_sequence<I...>) {
        w.set<Stored<D>>(insn.ops[0], [... from = (const Stored<A> *)w.at<Stored<A>>(insn.ops[1 + I])](
                                          int l) { return stored<D>(F((A)from[l]...)); });
    }
};
template <auto F>
constexpr Handler each = Each<F>::run;

// The same for both 16-bit halves of registers of 32 bits.
template <auto F>
struct Halves;
template <class D, class... A, D (*F)(A...)>
struct Halves<F> {
    static uint32_t of(std::conditional_t<true, uint32_t, A>... a) {
        const uint32_t low = stored<D>(F((A)(a & 0xffff)...));
        return low | (uint32_t)stored<D>(F((A)(a >> 16)...)) << 16;
    }
};
template <auto F>
constexpr Handler each_half = Each<Halves<F>::of>::run;

// A function of values that says yes or no: insn.ops has the predicate, then the sources.
template <auto F>
struct Test;
template <class... A, bool (*F)(A...)>
struct Test<F> {
    [[gnu::flatten]] static Mask mask(const Warp &w, const int32_t *ops) {
        return apply(w, ops, std::index_sequence_for<A...>{});
    }

private:
    template <size_t... I>
    static Mask apply(const Warp &w, const int32_t *ops, std::index_sequence<I...>) {
        return over([... from = (const Stored<A> *)w.at<Stored<A>>(ops[I])](int l) {
            return F((A)from[l]...);
        });
    }
    template <class G>
    static Mask over(G yes) {
        Mask result = 0;
        for (int l = 0; l < LANES; ++l) result |= (Mask)yes(l) << l;
        return result;
    }
};

// ---- decoding ----

// Calls `make` with the integral_constant of `flags`, one of 0 ... most.
template <int most, class Make>
Handler for_flags(int flags, Make make) {
    if (flags == most) return make(std::integral_constant<int, most>{});
    if constexpr (most > 0)
        return for_flags<most - 1>(flags, make);
    else
        return nullptr;
}

// Decodes the operands of an instruction that has only registers: the destination, then the sources.
inline void operands(Decoding &d, Type to, std::initializer_list<Type> from) {
    d.write(d.operand(0), to);
    size_t i = 1;
    for (const Type type : from) d.read(d.operand(i++), type);
    if (d.operands() != i) d.refuse("has another number of operands");
}

inline void classify(Decoding &d, Class cls, Unit unit = Unit::none, int flops = 0) {
    d.insn.cls = cls;
    d.insn.unit = unit;
    d.insn.flops = flops;
}

// Calls `make` with a value of the C++ type of an integer PTX type, of 32 or 64 bits.
template <class Make>
Handler for_wide_integer(const Decoding &d, Type type, Make make) {
    switch (type) {
        case Type::u32:
            return make(uint32_t{});
        case Type::s32:
            return make(int32_t{});
        case Type::u64:
            return make(uint64_t{});
        case Type::s64:
            return make(int64_t{});
        default:
            d.refuse("has no such type");
    }
}

// ... or 16 bits, which arithmetic takes.
template <class Make>
Handler for_integer(const Decoding &d, Type type, Make make) {
    switch (type) {
        case Type::u16:
            return make(uint16_t{});
        case Type::s16:
            return make(int16_t{});
        default:
            return for_wide_integer(d, type, make);
    }
}

// ... or 8 bits, or untyped, which counts as unsigned.
template <class Make>
Handler for_any_integer(const Decoding &d, Type type, Make make) {
    switch (type) {
        case Type::u8:
        case Type::b8:
            return make(uint8_t{});
        case Type::s8:
            return make(int8_t{});
        case Type::b16:
            return for_integer(d, Type::u16, make);
        case Type::b32:
            return for_integer(d, Type::u32, make);
        case Type::b64:
            return for_integer(d, Type::u64, make);
        default:
            return for_integer(d, type, make);
    }
}

// The unsigned type of that many bits; 8 and 16 are one.
template <class Make>
Handler for_bits(const Decoding &d, int bits, Make make) {
    switch (bits) {
        case 16:
            return make(uint16_t{});
        case 32:
            return make(uint32_t{});
        case 64:
            return make(uint64_t{});
        default:
            d.refuse("has no such type");
    }
}
