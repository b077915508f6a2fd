// The scheduler: which blocks are resident, which warp runs next, and when asynchronous work is done.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>

#include "../checks/findings.h"
#include "../memory/memory.h"
#include "../memory/race.h"
#include "../ops/async_state.h"
#include "block.h"
#include "random.h"

namespace {

// When all that runs has polled in vain for so many instructions, another block may be what it waits
// for ...
constexpr uint64_t ADMIT_AFTER = 100'000;
// ... and when all are there, nothing will come any more.
constexpr uint64_t GIVE_UP_AFTER = 20'000'000;
// Loops that neither poll nor store anything are long sums, up to here.
constexpr uint64_t ENDLESS_AFTER = 20'000'000'000;
constexpr int FEWEST_RESIDENT = 2;

struct Scheduler {
    Random random{0};
    uint64_t now = 0, progress = 0;
    uint64_t silence = 0;  // instructions of warps that poll, since anything else
    std::multimap<uint64_t, std::pair<uint64_t, std::function<void()>>>
        deferred;  // by time: number, work
    uint64_t deferrals = 0;
};
Scheduler scheduler;

struct Running {
    explicit Running(Launch &launch) : launch(launch) {}
    Launch &launch;
    std::vector<std::unique_ptr<Cluster>> clusters;
    std::vector<std::unique_ptr<Block>> blocks;
    uint64_t next = 0, total = 0;  // clusters
    uint64_t wanted = 0;           // clusters that are to be resident

    void admit();
    Warp *pick();
    void end_blocks();
    void run();
    void stuck(const char *why);
    void abandon();
};

unsigned at(uint64_t number, unsigned x, unsigned y, int axis) {
    return axis == 0 ? number % x : axis == 1 ? number / x % y : number / x / y;
}

std::unique_ptr<Block> make_block(Launch &launch, Cluster &cluster, int rank) {
    auto block = std::make_unique<Block>();
    const Program &program = *launch.program;
    const Size3 g = launch.grid, c = cluster.size;
    block->launch = &launch, block->cluster = &cluster, block->rank = rank;
    block->id = {cluster.id.x * c.x + at(rank, c.x, c.y, 0), cluster.id.y * c.y + at(rank, c.x, c.y, 1),
                 cluster.id.z * c.z + at(rank, c.x, c.y, 2)};
    block->number = ((uint64_t)block->id.z * g.y + block->id.y) * g.x + block->id.x;
    // What a block finds there is what another left: never zeros to rely on.
    block->shared.assign(program.shared_bytes + launch.dynamic_shared, 0xA5);
    const int threads = launch.block.product();
    block->local.assign((size_t)threads * program.local_bytes, 0xA5);
    block->live_warps = (threads + LANES - 1) / LANES;
    for (int w = 0; w < block->live_warps; ++w) {
        auto warp = std::make_unique<Warp>();
        const int lanes = std::min(LANES, threads - w * LANES);
        warp->block = block.get(), warp->program = &program, warp->index = w;
        warp->present = warp->active = lanes == LANES ? ALL : (1u << lanes) - 1;
        warp->frame_memory.assign((size_t)program.slots * LANES + 16, 0xA5A5A5A5);
        // Vectors of 64 bytes do not straddle cache lines.
        warp->frame = (uint32_t *)(((uintptr_t)warp->frame_memory.data() + 63) / 64 * 64);
        warp->preds.assign(program.preds + 1, 0xA5A5A5A5);
        warp->clock.begin(block->number * block->live_warps + w, block->number);
        block->warps.push_back(std::move(warp));
    }
    return block;
}

void Running::admit() {
    const Size3 c = launch.cluster;
    auto cluster = std::make_unique<Cluster>();
    cluster->size = c;
    const unsigned x = launch.grid.x / c.x, y = launch.grid.y / c.y;
    cluster->id = {at(next, x, y, 0), at(next, x, y, 1), at(next, x, y, 2)};
    for (uint64_t rank = 0; rank < c.product(); ++rank) {
        blocks.push_back(make_block(launch, *cluster, rank));
        cluster->blocks.push_back(blocks.back().get());
        memory_begin_block(*blocks.back());
    }
    clusters.push_back(std::move(cluster));
    ++next;
    note_progress();
}

// A warp that can run, at random.
Warp *Running::pick() {
    const size_t first = scheduler.random.below(blocks.size());
    for (size_t k = 0; k < blocks.size(); ++k) {
        Block &block = *blocks[(first + k) % blocks.size()];
        if (block.live_warps == 0) continue;
        const size_t warps = block.warps.size(), start = scheduler.random.below(warps);
        for (size_t w = 0; w < warps; ++w) {
            Warp &warp = *block.warps[(start + w) % warps];
            if (!warp.done() && warp.runnable()) return &warp;
        }
    }
    return nullptr;
}

// A block's shared memory lives until its whole cluster has ended.
void Running::end_blocks() {
    std::erase_if(clusters, [&](const std::unique_ptr<Cluster> &cluster) {
        for (const Block *block : cluster->blocks)
            if (block->live_warps > 0) return false;
        async_end_cluster(*cluster);
        for (Block *block : cluster->blocks) memory_end_block(*block);
        std::erase_if(blocks, [&](const std::unique_ptr<Block> &block) {
            return block->cluster == cluster.get();
        });
        return true;
    });
}

// Says for each group of lanes where it waits, and ends the launch.
void Running::stuck(const char *why) {
    for (auto &block : blocks)
        for (auto &warp : block->warps) {
            for (const Group &group : warp->others)
                finding(*warp, launch.program->code[group.where], std::countr_zero(group.lanes),
                        Check::deadlock, "%s", why);
            if (warp->active != 0)
                finding(*warp, launch.program->code[warp->polls() ? warp->polled_at : warp->pc],
                        std::countr_zero(warp->active), Check::deadlock, "%s", why);
        }
    launch.failure = Launch::deadlock;
}

// Nothing more of the launch runs.
void Running::abandon() {
    scheduler.deferred.clear();
    forget_all_pending();
    for (auto &block : blocks) memory_end_block(*block);
    blocks.clear(), clusters.clear();
    next = total;
}

void Running::run() {
    while (next < total || !clusters.empty()) {
        while (next < total && clusters.size() < wanted) admit();
        while (!scheduler.deferred.empty() && scheduler.deferred.begin()->first <= scheduler.now)
            run_deferred(scheduler.deferred.begin()->second.first);
        Warp *warp = pick();
        if (warp == nullptr && !scheduler.deferred.empty()) {
            run_deferred(scheduler.deferred.begin()->second.first);
        } else if (warp == nullptr || scheduler.silence > ADMIT_AFTER) {
            if (next < total) {
                wanted = clusters.size() + 1;
                admit();
            } else if (warp == nullptr) {
                stuck("waits forever: no thread of the launch can go on");
            } else if (scheduler.silence > GIVE_UP_AFTER) {
                stuck("waits forever: all threads that run do so without any effect");
            }
        }
        if (scheduler.now - scheduler.progress > ENDLESS_AFTER)
            stuck("loops forever, without any effect");
        if (launch.failure != Launch::none) return abandon();
        if (warp == nullptr) continue;
        // Long slices keep a warp's registers in the cache; short ones mix the warps while copies are
        // pending.
        const int most = scheduler.deferred.empty() ? 4096 : 128;
        const uint64_t before = warp->executed;
        warp->run(1 + scheduler.random.below(most));
        scheduler.now += warp->executed - before;
        scheduler.silence = warp->polls() ? scheduler.silence + (warp->executed - before) : 0;
        if (warp->done()) {
            note_progress();
            if (--warp->block->live_warps == 0) {
                check_leaving_block(*warp->block);
                end_blocks();
            }
        }
    }
}

}  // namespace

