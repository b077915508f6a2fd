/* process_sample: the distribution by paths. */
#include "device/philox.h"
#include "toy/process_step.h"

void process_sample(const Process *process, uint64_t seed, uint64_t first, long long paths,
                    const Bins *bins, long long *n) {
    for (int i = 0; i < bins->count; i++) n[i] = 0;
    for (long long k = 0; k < paths; k++) {
        const uint64_t path = first + (uint64_t)k;
        double x = process->initial * random_normal(seed, 0, path);
        for (int i = 0; i < process->schedule->steps; i++) {
            const Step step = process_step(process, i);
            x = process_mean(process, step, x);
            if (step.noise > 0) x += step.noise * random_normal(seed, 1 + i, path);
        }
        n[bins_find(bins, x)]++;
    }
}
