// What tests that run on the runner share: arrays on the device, and comparisons with what is expected.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

inline int &failures() {
    static int count = 0;
    return count;
}

inline void must(cudaError_t error, const char *what) {
    if (error == cudaSuccess) return;
    std::printf("FAILED %s: %s\n", what, cudaGetErrorString(error));
    std::exit(1);
}
#define MUST(call) must(call, #call)

template <class T>
class Array {
public:
    explicit Array(size_t count) : count_(count) {
        MUST(cudaMalloc(&data_, count * sizeof(T)));
        MUST(cudaMemset(data_, 0xEE, count * sizeof(T)));
    }
    explicit Array(const std::vector<T> &values) : Array(values.size()) {
        MUST(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
    }
    Array(const Array &) = delete;
    ~Array() { cudaFree(data_); }
    operator T *() const { return data_; }
    std::vector<T> values() const {
        std::vector<T> values(count_);
        MUST(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }

private:
    T *data_ = nullptr;
    size_t count_;
};

inline uint32_t hash(uint32_t x) {
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}
inline std::vector<uint32_t> random_words(uint32_t seed, size_t count) {
    std::vector<uint32_t> words(count);
    for (size_t i = 0; i < count; ++i) words[i] = hash(seed * 7919u + i);
    return words;
}

template <class T>
void expect(const std::string &what, size_t at, T is, T should) {
    if (is == should) return;
    if (++failures() < 20)
        std::printf("FAILED %s [%zu]: %lld, expected %lld\n", what.c_str(), at, (long long)is,
                    (long long)should);
}
template <class T>
void expect(const std::string &what, const std::vector<T> &is, const std::vector<T> &should) {
    expect(what + ", size", 0, is.size(), should.size());
    for (size_t i = 0; i < is.size() && i < should.size(); ++i) expect(what, i, is[i], should[i]);
}

inline int capability() {
    int major = 0;
    MUST(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    return major;
}

inline int report() {
    MUST(cudaDeviceSynchronize());
    if (failures() == 0) std::printf("ok\n");
    return failures() == 0 ? 0 : 1;
}
