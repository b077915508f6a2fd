// How sound programs compare their results.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <vector>

template <class T>
T *upload(const std::vector<T> &host) {
    T *data = nullptr;
    cudaMalloc(&data, host.size() * sizeof(T));
    cudaMemcpy(data, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice);
    return data;
}

template <class T>
std::vector<T> download(const T *data, size_t n) {
    std::vector<T> host(n);
    cudaMemcpy(host.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost);
    return host;
}

template <class T>
int expect(const char *what, const std::vector<T> &is, const std::vector<T> &should) {
    for (size_t i = 0; i < should.size(); ++i)
        if (is[i] != should[i]) {
            std::printf("%s: element %zu is %g instead of %g\n", what, i, (double)is[i],
                        (double)should[i]);
            return 1;
        }
    return 0;
}
