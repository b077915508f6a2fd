// Faithful mode: the shared memory of one block.  A launch's blocks on one OS thread use the same
// memory one after the other.
#ifdef SIMT_FAITHFUL

#include "shared.h"

#include <new>

#include "guard.h"

namespace simt {

void *SharedMemory::dynamic(size_t bytes) {
    if (bytes == 0) return nullptr;
    dynamic_array.bytes = bytes;
    return find(dynamic_array);
}

void *SharedMemory::find(const SharedArray &array) {
    for (const Entry &entry : entries)
        if (entry.array == &array) return entry.data;
    void *data = guarded_allocate(array.bytes);
    if (data == nullptr) throw std::bad_alloc();
    entries.push_back({&array, data});
    return data;
}

void SharedMemory::renew() {
    for (const Entry &entry : entries) fill_undefined(entry.data, entry.array->bytes);
}

const SharedArray *SharedMemory::damaged(ptrdiff_t *offset) {
    const SharedArray *found = nullptr;
    for (const Entry &entry : entries)
        if (!guards_intact(entry.data, entry.array->bytes, offset)) found = entry.array;
    return found;
}

void SharedMemory::clear() {
    for (const Entry &entry : entries) guarded_free(entry.data, entry.array->bytes);
    entries.clear();
}

}  // namespace simt

#endif
