// A warpgroup asks for more registers than the others have given back.
// devices: 90
__global__ void __launch_bounds__(384, 1) registers(int *to) {
#if __CUDA_ARCH_FEAT_SM90_ALL
    if (threadIdx.x < 128) asm volatile("setmaxnreg.dec.sync.aligned.u32 160;");
    else asm volatile("setmaxnreg.inc.sync.aligned.u32 232;" ::: "memory");  // finds: deadlock
#endif
    to[threadIdx.x] = 0;
}

int main() {
    int *to;
    cudaMalloc(&to, 384 * sizeof(int));
    registers<<<1, 384>>>(to);
    return cudaDeviceSynchronize();
}
