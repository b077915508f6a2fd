// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor: boxes of tensors of 1 to 5 dimensions, tiled
// mode.
#include <algorithm>
#include <bit>
#include <cstring>

#include "async_decode.h"
#include "async_operands.h"
#include "async_reduction.h"
#include "formats.h"
#include "tensor_map.h"

namespace {

struct Form {
    AddressOperand map, shared, barrier;
    int rank = 0, coordinates = -1;  // coordinates: the first one's index in Insn::ops
    int blocks = -1;
    bool own_target = false;
    std::string operation;  // of a reduction
};

// A box of a tensor, at a place in shared memory.
struct Box {
    Site site;
    const TensorMap *map;
    int64_t begin[5];
    uint32_t extent[5];
    uint32_t shared;        // address
    unsigned char *memory;  // of `shared`
    size_t row_bytes, rows;
};

// ---- the map ----
const TensorMap *map_at(const Site &site, uint64_t address, TensorMap &copy) {
    Warp &w = *site.warp;
    const Parameters &params = w.block->launch->params;
    const uint64_t offset = address - (uint64_t)params.data();
    const unsigned char *at = (const unsigned char *)address;
    const bool parameter = offset < params.size() && sizeof(TensorMap) <= params.size() - offset;
    if ((parameter ? offset : address) % 64 != 0) {
        site.report(Check::misaligned, "the tensor map's address is no multiple of 64");
        return nullptr;
    }
    if (!parameter)
        at = resolve_range(w, *site.insn, site.lane, Space::generic, Access::load, address, 128, false);
    if (at == nullptr) return nullptr;
    std::memcpy(&copy, at, sizeof copy);
    if (copy.valid()) return &copy;
    site.report(Check::wrong_use,
                "this is no tensor map: it was never encoded, or has been overwritten");
    return nullptr;
}

// ---- boxes ----
bool make_box(Box &box, const Form &form) {
    const TensorMap &map = *box.map;
    Warp &w = *box.site.warp;
    const Insn &insn = *box.site.insn;
    if (map.rank != form.rank) {
        finding(w, insn, box.site.lane, Check::wrong_use,
                "a tensor map of %d dimensions in an instruction of %d", map.rank, form.rank);
        return false;
    }
    box.row_bytes = (size_t)map.extent(0) * map.element_bytes();
    box.rows = 1;
    for (int d = 0; d < form.rank; ++d) {
        box.begin[d] = w.at<int32_t>(insn.ops[form.coordinates + d])[box.site.lane];
        box.extent[d] = map.extent(d);
        if (d > 0) box.rows *= box.extent[d];
    }
    if (box.shared % 128 != 0) {
        box.site.report(Check::misaligned, "the address in shared memory is no multiple of 128");
        return false;
    }
    return true;
}

// Where byte `at` of the box lies: bits 4 and up of the address are changed by bits 7 and up.
unsigned char *swizzled(const Box &box, size_t at) {
    const uint32_t address = (box.shared & SHARED_OFFSET) + at, mask = (1u << box.map->swizzle) - 1;
    const uint32_t moved = address ^ ((address >> 7 & mask) << 4);
    return box.memory + ((int64_t)moved - (box.shared & SHARED_OFFSET));
}

struct Row {
    unsigned char *global = nullptr;  // of its first element within the tensor
    uint64_t address = 0;
    size_t skip = 0, bytes = 0;  // bytes before those within the tensor, and how many there are
};

Row row_of(const Box &box, size_t number) {
    const TensorMap &map = *box.map;
    Row row;
    uint64_t address = map.address;
    for (int d = 1; d < map.rank; ++d) {
        const int64_t index = box.begin[d] + (int64_t)(number % box.extent[d]) * map.element_strides[d];
        number /= box.extent[d];
        if (index < 0 || index > (int64_t)map.dims[d]) return row;
        address += index * map.strides[d - 1];
    }
    const int64_t size = map.element_bytes(), begin = box.begin[0], end = begin + box.extent[0];
    const int64_t first = std::max<int64_t>(begin, 0),
                  last = std::min<int64_t>(end, (int64_t)map.dims[0] + 1);
    if (first >= last) return row;
    row.skip = (first - begin) * size;
    row.bytes = (last - first) * size;
    row.address = address + first * size;
    return row;
}

// What elements outside of the tensor are read as.
const unsigned char *fill_of(const TensorMap &map) {
    constexpr size_t MOST = 256 * 8;
    static unsigned char fills[4][MOST];  // zeros, and NaNs of 2, 4 and 8 bytes
    static const bool made = [] {
        for (int k = 1; k < 4; ++k) {
            const size_t bytes = 1u << k;
            std::memset(fills[k], 0xFF, MOST);
            for (size_t at = bytes - 1; at < MOST; at += bytes) fills[k][at] = 0x7F;
        }
        return true;
    }();
    return fills[made && map.fills_nan ? std::countr_zero((unsigned)map.element_bytes()) : 0];
}

// Looks up what a row reads or writes in global memory.  Rows that follow each other are held as one
// range.
struct GlobalRanges {
    Transfer &transfer;
    Access access;
    uint64_t begin = 0, end = 0;

