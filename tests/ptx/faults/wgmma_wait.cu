// The sums of a wgmma are stored before it is waited for.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {1, 2, 3, 4};
    wgmma_fence();
    MULTIPLY(d, descriptor(m.a), descriptor(m.b));
    commit();
    to[threadIdx.x] = d[0];  // finds: asynchronous
    wait();
    to[threadIdx.x] += d[1] + d[2] + d[3];
}

int main() { return launch(multiply); }
