/* Hashes that tell one model file from another; not against forgery. */
#ifndef KAIROS_IO_HASH_H
#define KAIROS_IO_HASH_H

#include "io/safetensors.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Each continues `hash`, first HASH_START, with more contents. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t size);
uint64_t hash_text(uint64_t hash, const char *text);
/* As files and messages have it: 16 hexadecimal digits. */
enum { HASH_TEXT = 17 };
void hash_write(uint64_t hash, char text[HASH_TEXT]);

/* The names and bytes of all tensors. */
uint64_t hash_tensors(uint64_t hash, const Safetensors *file);

#endif