    bool add(Row &row) {
        const Site &s = transfer.site;
        row.global = resolve_range(*s.warp, *s.insn, s.lane, Space::global, access, row.address,
                                   row.bytes, true);
        if (row.global == nullptr) return false;
        if (row.address != end) flush(), begin = row.address;
        end = row.address + row.bytes;
        return true;
    }
    void flush() {
        const Site &s = transfer.site;
        const bool writes = access != Access::load;
        if (begin != end)
            (writes ? transfer.targets : transfer.sources)
                .push_back(begin_async(*s.warp, *s.insn, s.lane, Space::global, begin, end - begin,
                                       writes, true, access == Access::atomic));
        begin = end = 0;
    }
};

// The pieces of a row: chunks of 16 bytes that stay together in shared memory, cut where the tensor
// ends.
void add_pieces(Transfer &transfer, const Box &box, size_t number, const Row &row, bool loads) {
    const size_t step = box.map->swizzle == 0 ? box.row_bytes : 16;
    const unsigned char *fill = fill_of(*box.map);
    for (size_t at = 0; at < box.row_bytes;) {
        const bool inside = at >= row.skip && at < row.skip + row.bytes;
        size_t end = std::min(box.row_bytes, at / step * step + step);
        if (at < row.skip && row.bytes > 0) end = std::min(end, row.skip);
        if (inside) end = std::min(end, row.skip + row.bytes);
        unsigned char *shared = swizzled(box, number * box.row_bytes + at);
        unsigned char *global = inside ? row.global + (at - row.skip) : nullptr;
        if (loads)
            transfer.pieces.push_back({inside ? global : fill, shared, end - at});
        else
            transfer.pieces.push_back({shared, global, end - at});
        at = end;
    }
}

// False: something is faulty, and nothing is copied.
bool fill_transfer(Transfer &transfer, Box &box, bool loads) {
    const Site &s = box.site;
    const size_t bytes = box.rows * box.row_bytes;
    box.memory = resolve_range(*s.warp, *s.insn, s.lane, Space::shared,
                               loads ? Access::store : Access::load, box.shared, bytes, true);
    if (box.memory == nullptr) return false;
    GlobalRanges ranges{transfer, loads                         ? Access::load
                                  : transfer.combine != nullptr ? Access::atomic
                                                                : Access::store};
    bool sound = true;
    for (size_t r = 0; r < box.rows && sound; ++r) {
        Row row = row_of(box, r);
        if (row.bytes > 0) sound = ranges.add(row);
        if (sound) add_pieces(transfer, box, r, row, loads);
    }
    if (!sound) return false;
    ranges.flush();
    (loads ? transfer.targets : transfer.sources)
        .push_back(begin_async(*s.warp, *s.insn, s.lane, Space::shared, box.shared, bytes, loads));
    return true;
}

// ---- what loading makes of numbers ----
template <float (*F)(float)>
void convert(unsigned char *data, size_t bytes) {
    for (size_t at = 0; at + 4 <= bytes; at += 4) {
        float x;
        std::memcpy(&x, data + at, 4);
        x = F(x);
        std::memcpy(data + at, &x, 4);
    }
}
// To the nearest number of 10 bits of mantissa, ties to even.
float to_tf32(float x) {
    const uint32_t bits = bits_of(x);
    return x != x ? x : float_of((bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFFu);
}
float to_flushed_tf32(float x) { return to_tf32(flushed(x)); }

Transfer::Convert conversion_of(const TensorMap &map) {
    enum { FLOAT32_FTZ = 10, TFLOAT32, TFLOAT32_FTZ };  // of CUtensorMapDataType
    if (map.type == FLOAT32_FTZ) return convert<flushed>;
    if (map.type == TFLOAT32) return convert<to_tf32>;
    return map.type == TFLOAT32_FTZ ? convert<to_flushed_tf32> : nullptr;
}

// ---- instructions ----
void load_box(const Site &site, const Form &form, const TensorMap &map, uint32_t to, uint32_t barrier) {
    auto transfer = std::make_shared<Transfer>();
    transfer->site = site;
    transfer->convert = conversion_of(map);
    Box box{site, &map, {}, {}, to, nullptr, 0, 0};
    if (make_box(box, form) && fill_transfer(*transfer, box, true))
        start_signalled(transfer, barrier, to);
}

void run_load(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        const Site site{&w, &insn, l};
        TensorMap copy;
        const TensorMap *map = map_at(site, form.map.of(w, insn, l), copy);
        if (map == nullptr) continue;
        const uint32_t to = form.shared.of(w, insn, l), barrier = form.barrier.of(w, insn, l);
        if (form.own_target && block_of(w, insn, l, to) != w.block)
            site.report(Check::wrong_use, "the target is .shared::cta, but another block's");
        if (form.blocks < 0) {
            load_box(site, form, *map, to, barrier);
            continue;
        }
        for_each_block(site, w.at<uint32_t>(insn.ops[form.blocks])[l] & 0xFFFF, [&](uint32_t base) {
            load_box(site, form, *map, base | (to & SHARED_OFFSET), base | (barrier & SHARED_OFFSET));
        });
    }
}

// Chooses what a reduction does with an element; false: there is no such operation on it.
bool choose_combination(Transfer &transfer, const Form &form, const TensorMap &map) {
    if (form.operation.empty()) return true;
    const bool bits = form.operation == "and" || form.operation == "or" || form.operation == "xor";
    transfer.combine = combination_of(form.operation, map.reduced_as(bits));
    if (transfer.combine == nullptr)
        finding(*transfer.site.warp, *transfer.site.insn, transfer.site.lane, Check::wrong_use,
                "no reduction .%s of this tensor's elements", form.operation.c_str());
    return transfer.combine != nullptr;
}

// What the lanes of a warp store in one instruction.
struct Stored {
    uint64_t map;
    Box box;
    std::shared_ptr<Transfer> transfer;
    bool is(uint64_t other_map, const Box &other, int rank) const {
        return map == other_map && box.shared == other.shared &&
               std::equal(box.begin, box.begin + rank, other.begin);
    }
};

// CUTLASS has a whole warp store the same box to the same place.  Such lanes cannot disagree: the box
// is stored once, and belongs to the groups of all of them.
void run_store(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    std::vector<Stored> all;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        auto transfer = std::make_shared<Transfer>();
        const Site site = transfer->site = {&w, &insn, l};
        TensorMap copy;
        const uint64_t map_address = form.map.of(w, insn, l);
        const TensorMap *map = map_at(site, map_address, copy);
        if (map == nullptr || !choose_combination(*transfer, form, *map)) continue;
        Box box{site, map, {}, {}, (uint32_t)form.shared.of(w, insn, l), nullptr, 0, 0};
        if (!make_box(box, form)) continue;
        const auto same = std::find_if(all.begin(), all.end(), [&](const Stored &s) {
            return transfer->combine == nullptr && s.is(map_address, box, form.rank);
        });
        if (same != all.end()) {
            join_group(same->transfer, l);
            continue;
        }
        if (*std::min_element(box.begin, box.begin + form.rank) < 0)
            site.report(Check::wrong_use, "a box that is written begins at a negative coordinate");
        if (!fill_transfer(*transfer, box, false)) continue;
        start_grouped(transfer);
        all.push_back({map_address, box, transfer});
    }
}

