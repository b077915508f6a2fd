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

#ifdef __cplusplus
}
#endif

#endif
