#include "io/hash.h"

#include <inttypes.h>
#include <stdio.h>

#include <string.h>

/* FNV-1a, taken over 8-byte words so that gigabytes of weights take no time to speak of. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, (const char *)data + i, size - i < 8 ? size - i : 8);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash;
}

uint64_t hash_text(uint64_t hash, const char *text) { return hash_bytes(hash, text, strlen(text)); }

uint64_t hash_tensors(uint64_t hash, const Safetensors *file) {
    for (int i = 0; i < safetensors_count(file); i++) {
        const SafetensorsTensor *tensor = safetensors_tensor(file, i);
        hash = hash_text(hash, tensor->name);
        const size_t bytes = safetensors_elements(tensor) * safetensors_type_size(tensor->type);
        hash = hash_bytes(hash, tensor->data, bytes);
    }
    return hash;
}

void hash_write(uint64_t hash, char text[HASH_TEXT]) { snprintf(text, HASH_TEXT, "%016" PRIx64, hash); }