void run_prefetch(Warp &w, const Insn &insn) {
    const Form &form = *(const Form *)insn.extra;
    for (Mask left = w.exec; left != 0; left &= left - 1) {
        const int l = std::countr_zero(left);
        TensorMap copy;
        map_at({&w, &insn, l}, form.map.of(w, insn, l), copy);
    }
}

// ---- decoding ----
void take_mode(Decoding &d, Form &form) {
    const std::string rank = d.take_one_of({"1d", "2d", "3d", "4d", "5d"});
    if (rank.empty()) d.refuse("how many dimensions is missing");
    form.rank = rank[0] - '0';
    for (const char *mode : {"tile::gather4", "tile::scatter4", "im2col", "im2col::w", "im2col::w::128",
                             "im2col_no_offs", "cta_group::1", "cta_group::2"})
        if (d.take(mode)) d.refuse(std::string(".") + mode + " is not supported");
    d.take("tile");
}

// [map, {x, y}]
void take_tensor(Decoding &d, Form &form, const Operand &o, int &at) {
    form.map = take_address(d, o, at);
    if (o.parts.size() != 2 || (int)o.parts[1].parts.size() != form.rank)
        d.refuse("as many coordinates as dimensions are expected");
    form.coordinates = at;
    d.read_vector(o.parts[1], Type::s32, form.rank);
    at += form.rank;
}

