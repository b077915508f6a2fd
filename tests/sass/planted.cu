// Kernels whose faults scripts/sass_report.py has to find, and others that it has to let pass.
#include <cuda_fp16.h>

// More values at once than the 64 registers of a thread hold in blocks of 1,024.
__global__ void __launch_bounds__(1024) spilling(const float *in, float *out) {
    float values[160];
#pragma unroll
    for (int i = 0; i < 160; ++i) values[i] = in[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 160; ++i) out[i * 1024 + threadIdx.x] = values[i] * values[159 - i];
}

// Its array lies in local memory because it is indexed, not because registers ran out.
__global__ void indexed(const int *in, int *out) {
    int counts[32] = {};
    for (int i = 0; i < 100; ++i) ++counts[in[i * 256 + threadIdx.x] & 31];
    out[threadIdx.x] = counts[in[threadIdx.x] & 31];
}

template <typename T, int V>
__global__ void narrow(const T *in, T *out) {
    const uint4 words = reinterpret_cast<const uint4 *>(in)[threadIdx.x];
    volatile unsigned short *to = reinterpret_cast<unsigned short *>(out) + threadIdx.x * V;
    for (int i = 0; i < V; ++i) to[i] = (unsigned short)((&words.x)[i / 2] >> (i % 2 * 16));
}
template __global__ void narrow<__half, 8>(const __half *, __half *);

template <typename T, int V>
__global__ void copy(const T *in, T *out) {
    struct alignas(sizeof(T) * V) Pack {
        T at[V];
    };
    reinterpret_cast<Pack *>(out)[threadIdx.x] = reinterpret_cast<const Pack *>(in)[threadIdx.x];
}
template __global__ void copy<float, 4>(const float *, float *);
template __global__ void copy<float, 1>(const float *, float *);
template __global__ void copy<double, 2>(const double *, double *);
