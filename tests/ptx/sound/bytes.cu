// Threads write bytes and halves of the same word, in shared and global memory, after the words were
// written whole.
#include "expect.h"

__global__ void pieces(unsigned char *bytes, unsigned short *halves, unsigned *words) {
    __shared__ unsigned s[64];
    const int i = threadIdx.x;
    if (i < 64) s[i] = 0x01010101u * i;
    __syncthreads();
    ((unsigned char *)s)[(i * 4 + i / 64) % 256] += 1;
    __syncthreads();
    bytes[i] = ((unsigned char *)s)[i];
    if (i < 128) halves[i] = ((unsigned short *)s)[i];
    if (i < 64) words[i] = s[i];
}

int main() {
    std::vector<unsigned char> x(256);
    for (int i = 0; i < 256; ++i) x[i] = i / 4;
    for (int i = 0; i < 256; ++i) ++x[(i * 4 + i / 64) % 256];
    std::vector<unsigned short> h(128);
    std::vector<unsigned> v(64);
    for (int i = 0; i < 128; ++i) h[i] = x[2 * i] | x[2 * i + 1] << 8;
    for (int i = 0; i < 64; ++i) v[i] = h[2 * i] | (unsigned)h[2 * i + 1] << 16;
    unsigned char *bytes = upload(std::vector<unsigned char>(256));
    unsigned short *halves = upload(std::vector<unsigned short>(128));
    unsigned *words = upload(std::vector<unsigned>(64));
    pieces<<<1, 256>>>(bytes, halves, words);
    return expect("bytes", download(bytes, 256), x) | expect("halves", download(halves, 128), h) |
           expect("words", download(words, 64), v);
}
