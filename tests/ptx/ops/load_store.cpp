// ld, ldu and st.
#include <bit>
#include <cstring>

#include "../checks/findings.h"
#include "../decode/function_decoder.h"
#include "access.h"
#include "async_decode.h"

namespace {

// An element of `size` bytes, as it stands in registers.
template <int size>
using Slot = std::conditional_t<size <= 4, uint32_t, uint64_t>;
template <int size>
using Raw = std::conditional_t<
    size == 1, uint8_t,
    std::conditional_t<size == 2, uint16_t, std::conditional_t<size == 4, uint32_t, uint64_t>>>;

template <class T>
T get(const unsigned char *from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

Request request_of(const Insn &insn, const AccessForm &form, Access access) {
    Request request{form.space, access, insn.bytes * insn.count, form.align, form.order != Order::weak};
    request.used = form.used, request.scope = form.scope;
    return request;
}

// ---- ld ----
// ops: destinations, address
template <int size>
void load_elements(Warp &w, const Insn &insn, unsigned char *const at[LANES]) {
    for (int e = 0; e < insn.count; ++e)
        w.set<Slot<size>>(insn.ops[e],
                          [&](int l) { return (Slot<size>)get<Raw<size>>(at[l] + e * size); });
}

// 128 bits: the low halves, then the high ones.
template <>
void load_elements<16>(Warp &w, const Insn &insn, unsigned char *const at[LANES]) {
    for (int e = 0; e < insn.count; ++e) {
        uint64_t *low = w.at<uint64_t>(insn.ops[e]), *high = low + LANES;
        for (int l = 0; l < LANES; ++l) {
            if (!(w.exec >> l & 1)) continue;
            low[l] = get<uint64_t>(at[l] + e * 16);
            high[l] = get<uint64_t>(at[l] + e * 16 + 8);
        }
    }
}

template <int size>
void run_ld(Warp &w, const Insn &insn) {
    const AccessForm &form = form_of(insn);
    uint64_t address[LANES];
    unsigned char *at[LANES];
    addresses_of(w, insn, form, address);
    resolve(w, insn, request_of(insn, form, Access::load), address, w.exec, at);
    load_elements<size>(w, insn, at);
    if (form.order != Order::weak && checks().race)
        places_read(w.clock, at, w.exec, insn.bytes * insn.count, form.order, form.scope);
}

// Reads a parameter of the kernel, which is the same for all lanes.
template <int size>
void run_ld_param(Warp &w, const Insn &insn) {
    Parameters &params = w.block->launch->params;
    const uint64_t offset = w.at<uint32_t>(insn.ops[insn.count])[0] + insn.imm;
    const int bytes = insn.bytes * insn.count;
    if (offset > params.size() || (size_t)bytes > params.size() - offset) return run_ld<size>(w, insn);
    unsigned char *at[LANES];
    for (int l = 0; l < LANES; ++l) at[l] = params.data() + offset;
    load_elements<size>(w, insn, at);
}

// ---- st ----
// ops: address, sources
template <int size>
void store_elements(Warp &w, const Insn &insn, unsigned char *const at[LANES]) {
    for (int e = 0; e < insn.count; ++e) {
        const Slot<size> *from = w.at<Slot<size>>(insn.ops[1 + e]);
        for (int l = 0; l < LANES; ++l) {
            const Raw<size> value = from[l];
            std::memcpy(at[l] + e * size, &value, size);
        }
    }
}

template <>
void store_elements<16>(Warp &w, const Insn &insn, unsigned char *const at[LANES]) {
    for (int e = 0; e < insn.count; ++e) {
        const uint64_t *low = w.at<uint64_t>(insn.ops[1 + e]), *high = low + LANES;
        for (int l = 0; l < LANES; ++l) {
            std::memcpy(at[l] + e * 16, low + l, 8);
            std::memcpy(at[l] + e * 16 + 8, high + l, 8);
        }
    }
}

// Gathers what a lane stores.
template <int size>
void gather(const Warp &w, const Insn &insn, int lane, unsigned char *to) {
    for (int e = 0; e < insn.count; ++e) {
        if constexpr (size == 16) {
            const uint64_t *low = w.at<uint64_t>(insn.ops[1 + e]);
            std::memcpy(to + e * 16, low + lane, 8);
            std::memcpy(to + e * 16 + 8, low + LANES + lane, 8);
        } else {
            const Raw<size> value = w.at<Slot<size>>(insn.ops[1 + e])[lane];
            std::memcpy(to + e * size, &value, size);
        }
    }
}

template <int size>
bool same_stored(const Warp &w, const Insn &insn, int lane, int other, const unsigned char *at) {
    unsigned char mine[64], theirs[64];
    gather<size>(w, insn, lane, mine);
    if (other >= 0) gather<size>(w, insn, other, theirs), at = theirs;
    return std::memcmp(mine, at, insn.bytes * insn.count) == 0;
}

template <int size>
void run_st(Warp &w, const Insn &insn) {
    const AccessForm &form = form_of(insn);
    uint64_t address[LANES];
    unsigned char *at[LANES];
    addresses_of(w, insn, form, address);
    Request request = request_of(insn, form, Access::store);
    request.same = same_stored<size>;
    resolve(w, insn, request, address, w.exec, at);
    if (form.order != Order::weak && checks().race)
        places_write(w.clock, at, w.exec, insn.bytes * insn.count, form.order, form.scope);
    store_elements<size>(w, insn, at);
    note_progress();
}

// ---- decoding ----
bool names(const Operand &o, int id) {
    if (o.kind == Operand::reg && o.id == id) return true;
    for (const Operand &part : o.parts)
        if (names(part, id)) return true;
    return false;
}

// Does any other statement name the register?
bool is_used(const Decoding &d, int id) {
    for (const Statement &s : d.function.function.statements) {
        if (&s == &d.statement) continue;
        if (s.guard == id) return true;
        for (const Operand &o : s.operands)
            if (names(o, id)) return true;
    }
    return false;
}

// Compilers load whole vectors where the program needs a part: the rest need not have been written.
uint32_t used_bytes(const Decoding &d, const Operand &to, int size) {
    uint32_t used = 0;
    for (size_t e = 0; e < to.parts.size(); ++e)
        if (to.parts[e].kind == Operand::reg && is_used(d, to.parts[e].id))
            used |= (uint32_t)((1ull << size) - 1) << e * size;
    return used;
}

template <template <int> class Run>
Handler by_size(Decoding &d, int bytes) {
    switch (bytes) {
        case 1:
            return Run<1>::run;
        case 2:
            return Run<2>::run;
        case 4:
            return Run<4>::run;
        case 8:
            return Run<8>::run;
        case 16:
            return Run<16>::run;
        default:
            d.refuse("an element of " + std::to_string(bytes) + " bytes");
    }
}
template <int size>
struct Load {
    static constexpr Handler run = run_ld<size>;
};
template <int size>
struct LoadParam {
    static constexpr Handler run = run_ld_param<size>;
};
template <int size>
struct Store {
    static constexpr Handler run = run_st<size>;
};

int take_count(Decoding &d) {
    const std::string vector = d.take_one_of({"v2", "v4", "v8"});
    return vector.empty() ? 1 : vector[1] - '0';
}

// The type of the elements, and their size and alignment.
Type take_elements(Decoding &d, AccessForm &form) {
    d.insn.count = take_count(d);
    const Type type = d.take_type();
    if (bits_of(type) < 8) d.refuse(std::string("a value of type ") + name_of(type));
    d.insn.bytes = bits_of(type) / 8;
    form.align = d.insn.bytes * d.insn.count;
    if (form.align > 32) d.refuse("more than 32 bytes");
    return type;
}

void decode_ld(Decoding &d) {
    AccessForm form;
    take_order(d, form, Order::weak);
    if (form.order == Order::release || form.order == Order::both) d.refuse("a load cannot release");
    form.space = take_space(d, d.operand(1));
    const Type type = take_elements(d, form);
    form.address = d.insn.count;
    d.write_vector(d.operand(0), type, d.insn.count);
    d.read_address(d.operand(1));
    take_cache_hints(d, 2);
    if (d.insn.count > 1) form.used = used_bytes(d, d.operand(0), d.insn.bytes);
    form.used &= d.statement.used_bytes;
    const bool named = d.address_space_of(d.operand(1)) == Space::param;
    d.insn.cls = Class::load;
    d.insn.run = form.space == Space::param && named ? by_size<LoadParam>(d, d.insn.bytes)
                                                     : by_size<Load>(d, d.insn.bytes);
    d.insn.extra = d.keep(form);
}

void decode_ldu(Decoding &d) { decode_ld(d); }

void decode_st(Decoding &d) {
    if (d.take("async")) return decode_store_async(d);
    AccessForm form;
    take_order(d, form, Order::weak);
    if (form.order == Order::acquire || form.order == Order::both) d.refuse("a store cannot acquire");
    form.space = take_space(d, d.operand(0));
    if (form.space == Space::constant) d.refuse("a store to constant memory");
    const Type type = take_elements(d, form);
    form.address = 0;
    d.read_address(d.operand(0));
    d.read_vector(d.operand(1), type, d.insn.count);
    take_cache_hints(d, 2);
    d.insn.cls = Class::store;
    d.insn.run = by_size<Store>(d, d.insn.bytes);
    d.insn.extra = d.keep(form);
}

RegisterDecoder ld{"ld", decode_ld};
RegisterDecoder ldu{"ldu", decode_ldu};
RegisterDecoder st{"st", decode_st};

}  // namespace
