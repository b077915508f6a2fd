// A transpose through a padded tile, with an edge that the tiles do not cover exactly.
#include "expect.h"

__global__ void transpose(const float *x, float *to, int rows, int columns) {
    __shared__ float tile[32][33];
    int c = blockIdx.x * 32 + threadIdx.x, r = blockIdx.y * 32;
    for (int k = threadIdx.y; k < 32; k += 8)
        if (c < columns && r + k < rows) tile[k][threadIdx.x] = x[(r + k) * columns + c];
    __syncthreads();
    r = blockIdx.y * 32 + threadIdx.x, c = blockIdx.x * 32;
    for (int k = threadIdx.y; k < 32; k += 8)
        if (r < rows && c + k < columns) to[(c + k) * rows + r] = tile[threadIdx.x][k];
}

int main() {
    const int rows = 70, columns = 45;
    std::vector<float> x(rows * columns), t(rows * columns);
    for (int i = 0; i < rows * columns; ++i) x[i] = i, t[i % columns * rows + i / columns] = i;
    const float *from = upload(x);
    float *to = upload(std::vector<float>(rows * columns));
    transpose<<<dim3(2, 3), dim3(32, 8)>>>(from, to, rows, columns);
    return expect("transpose", download(to, t.size()), t);
}
