// Transfers of bulk and tensor copies: when their parts are read and written, and who learns of it.
#include <cstring>

#include "async_operands.h"

void defer_for(Block &block, std::function<void()> work) {
    auto &all = block_async(block).deferred;
    if (all.size() >= 64 && all.size() >= 2 * block_async(block).unfinished) {
        std::erase_if(all, [](const std::shared_ptr<Deferred> &one) { return one->work == nullptr; });
        block_async(block).unfinished = all.size();
    }
    auto one = std::make_shared<Deferred>(Deferred{std::move(work)});
    all.push_back(one);
    defer([one] { one->run(); });
}

void Transfer::read(Part &part) {
    if (part.read) return;
    part.read = true;
    size_t bytes = 0;
    for (size_t p = part.first; p < part.last; ++p) bytes += pieces[p].bytes;
    part.data.resize(bytes);
    unsigned char *to = part.data.data();
    for (size_t p = part.first; p < part.last; to += pieces[p++].bytes)
        std::memcpy(to, pieces[p].from, pieces[p].bytes);
    if (convert != nullptr) convert(part.data.data(), bytes);
}

void Transfer::write(Part &part) {
    if (part.written) return;
    read(part);
    part.written = true;
    const unsigned char *from = part.data.data();
    for (size_t p = part.first; p < part.last; from += pieces[p++].bytes) {
        const Piece &piece = pieces[p];
        if (piece.to == nullptr) continue;
        if (combine != nullptr) {
            combine(piece.to, from, piece.bytes);
        } else if (byte_mask == 0xFFFF) {
            std::memcpy(piece.to, from, piece.bytes);
        } else {
            for (size_t k = 0; k < piece.bytes; ++k)
                if (byte_mask >> (k & 15) & 1) piece.to[k] = from[k];
        }
    }
    part.data = {};
    const bool last = --unwritten == 0;
    if (!signals) return;
    if (last) sources.insert(sources.end(), targets.begin(), targets.end());
    mbarrier_complete(site, *block, mbarrier, part.bytes, last ? sources : std::vector<int>());
}

void Transfer::finish_reading() {
    for (Part &part : parts) read(part);
}

void Transfer::finish() {
    for (Part &part : parts) write(part);
}

void Transfer::split() {
    constexpr size_t LEAST = 1024, MOST_PARTS = 4;
    size_t bytes = 0;
    for (const Piece &piece : pieces) bytes += piece.bytes;
    const size_t count =
        std::min({MOST_PARTS, std::max<size_t>(1, bytes / LEAST), std::max<size_t>(1, pieces.size())});
    for (size_t k = 0; k < count; ++k) {
        Part part{pieces.size() * k / count, pieces.size() * (k + 1) / count, 0, false, false, {}};
        for (size_t p = part.first; p < part.last; ++p) part.bytes += pieces[p].bytes;
        parts.push_back(part);
    }
    unwritten = count;
}

void start_transfer(const std::shared_ptr<Transfer> &transfer) {
    transfer->split();
    Block &block = *transfer->site.warp->block;
    for (size_t k = 0; k < transfer->parts.size(); ++k)
        defer_for(block, [transfer, k, &block] {
            transfer->read(transfer->parts[k]);
            defer_for(block, [transfer, k] { transfer->write(transfer->parts[k]); });
        });
}

namespace {

void end_all(std::vector<int> &handles, const WarpClock &by, int lane) {
    for (int handle : handles) end_async(handle, by, lane);
    handles.clear();
}

// Finds copies whose sources nobody waited for: the shared memory may be another block's before they
// are read.
void check_sources(Warp &warp) {
    for (GroupedTransfer &grouped : async_state(warp).grouped)
        grouped.transfer->site.report(Check::asynchronous,
                                      "the block ends while this copy may still read its shared memory "
                                      "(cp.async.bulk.wait_group.read is missing)");
}

// Finds copies to the block's shared memory that no thread waited for.
void check_targets(Block &block) {
    for (auto &[offset, m] : block_async(block).mbarriers) {
        if (m.told_at == 0) continue;
        bool known = false;
        for (Block *other : block.cluster->blocks)
            for (auto &warp : other->warps)
                known |= std::max(warp->clock.seen.of(m.agent),
                                  warp->clock.pending.device.of(m.agent)) >= m.told_at;
        if (!known)
            m.told_by.report(Check::asynchronous,
                             "the block ends, and no thread has waited for this copy's mbarrier");
    }
}

}  // namespace

void wait_for_bulk_groups(Warp &w, uint32_t pending, bool only_read) {
    AsyncState &state = async_state(w);
    const auto due = [&](const GroupedTransfer &g) {
        return (w.exec >> g.lane & 1) && g.group + pending < state.bulk_committed[g.lane];
    };
    for (GroupedTransfer &g : state.grouped) {
        if (!due(g)) continue;
        g.transfer->finish_reading();
        end_all(g.transfer->sources, w.clock, g.lane);
        state.read_grouped.push_back(std::move(g));
    }
    std::erase_if(state.grouped, [](const GroupedTransfer &g) { return g.transfer == nullptr; });
    if (!only_read)
        std::erase_if(state.read_grouped, [&](GroupedTransfer &g) {
            if (!due(g)) return false;
            g.transfer->finish();
            end_all(g.transfer->targets, w.clock, g.lane);
            return true;
        });
    note_progress();
}

void async_end_cluster(Cluster &cluster) {
    for (bool found = true; found;) {
        found = false;
        for (Block *block : cluster.blocks) {
            if (block->async == nullptr) continue;
            auto work = std::exchange(block_async(*block).deferred, {});
            for (auto &one : work) found = true, one->run();
        }
    }
    for (Block *block : cluster.blocks) {
        if (block->async != nullptr) check_targets(*block);
        for (auto &warp : block->warps) {
            if (warp->async == nullptr) continue;
            AsyncState &state = async_state(*warp);
            check_sources(*warp);
            for (auto *grouped : {&state.grouped, &state.read_grouped})
                for (GroupedTransfer &g : *grouped) {
                    end_all(g.transfer->sources, warp->clock, g.lane);
                    end_all(g.transfer->targets, warp->clock, g.lane);
                }
            for (auto &copies : state.copies) {
                copies->done = true;
                copies->end(copies->open, warp->clock);
            }
        }
    }
}
