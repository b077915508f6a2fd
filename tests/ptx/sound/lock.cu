// A lock that blocks take in turn guards a plain counter; fences after it is taken and before it is
// given back.
#include "expect.h"

__global__ void count(int *lock, int *counter) {
    if (threadIdx.x == 0) {
        while (atomicCAS(lock, 0, 1) != 0) {
        }
        __threadfence();
        *counter += 1;
        __threadfence();
        atomicExch(lock, 0);
    }
}

int main() {
    int *data = upload(std::vector<int>(2));
    count<<<20, 32>>>(data, data + 1);
    return expect("count", download(data, 2), {0, 20});
}
