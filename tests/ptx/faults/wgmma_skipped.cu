// A warp of the warpgroup leaves the wgmma out.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {};
    if (threadIdx.x < 96) {
        wgmma_fence();
        MULTIPLY(d, descriptor(m.a), descriptor(m.b));
        commit();
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");  // finds: deadlock
    }
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
