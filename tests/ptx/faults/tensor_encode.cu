// The rows of a tensor map are not a multiple of 16 bytes apart.
#include <cuda.h>
#include <cuda_runtime.h>

int main() {
    decltype(&cuTensorMapEncodeTiled) encode;
    cudaDriverEntryPointQueryResult found;
    cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", (void **)&encode, 12000, cudaEnableDefault, &found);
    float *data;
    cudaMalloc(&data, 4096);
    CUtensorMap map;
    cuuint64_t size[2] = {30, 8}, stride = 120;
    cuuint32_t box[2] = {16, 8}, step[2] = {1, 1};
    return encode(&map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2, data, size, &stride, box, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
                  CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;  // finds: wrong_use host
}
