// Rows of 16-bit channels with more of them, or fewer, for cuDNN's tensor cores.
#include <stdint.h>

#include "conv.h"
#include "device/rows.cuh"

__global__ void copy_channels_kernel(const uint16_t *from, int from_channels, Rows rows, uint16_t *to,
                                     int to_channels) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (long long row = share.begin + team.row; row < share.end; row += team.rows)
        for (int c = team.lane; c < to_channels; c += team.lanes)
            to[row * to_channels + c] = c < from_channels ? from[row * from_channels + c] : 0;
}

void copy_channels(Context *ctx, const void *from, int from_channels, int rows, void *to,
                   int to_channels) {
    const RowGrid grid = row_grid_for<1>(ctx, copy_channels_kernel, rows, to_channels);
    LAUNCH(copy_channels_kernel, grid.blocks, BLOCK, 0, ctx->stream, (const uint16_t *)from,
           from_channels, grid.rows, (uint16_t *)to, to_channels);
    check_launch(ctx, "copy_channels");
}
