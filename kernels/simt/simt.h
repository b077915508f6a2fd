/* Settings of the CPU target that CUDA has no name for.  Usable from C. */
#ifndef KAIROS_SIMT_H
#define KAIROS_SIMT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The device memory that cudaMalloc may hand out in all; 0 = the machine's memory.  At the start it is
 * the environment's KAIROS_SIMT_MEMORY, in bytes. */
void simt_set_memory_limit(size_t bytes);

/* Faithful mode: the order in which the threads of blocks run, from the next launch on.  At the start
 * it is the environment's KAIROS_SIMT_SEED. */
void simt_set_seed(unsigned long long seed);

/* The last fault, as it was told on standard error: kernel, block, thread, what.  "" = none so far. */
const char *simt_last_report(void);

#ifdef __cplusplus
}
#endif

#endif
