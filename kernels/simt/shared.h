// Faithful mode: the shared memory of one block.
#pragma once

#include <vector>

#include "launch.h"

namespace simt {

class SharedMemory {
public:
    ~SharedMemory() { clear(); }
    void *dynamic(size_t bytes);           // to be called before the first block of a launch
    void *find(const SharedArray &array);  // the same in every thread of a block
    // As if it was another block's: undefined.
    void renew();
    // The first array that was written outside, and where; null = none.
    const SharedArray *damaged(ptrdiff_t *offset);
    void clear();

private:
    struct Entry {
        const SharedArray *array;
        void *data;
    };
    std::vector<Entry> entries;
    SharedArray dynamic_array = {"dynamic shared memory", 0};
};

}  // namespace simt
