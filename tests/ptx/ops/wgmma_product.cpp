// wgmma: the product, and the shared memory that it reads.
#include <cstring>

#include "../memory/memory.h"
#include "wgmma.h"
#include "wgmma_operand.h"

namespace {

constexpr int MOST_K = 32, ROWS = 16;  // of a warp

template <class T>
struct Formats {
    Widen<T> widen;
    Unpack<T> unpack;  // null: never in registers
};

Formats<double> formats_of(Type type, double) {
    switch (type) {
        case Type::f16:
            return {widen<ElementF16, double>, unpack<ElementF16, double>};
        case Type::bf16:
            return {widen<ElementBF16, double>, unpack<ElementBF16, double>};
        case Type::tf32:
            return {widen<ElementTF32, double>, unpack<ElementTF32, double>};
        case Type::e4m3:
            return {widen<ElementE4M3, double>, unpack<ElementE4M3, double>};
        default:
            return {widen<ElementE5M2, double>, unpack<ElementE5M2, double>};
    }
}

Formats<int32_t> formats_of(Type type, int32_t) {
    if (type == Type::s8) return {widen<ElementS8, int32_t>, unpack<ElementS8, int32_t>};
    return {widen<ElementU8, int32_t>, unpack<ElementU8, int32_t>};
}

SharedOperand operand_a(const WgmmaForm &form, uint64_t descriptor) {
    return {descriptor, form.a_transposed, form.element_bytes, form.k};
}
SharedOperand operand_b(const WgmmaForm &form, uint64_t descriptor) {
    return {descriptor, form.b_transposed, form.element_bytes, form.k};
}

template <class T>
void negate(T *values, int count) {
    for (int i = 0; i < count; ++i) values[i] = -values[i];
}

// The 16 rows of a warp.
template <class T>
void load_a(const WgmmaForm &form, const WgmmaProduct &product, const WgmmaProduct::Part &part, T *a) {
    const Formats<T> formats = formats_of(form.a, T());
    if (form.a_in_registers) {
        const int32_t *ops = part.insn->ops + form.d_registers;
        unpack_a<T>(*part.warp, ops, formats.unpack, block_width(8 * form.element_bytes), ROWS, form.k,
                    a);
    } else {
        const SharedOperand operand = operand_a(form, product.a);
        for (int h = 0; h < 2; ++h) {
            unsigned char raw[8 * MOST_K];
            operand.load(*part.warp->block, part.warp->index % WARPGROUP * ROWS + 8 * h, raw);
            formats.widen(raw, a + h * 8 * form.k, 8 * form.k);
        }
    }
    if (form.a_negated) negate(a, ROWS * form.k);
}

// Eight columns.
template <class T>
void load_b(const WgmmaForm &form, const WgmmaProduct &product, const Block &block, int column,
            T (*b)[TILE]) {
    unsigned char raw[8 * MOST_K];
    T columns[TILE * MOST_K];
    operand_b(form, product.b).load(block, column, raw);
    formats_of(form.b, T()).widen(raw, columns, TILE * form.k);
    if (form.b_negated) negate(columns, TILE * form.k);
    for (int i = 0; i < form.k; ++i)
        for (int n = 0; n < TILE; ++n) b[i][n] = columns[n * form.k + i];
}

// The product writes the registers of all lanes, for nobody executes an instruction at that time.
class AllLanes {
public:
    explicit AllLanes(Warp &warp) : warp_(warp), exec_(warp.exec) { warp.exec = ALL; }
    ~AllLanes() { warp_.exec = exec_; }

private:
    Warp &warp_;
    Mask exec_;
};

template <class T>
void make(const WgmmaForm &form, const WgmmaProduct &product) {
    T a[WARPGROUP][ROWS * MOST_K], b[MOST_K][TILE], sums[ROWS][TILE];
    const Block *block = nullptr;
    for (int i = 0; i < WARPGROUP; ++i) {
        if (product.parts[i].warp == nullptr) continue;
        block = product.parts[i].warp->block;
        load_a<T>(form, product, product.parts[i], a[i]);
    }
    for (int column = 0; column < form.n; column += TILE) {
        load_b<T>(form, product, *block, column, b);
        for (int i = 0; i < WARPGROUP; ++i) {
            const WgmmaProduct::Part &part = product.parts[i];
            if (part.warp == nullptr) continue;
            const AllLanes all(*part.warp);
            const int32_t *ops = part.insn->ops + column / TILE * 2 * registers_of(form.type);
            if (part.accumulates)
                read_accumulators(*part.warp, ops, form.type, ROWS, sums);
            else
                std::memset(sums, 0, sizeof sums);
            add_product(a[i], b, ROWS, form.k, sums);
            write_accumulators(*part.warp, ops, part.accumulates ? ops : nullptr, form.type, ROWS,
                               sums);
        }
    }
}

}  // namespace