void decode_load(Decoding &d, Form &form, const std::string &target) {
    if (!d.take("mbarrier::complete_tx::bytes")) d.refuse("only with .mbarrier::complete_tx::bytes");
    int at = 0;
    size_t next = 3;
    form.own_target = target == "shared::cta";
    form.shared = take_address(d, d.operand(0), at);
    take_tensor(d, form, d.operand(1), at);
    form.barrier = take_address(d, d.operand(2), at);
    if (d.take("multicast::cluster")) {
        if (form.own_target) d.refuse(".multicast::cluster to .shared::cta");
        d.read(d.operand(next++), Type::u16);
        form.blocks = at++;
    }
    take_cache_hint(d, next);
    d.insn.run = run_load;
}

void decode_store(Decoding &d, Form &form) {
    if (!d.take("bulk_group")) d.refuse("only with .bulk_group");
    int at = 0;
    take_tensor(d, form, d.operand(0), at);
    form.shared = take_address(d, d.operand(1), at);
    take_cache_hint(d, 2);
    d.insn.run = run_store;
}

}  // namespace

void decode_tensor_copy(Decoding &d, bool reduction) {
    d.insn.cls = Class::async;
    Form &form = *keep<Form>(d);
    take_mode(d, form);
    if (reduction) {
        form.operation = d.take_one_of({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
        if (form.operation.empty()) d.refuse("the operation is missing");
    }
    const auto &all = d.statement.modifiers;
    const auto global = std::find(all.begin(), all.end(), "global");
    const auto shared = std::find_if(
        all.begin(), all.end(), [](auto &m) { return m == "shared::cta" || m == "shared::cluster"; });
    if (global == all.end() || shared == all.end())
        d.refuse("the spaces of target and source are missing");
    d.take("global"), d.take(shared->c_str());
    if (shared < global && reduction) d.refuse("reductions are to .global");
    if (shared < global) return decode_load(d, form, *shared);
    if (*shared != "shared::cta") d.refuse("the source must be .shared::cta");
    decode_store(d, form);
}

void decode_tensor_prefetch(Decoding &d) {
    d.insn.cls = Class::async;
    Form &form = *keep<Form>(d);
    take_mode(d, form);
    if (!d.take("L2") || !d.take("global")) d.refuse("only .L2.global");
    int at = 0;
    take_tensor(d, form, d.operand(0), at);
    take_cache_hint(d, 1);
    d.insn.run = run_prefetch;
}
