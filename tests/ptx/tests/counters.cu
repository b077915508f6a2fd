// Three kernels whose counters test_counters.py knows: a strided copy, transposes with and without
// padding, a small product.
#include <cstdio>
#include <vector>

constexpr int STRIDE = 2, COPIED = 512;
__global__ void strided_copy(const float *from, float *to) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    to[i] = from[i * STRIDE];
}

constexpr int SIDE = 64, TILE = 32, ROWS = 8;
template <int PADDING>
__global__ void transpose(const float *from, float *to) {
    __shared__ float tile[TILE][TILE + PADDING];
    const int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
    for (int r = 0; r < TILE; r += ROWS)
        tile[threadIdx.y + r][threadIdx.x] = from[(y + r) * SIDE + x];  // read rows
    __syncthreads();
    const int u = blockIdx.y * TILE + threadIdx.x, v = blockIdx.x * TILE + threadIdx.y;
    for (int r = 0; r < TILE; r += ROWS)
        to[(v + r) * SIDE + u] = tile[threadIdx.x][threadIdx.y + r];  // write rows, of columns
}

constexpr int N = 32;
__global__ void product(const float *a, const float *b, float *c) {
    float sum = 0;
#pragma unroll 1
    for (int k = 0; k < N; ++k) sum = fmaf(a[threadIdx.y * N + k], b[k * N + threadIdx.x], sum);
    c[threadIdx.y * N + threadIdx.x] = sum;
}

static float *device_copy(const std::vector<float> &values) {
    float *at = nullptr;
    cudaMalloc(&at, values.size() * sizeof(float));
    cudaMemcpy(at, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice);
    return at;
}

int main() {
    std::vector<float> values(SIDE * SIDE), back(SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; ++i) values[i] = (float)(i % 97);
    float *from = device_copy(values), *to = device_copy(values);
    strided_copy<<<COPIED / 128, 128>>>(from, to);
    transpose<0><<<dim3(SIDE / TILE, SIDE / TILE), dim3(TILE, ROWS)>>>(from, to);
    transpose<1><<<dim3(SIDE / TILE, SIDE / TILE), dim3(TILE, ROWS)>>>(from, to);
    cudaMemcpy(back.data(), to, back.size() * sizeof(float), cudaMemcpyDeviceToHost);
    int bad = 0;
    for (int y = 0; y < SIDE; ++y)
        for (int x = 0; x < SIDE; ++x) bad += back[y * SIDE + x] != values[x * SIDE + y];
    product<<<1, dim3(N, N)>>>(from, from + N * N, to);
    cudaMemcpy(back.data(), to, N * N * sizeof(float), cudaMemcpyDeviceToHost);
    for (int y = 0; y < N; ++y)
        for (int x = 0; x < N; ++x) {
            float sum = 0;
            for (int k = 0; k < N; ++k) sum += values[y * N + k] * values[N * N + k * N + x];
            bad += back[y * N + x] != sum;
        }
    if (bad > 0) std::printf("%d values are wrong\n", bad);
    cudaFree(from), cudaFree(to);
    return bad != 0;
}