void make_products(Warpgroup &group, const WgmmaProduct &last) {
    for (const auto &product : group.products) {
        if (last.done) break;
        if (product->done) continue;
        const WgmmaProduct::Part *part = product->parts;
        while (part->warp == nullptr) ++part;
        const WgmmaForm &form = wgmma_form(*part->insn);
        if (form.integer)
            make<int32_t>(form, *product);
        else
            make<double>(form, *product);
        product->done = true;
    }
    while (!group.products.empty() && group.products.front()->done)
        group.products.pop_front(), ++group.first;
}

void defer_product(const std::shared_ptr<Warpgroup> &group,
                   const std::shared_ptr<WgmmaProduct> &product) {
    product->work = defer([group, product] {
        if (!group->dropped && !product->done) make_products(*group, *product);
    });
}

// Visits the chunks of shared memory of a warp's part: its rows of A, and B.
template <class Visit>
static void each_chunk(const Warp &w, const WgmmaForm &form, const WgmmaProduct &product, bool with_b,
                       Visit visit) {
    if (!form.a_in_registers)
        operand_a(form, product.a).each_chunk(w.index % WARPGROUP * ROWS, ROWS, visit);
    if (with_b) operand_b(form, product.b).each_chunk(0, form.n, visit);
}

void check_operands(Warp &w, const Insn &insn, const WgmmaProduct &product) {
    bool found = false;
    each_chunk(w, wgmma_form(insn), product, true, [&](uint32_t offset) {
        if (found || shared_chunk(*w.block, offset) != nullptr) return;
        resolve_range(w, insn, 0, Space::shared, Access::load, offset, 16, true);
        found = true;
    });
}

// All four warps read B; one of them, in turn, is checked for it.
std::vector<int> begin_reads(Warp &w, const WgmmaState &state) {
    constexpr uint32_t CHUNKS = 1 << 14;
    static std::vector<bool> chunks(CHUNKS);
    chunks.assign(CHUNKS, false);
    const bool with_b = (state.commits + w.index) % WARPGROUP == 0;
    for (const auto &product : state.open) {
        const Insn *insn = product->parts[w.index % WARPGROUP].insn;
        if (insn == nullptr) continue;
        each_chunk(w, wgmma_form(*insn), *product, with_b, [&](uint32_t offset) {
            if (shared_chunk(*w.block, offset) != nullptr) chunks[offset / 16] = true;
        });
    }
    std::vector<int> handles;
    for (uint32_t begin = 0; begin < CHUNKS; ++begin) {
        if (!chunks[begin]) continue;
        uint32_t end = begin + 1;
        while (end < CHUNKS && chunks[end]) ++end;
        const Insn &insn = *state.open.front()->parts[w.index % WARPGROUP].insn;
        const uint32_t offset = begin * 16, bytes = (end - begin) * 16;
        if (resolve_range(w, insn, 0, Space::shared, Access::load, offset, bytes, true) != nullptr)
            handles.push_back(begin_async(w, insn, 0, Space::shared, offset, bytes, false));
        begin = end;
    }
    return handles;
}
