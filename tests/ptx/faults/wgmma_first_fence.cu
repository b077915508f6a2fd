// There is no wgmma.fence at all.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {};
    MULTIPLY(d, descriptor(m.a), descriptor(m.b));  // finds: asynchronous
    commit();
    wait();
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