int Block::threads() const { return launch->block.product(); }

Size3 Block::thread_id(int thread) const {
    const Size3 b = launch->block;
    return {at(thread, b.x, b.y, 0), at(thread, b.x, b.y, 1), at(thread, b.x, b.y, 2)};
}

void run_launch(Launch &launch) {
    scheduler.random = Random(ptx_seed() + launch.number);
    note_progress();
    memory_begin_launch();
    Program &program = *launch.program;
    ++program.launches;
    program.blocks += launch.grid.product();
    program.threads += launch.grid.product() * launch.block.product();
    Running running(launch);
    running.total = launch.grid.product() / launch.cluster.product();
    running.wanted = std::max<uint64_t>(1, FEWEST_RESIDENT / launch.cluster.product());
    running.run();
    while (!scheduler.deferred.empty()) run_deferred(scheduler.deferred.begin()->second.first);
}

uint64_t scheduler_random() { return scheduler.random.next(); }
uint64_t scheduler_now() { return scheduler.now; }
void note_progress() { scheduler.progress = scheduler.now, scheduler.silence = 0; }

uint64_t defer(std::function<void()> work) {
    // One in four at once, the others any time within some thousand instructions.
    const uint64_t wait = scheduler.random.below(4) == 0 ? 0 : scheduler.random.below(4000);
    const uint64_t number = ++scheduler.deferrals;
    scheduler.deferred.emplace(scheduler.now + wait, std::make_pair(number, std::move(work)));
    return number;
}

void run_deferred(uint64_t number) {
    for (auto it = scheduler.deferred.begin(); it != scheduler.deferred.end(); ++it) {
        if (it->second.first != number) continue;
        const std::function<void()> work = std::move(it->second.second);
        scheduler.deferred.erase(it);
        work();
        note_progress();
        return;
    }
}
