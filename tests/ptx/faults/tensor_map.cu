// A tensor map that the kernel has overwritten, and a store whose box begins before the tensor.
// devices: 90,100
#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

__global__ void store(CUtensorMap *map, int x) {
    __shared__ __align__(128) int s[32];
    s[threadIdx.x] = 0;
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncwarp();
    if (threadIdx.x != 0) return;
    const uint32_t from = (uint32_t)__cvta_generic_to_shared(s);
    asm volatile("cp.async.bulk.tensor.1d.global.shared::cta.bulk_group [%0, {%1}], [%2];" ::"l"(map), "r"(x), "r"(from) : "memory");  // finds: wrong_use all
    map->opaque[3] = 5;
    asm volatile("cp.async.bulk.tensor.1d.global.shared::cta.bulk_group [%0, {%1}], [%2];" ::"l"(map), "r"(0), "r"(from) : "memory");  // finds: wrong_use all
    asm volatile("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;" ::: "memory");
}

int main() {
    decltype(&cuTensorMapEncodeTiled) encode;
    cudaDriverEntryPointQueryResult found;
    cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", (void **)&encode, 12000, cudaEnableDefault, &found);
    int *data;
    CUtensorMap map, *on_device;
    cudaMalloc(&data, 512);
    cudaMalloc(&on_device, sizeof map);
    cuuint64_t size = 128;
    cuuint32_t box = 32, step = 1;
    encode(&map, CU_TENSOR_MAP_DATA_TYPE_INT32, 1, data, &size, nullptr, &box, &step, CU_TENSOR_MAP_INTERLEAVE_NONE,
           CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    cudaMemcpy(on_device, &map, sizeof map, cudaMemcpyHostToDevice);
    store<<<1, 32>>>(on_device, -4);
    return cudaDeviceSynchronize();
}
