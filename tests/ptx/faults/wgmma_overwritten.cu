// A matrix is overwritten while a wgmma reads it.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {};
    wgmma_fence();
    MULTIPLY(d, descriptor(m.a), descriptor(m.b));  // also: race
    commit();
    m.a[threadIdx.x] = 1;  // finds: asynchronous  // also: race
    wait();
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
