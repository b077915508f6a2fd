// Rows of 16-bit channels with more of them, or fewer, for cuDNN's tensor cores.
#include <stdint.h>

#include "conv.h"
#include "device/launch.cuh"

__global__ void copy_channels_kernel(const uint16_t *from, int from_channels, int rows, uint16_t *to,
                                     int to_channels) {
    const Range share = block_range((long long)rows * to_channels);
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK) {
        const long long row = i / to_channels;
        const int c = (int)(i - row * to_channels);
        to[i] = c < from_channels ? from[row * from_channels + c] : 0;
    }
}

void copy_channels(Context *ctx, const void *from, int from_channels, int rows, void *to,
                   int to_channels) {
    LAUNCH(copy_channels_kernel,
           blocks_for(ctx, copy_channels_kernel, (long long)rows * to_channels, BLOCK), BLOCK, 0,
           ctx->stream, (const uint16_t *)from, from_channels, rows, (uint16_t *)to, to_channels);
    check_launch(ctx, "copy_channels");
}
