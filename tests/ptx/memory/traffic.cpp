// Counts sectors and wavefronts.
#include "traffic.h"

#include <algorithm>
#include <bit>

namespace {

constexpr int SECTOR = 32, BANKS = 32;

// How many different values are there?  Sorts them.
int distinct(uint64_t *values, int n) {
    std::sort(values, values + n);
    return std::unique(values, values + n) - values;
}

int sectors_of(const uint64_t address[LANES], Mask lanes, int bytes) {
    uint64_t numbers[2 * LANES];
    int n = 0;
    bool rising = true;
    for (Mask rest = lanes; rest != 0; rest &= rest - 1) {
        const uint64_t a = address[std::countr_zero(rest)], first = a / SECTOR,
                       last = (a + bytes - 1) / SECTOR;
        for (uint64_t s = first; s <= last; ++s) {
            if (n > 0 && numbers[n - 1] == s) continue;
            rising = rising && (n == 0 || numbers[n - 1] < s);
            if (n < 2 * LANES) numbers[n++] = s;
        }
    }
    return rising ? n : distinct(numbers, n);
}

// The most different words that one bank has to give to these lanes.
int passes(const uint64_t address[LANES], Mask lanes, int bytes, int &words) {
    uint64_t word[BANKS];         // the first of each bank
    uint64_t further[LANES * 4];  // those beside it
    uint32_t used = 0;
    int others = 0, n = 0;
    const int each = (bytes + 3) / 4;
    for (Mask rest = lanes; rest != 0; rest &= rest - 1) {
        const uint64_t first = address[std::countr_zero(rest)] / 4;
        for (int k = 0; k < each; ++k) {
            const uint64_t w = first + k;
            const int bank = w % BANKS;
            if (!(used >> bank & 1))
                used |= 1u << bank, word[bank] = w, ++n;
            else if (word[bank] != w)
                further[others++] = w;
        }
    }
    words = n;
    if (others == 0) return lanes != 0;
    others = distinct(further, others);
    words += others;
    int count[BANKS] = {}, most = 0;
    for (int i = 0; i < others; ++i) most = std::max(most, ++count[further[i] % BANKS]);
    return 1 + most;
}

}  // namespace

void count_sectors(const Insn &insn, const uint64_t address[LANES], Mask lanes, int bytes) {
    if (lanes == 0) return;
    const uint64_t first = address[0];
    uint64_t uneven = 0;
    for (int l = 0; l < LANES; ++l) uneven |= address[l] ^ (first + (uint64_t)l * bytes);
    const bool even = uneven == 0 && lanes == ALL;  // one behind the other, as it should be
    const int touched = even ? (first + LANES * bytes - 1) / SECTOR - first / SECTOR + 1
                             : sectors_of(address, lanes, bytes);
    const int fewest = (std::popcount(lanes) * bytes + SECTOR - 1) / SECTOR;
    insn.counts.sectors += touched;
    insn.counts.ideal += std::min(touched, fewest);
}

void count_wavefronts(const Insn &insn, const uint64_t address[LANES], Mask lanes, int bytes) {
    const int together = LANES * 4 / std::max(bytes, 4);
    const uint64_t first = address[0];
    uint64_t uneven = 0;
    for (int l = 0; l < LANES; ++l) uneven |= address[l] ^ (first + (uint64_t)l * bytes);
    if (uneven == 0 && lanes == ALL && bytes >= 4 && first % 4 == 0) {
        insn.counts.wavefronts += LANES / together;
        insn.counts.ideal_wavefronts += LANES / together;
        return;
    }
    for (int l = 0; l < LANES; l += together) {
        const Mask group = lanes & (together == LANES ? ALL : ((1u << together) - 1) << l);
        if (group == 0) continue;
        int words = 0;
        insn.counts.wavefronts += passes(address, group, bytes, words);
        insn.counts.ideal_wavefronts += (words + BANKS - 1) / BANKS;
    }
}

void count_range(const Insn &insn, uint64_t address, size_t bytes, bool global) {
    insn.counts.bytes += bytes;
    if (global) {
        insn.counts.sectors += (address + bytes - 1) / SECTOR - address / SECTOR + 1;
        insn.counts.ideal += (bytes + SECTOR - 1) / SECTOR;
    } else {
        insn.counts.wavefronts += (bytes + 4 * BANKS - 1) / (4 * BANKS);
        insn.counts.ideal_wavefronts += (bytes + 4 * BANKS - 1) / (4 * BANKS);
    }
}
