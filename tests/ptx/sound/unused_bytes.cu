// A load of 16 bytes of which 12 are meant, as nvcc makes it of three loads: nobody has written the
// rest, or others write it at that time.
#include "expect.h"

__global__ void sums(const int *x, int *to) {
    __shared__ alignas(16) int s[64][4];
    const int i = threadIdx.x;
    for (int k = 0; k < 3; ++k) s[i][k] = x[3 * i + k];
    __syncthreads();
    if (i < 32) s[63 - i][3] = i;
    const unsigned at = (unsigned)__cvta_generic_to_shared(s[63 - i]);
    int a, b, c;
    asm volatile(
        "{ .reg .b32 rest; .pragma \"used_bytes_mask 0xfff\"; ld.shared.v4.u32 {%0, %1, %2, rest}, "
        "[%3]; }"
        : "=r"(a), "=r"(b), "=r"(c)
        : "r"(at));
    to[i] = a + b + c;
}

int main() {
    std::vector<int> x(192), sum(64);
    for (int i = 0; i < 192; ++i) x[i] = i * i, sum[63 - i / 3] += x[i];
    int *to = upload(std::vector<int>(64));
    sums<<<1, 64>>>(upload(x), to);
    return expect("sums", download(to, 64), sum);
}
