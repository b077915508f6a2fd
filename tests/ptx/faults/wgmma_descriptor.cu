// The descriptor of B leads out of shared memory.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {};
    wgmma_fence();
    MULTIPLY(d, descriptor(m.a), descriptor(m.b) + 1024);  // finds: bounds
    commit();
    wait();
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
