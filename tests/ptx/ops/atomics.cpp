// atom and red.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "../machine/random.h"
#include "access.h"
#include "async_decode.h"
#include "formats.h"

namespace {

constexpr int MOST_ELEMENTS = 8;  // of a vector

// ops: (atom) destinations, address, operands b, (cas) operand c
struct AtomicForm : AccessForm {
    bool returns = false;
};

const AtomicForm &atomic_form(const Insn &insn) { return *(const AtomicForm *)insn.extra; }

// What becomes of a value in memory.  `shared`: it lies in shared memory, where sums keep subnormal
// numbers.
template <class T>
using Change = T (*)(T old, T b, T c, bool shared);

template <class T>
T change_and(T old, T b, T, bool) {
    return old & b;
}
template <class T>
T change_or(T old, T b, T, bool) {
    return old | b;
}
template <class T>
T change_xor(T old, T b, T, bool) {
    return old ^ b;
}
template <class T>
T change_exch(T, T b, T, bool) {
    return b;
}
template <class T>
T change_cas(T old, T b, T c, bool) {
    return old == b ? c : old;
}
template <class T>
T change_add(T old, T b, T, bool) {
    return old + b;
}
template <class T>
T change_min(T old, T b, T, bool) {
    return b < old ? b : old;
}
template <class T>
T change_max(T old, T b, T, bool) {
    return b > old ? b : old;
}
uint32_t change_inc(uint32_t old, uint32_t b, uint32_t, bool) { return old >= b ? 0 : old + 1; }
uint32_t change_dec(uint32_t old, uint32_t b, uint32_t, bool) {
    return old == 0 || old > b ? b : old - 1;
}

uint32_t add_f32(uint32_t old, uint32_t b, uint32_t, bool shared) {
    const float x = float_of(old), y = float_of(b);
    return bits_of(canonical(shared ? x + y : flushed(flushed(x) + flushed(y))));
}
uint64_t add_f64(uint64_t old, uint64_t b, uint64_t, bool) {
    return bits_of(double_of(old) + double_of(b));
}

// 16-bit floating point.
enum class Half { add, min, max };
template <class F, Half op>
uint16_t change_half(uint16_t old, uint16_t b, uint16_t, bool) {
    const float x = F::wide(old), y = F::wide(b);
    if constexpr (op == Half::add) return F::narrow(x + y);
    if (x != x && y != y) return HALF_NAN;
    if (x != x) return b;
    if (y != y) return old;
    if (x == y) return (op == Half::min) == std::signbit(x) ? old : b;  // -0 is less than +0
    return (op == Half::min) == (x < y) ? old : b;
}
template <class F, Half op>
uint32_t change_halves(uint32_t old, uint32_t b, uint32_t, bool shared) {
    const uint32_t low = change_half<F, op>(old, b, 0, shared),
                   high = change_half<F, op>(old >> 16, b >> 16, 0, shared);
    return low | high << 16;
}

// Which lane comes first is open; with a seed chance decides.
int first_lane() { return ptx_seed() != 0 ? scheduler_random() % LANES : 0; }

// Addresses, checks, and what others may conclude from the access.
void begin(Warp &w, const Insn &insn, const AtomicForm &form, uint64_t address[LANES],
           unsigned char *at[LANES]) {
    addresses_of(w, insn, form, address);
    const int bytes = insn.bytes * insn.count;
    Request request{form.space, Access::atomic, bytes, form.align, true};
    request.scope = form.scope;
    resolve(w, insn, request, address, w.exec, at);
    if (!checks().race) return;
    places_read(w.clock, at, w.exec, bytes, form.order, form.scope);
    places_write(w.clock, at, w.exec, bytes, form.order, form.scope);
}

template <class T, Change<T> change>
void run_atomic(Warp &w, const Insn &insn) {
    using Slot = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    const AtomicForm &form = atomic_form(insn);
    uint64_t address[LANES];
    unsigned char *at[LANES];
    begin(w, insn, form, address, at);
    const int32_t *b = insn.ops + form.address + 1, *c = b + insn.count;
    const bool compares = insn.imm2 != 0;
    bool changed = false;
    const int start = first_lane();
    T old[MOST_ELEMENTS][LANES];
    for (int e = 0; e < insn.count; ++e) {
        const Slot *vb = w.at<Slot>(b[e]), *vc = compares ? w.at<Slot>(c[e]) : vb;
        for (int k = 0; k < LANES; ++k) {
            const int l = (start + k) % LANES;
            if (!(w.exec >> l & 1)) continue;
            const bool shared = form.space == Space::shared || address[l] >> 56 == SHARED_WINDOW >> 56;
            std::memcpy(&old[e][l], at[l] + e * sizeof(T), sizeof(T));
            const T fresh = change(old[e][l], (T)vb[l], (T)vc[l], shared);
            std::memcpy(at[l] + e * sizeof(T), &fresh, sizeof(T));
            changed = changed || fresh != old[e][l];
        }
    }
    // After the last operand was read: a destination may be the register of one.
    for (int e = 0; e < insn.count && form.returns; ++e) {
        Slot *to = w.at<Slot>(insn.ops[e]);
        for (int l = 0; l < LANES; ++l)
            if (w.exec >> l & 1) to[l] = (Slot)(std::make_unsigned_t<T>)old[e][l];
    }
    if (changed)
        note_progress();
    else
        w.poll();
}

// exch and cas of 128 bits.
template <bool compares>
void run_wide(Warp &w, const Insn &insn) {
    const AtomicForm &form = atomic_form(insn);
    uint64_t address[LANES];
    unsigned char *at[LANES];
    begin(w, insn, form, address, at);
    const uint64_t *b = w.at<uint64_t>(insn.ops[form.address + 1]);
    const uint64_t *c = compares ? w.at<uint64_t>(insn.ops[form.address + 2]) : b;
    uint64_t *to = w.at<uint64_t>(insn.ops[0]);
    bool changed = false;
    for (int l = 0; l < LANES; ++l) {
        if (!(w.exec >> l & 1)) continue;
        uint64_t old[2];
        std::memcpy(old, at[l], 16);
        const uint64_t fresh[2] = {c[l], c[LANES + l]};
        if (!compares || (old[0] == b[l] && old[1] == b[LANES + l])) {
            std::memcpy(at[l], fresh, 16);
            changed = changed || std::memcmp(old, fresh, 16) != 0;
        }
        to[l] = old[0], to[LANES + l] = old[1];
    }
    if (changed)
        note_progress();
    else
        w.poll();
}

// ---- decoding ----
template <class T>
Handler bitwise(const std::string &op) {
    if (op == "and") return run_atomic<T, change_and<T>>;
    if (op == "or") return run_atomic<T, change_or<T>>;
    if (op == "xor") return run_atomic<T, change_xor<T>>;
    if (op == "exch") return run_atomic<T, change_exch<T>>;
    if (op == "cas") return run_atomic<T, change_cas<T>>;
    return nullptr;
}

template <class T>
Handler arithmetic(const std::string &op) {
    // Sums wrap around: they are made without signs.
    using U = std::make_unsigned_t<T>;
    if (op == "add") return run_atomic<U, change_add<U>>;
    if (op == "min") return run_atomic<T, change_min<T>>;
    if (op == "max") return run_atomic<T, change_max<T>>;
    return bitwise<T>(op == "exch" || op == "cas" ? op : "");
}

template <class F>
Handler half(const std::string &op) {
    if (op == "add") return run_atomic<uint16_t, change_half<F, Half::add>>;
    if (op == "min") return run_atomic<uint16_t, change_half<F, Half::min>>;
    if (op == "max") return run_atomic<uint16_t, change_half<F, Half::max>>;
    return nullptr;
}

template <class F>
Handler halves(const std::string &op) {
    if (op == "add") return run_atomic<uint32_t, change_halves<F, Half::add>>;
    if (op == "min") return run_atomic<uint32_t, change_halves<F, Half::min>>;
    if (op == "max") return run_atomic<uint32_t, change_halves<F, Half::max>>;
    return nullptr;
}

Handler handler_of(const std::string &op, Type type) {
    switch (type) {
        case Type::b16:
            return op == "cas" ? bitwise<uint16_t>(op) : nullptr;
        case Type::b32:
            return bitwise<uint32_t>(op);
        case Type::b64:
            return bitwise<uint64_t>(op);
        case Type::u32:
            if (op == "inc") return run_atomic<uint32_t, change_inc>;
            if (op == "dec") return run_atomic<uint32_t, change_dec>;
            return arithmetic<uint32_t>(op);
        case Type::s32:
            return arithmetic<int32_t>(op);
        case Type::u64:
            return arithmetic<uint64_t>(op);
        case Type::s64:
            return arithmetic<int64_t>(op);
        case Type::f32:
            return op == "add" ? run_atomic<uint32_t, add_f32> : nullptr;
        case Type::f64:
            return op == "add" ? run_atomic<uint64_t, add_f64> : nullptr;
        case Type::f16:
            return half<F16>(op);
        case Type::bf16:
            return half<BF16>(op);
        case Type::f16x2:
            return halves<F16>(op);
        case Type::bf16x2:
            return halves<BF16>(op);
        case Type::b128:
            return op == "cas" ? run_wide<true> : op == "exch" ? run_wide<false> : nullptr;
        default:
            return nullptr;
    }
}

bool is_half(Type type) {
    return type == Type::f16 || type == Type::bf16 || type == Type::f16x2 || type == Type::bf16x2;
}

// What goes before the operands.
Type take_form(Decoding &d, AtomicForm &form, std::string &op) {
    take_order(d, form, Order::relaxed);
    form.space = take_space(d, d.operand(form.returns ? 1 : 0));
    if (form.space != Space::generic && form.space != Space::global && form.space != Space::shared)
        d.refuse("atomic operations are on global and shared memory");
    op = d.take_one_of({"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"});
    const std::string vector = d.take_one_of({"v2", "v4", "v8"});
    d.insn.count = vector.empty() ? 1 : vector[1] - '0';
    const Type type = d.take_type();
    if (d.take("noftz") != is_half(type))
        d.refuse(".noftz belongs to 16-bit floating-point types, and they need it");
    if (d.insn.count > 1 && !is_half(type) && type != Type::f32)
        d.refuse("vectors are of floating-point types");
    d.insn.bytes = bits_of(type) / 8;
    form.align = d.insn.bytes * d.insn.count;
    if (form.align > 16) d.refuse("more than 16 bytes");
    return type;
}

void decode_atomic(Decoding &d, bool returns) {
    AtomicForm form;
    form.returns = returns;
    std::string op;
    const Type type = take_form(d, form, op);
    const int count = d.insn.count;
    d.insn.run = handler_of(op, type);
    const bool compares = op == "cas";
    if (d.insn.run == nullptr || (!returns && (compares || op == "exch")))
        d.refuse("no operation ." + op + " on " + name_of(type));
    size_t at = 0;
    if (returns) d.write_vector(d.operand(at++), type, count);
    form.address = returns ? count : 0;
    d.read_address(d.operand(at++));
    d.read_vector(d.operand(at++), type, count);
    if (compares) d.read_vector(d.operand(at++), type, count);
    d.insn.imm2 = compares;
    take_cache_hints(d, at);
    d.insn.cls = Class::atomic;
    d.insn.extra = d.keep(form);
}

void decode_atom(Decoding &d) { decode_atomic(d, true); }

void decode_red(Decoding &d) {
    if (d.take("async")) return decode_reduction_async(d);
    decode_atomic(d, false);
}

RegisterDecoder atom{"atom", decode_atom};
RegisterDecoder red{"red", decode_red};

}  // namespace
