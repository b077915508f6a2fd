// Many threads of a block set a flag to the same value, and lanes of a warp write the same element.
#include "expect.h"

__global__ void any_negative(const int *x, int *to) {
    __shared__ int found;
    if (threadIdx.x == 0) found = 0;
    __syncthreads();
    if (x[blockIdx.x * 128 + threadIdx.x] < 0) found = 1;
    __syncthreads();
    to[blockIdx.x] = found;
}

int main() {
    std::vector<int> x(384, 1);
    for (int i = 128; i < 256; i += 3) x[i] = -1;
    const int *from = upload(x);
    int *to = upload(std::vector<int>(3));
    any_negative<<<3, 128>>>(from, to);
    return expect("any", download(to, 3), {0, 1, 0});
}
