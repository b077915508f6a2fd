// Accumulators are changed between a wgmma.fence and the wgmma.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4];
    for (int i = 0; i < 4; ++i) d[i] = to[threadIdx.x * 4 + i];
    wgmma_fence();
    MULTIPLY(d, descriptor(m.a), descriptor(m.b));
    commit();
    wait();
    for (int i = 0; i < 4; ++i) d[i] = d[i] * 0.5f + 1;
    MULTIPLY(d, descriptor(m.a), descriptor(m.b));  // finds: asynchronous
    commit();
    wait();
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
