// CUDA's small vector types, usable from C.
#pragma once

#define SIMT_VECTOR_2(name, type, bytes)             \
    typedef struct __attribute__((aligned(bytes))) { \
        type x, y;                                   \
    } name
#define SIMT_VECTOR_3(name, type) \
    typedef struct {              \
        type x, y, z;             \
    } name
#define SIMT_VECTOR_4(name, type, bytes)             \
    typedef struct __attribute__((aligned(bytes))) { \
        type x, y, z, w;                             \
    } name

SIMT_VECTOR_2(int2, int, 8);
SIMT_VECTOR_2(uint2, unsigned int, 8);
SIMT_VECTOR_2(float2, float, 8);
SIMT_VECTOR_2(double2, double, 16);
SIMT_VECTOR_3(int3, int);
SIMT_VECTOR_3(uint3, unsigned int);
SIMT_VECTOR_3(float3, float);
SIMT_VECTOR_4(int4, int, 16);
SIMT_VECTOR_4(uint4, unsigned int, 16);
SIMT_VECTOR_4(float4, float, 16);
SIMT_VECTOR_4(uchar4, unsigned char, 4);
SIMT_VECTOR_4(ushort4, unsigned short, 8);

#ifdef __cplusplus
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};

inline int2 make_int2(int x, int y) { return {x, y}; }
inline uint2 make_uint2(unsigned int x, unsigned int y) { return {x, y}; }
inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z) { return {x, y, z}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned int x, unsigned int y, unsigned int z, unsigned int w) {
    return {x, y, z, w};
}
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
#else
typedef struct {
    unsigned int x, y, z;
} dim3;
#endif
