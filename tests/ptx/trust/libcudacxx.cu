// The barriers, pipelines, semaphores and atomics of libcu++, which others wrote and which run on GPUs.
#include <cuda/atomic>
#include <cuda/barrier>
#include <cuda/latch>
#include <cuda/pipeline>
#include <cuda/semaphore>

#include <cooperative_groups.h>

#include "support.h"

namespace cg = cooperative_groups;

constexpr int THREADS = 96, ROWS = 6;

__device__ int row_sum(const int *row, int from) {
    return row[from % THREADS] + row[(from + 1) % THREADS];
}

// Copies that signal a barrier, of which the whole block waits for the phase.
__global__ void barrier_copies(const int *in, int *out) {
    using Barrier = cuda::barrier<cuda::thread_scope_block>;
    __shared__ Barrier barrier;
    __shared__ alignas(16) int stage[THREADS];
    if (threadIdx.x == 0) init(&barrier, blockDim.x);
    __syncthreads();
    int sum = 0;
    for (int row = 0; row < ROWS; ++row) {
        cuda::memcpy_async(cg::this_thread_block(), stage, in + row * THREADS,
                           cuda::aligned_size_t<16>(sizeof stage), barrier);
        barrier.arrive_and_wait();
        sum += row_sum(stage, threadIdx.x + row);
        barrier.arrive_and_wait();
    }
    out[threadIdx.x] = sum;
}

// One warp makes, the others use: two barriers for each of two stages.
__global__ void producer(const int *in, int *out) {
    using Barrier = cuda::barrier<cuda::thread_scope_block>;
    __shared__ Barrier full[2], empty[2];
    __shared__ int stage[2][THREADS];
    if (threadIdx.x < 2) {
        init(&full[threadIdx.x], blockDim.x);
        init(&empty[threadIdx.x], blockDim.x);
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        for (int row = 0; row < ROWS; ++row) {
            empty[row % 2].arrive_and_wait();
            for (int i = threadIdx.x; i < THREADS; i += 32) stage[row % 2][i] = in[row * THREADS + i];
            (void)full[row % 2].arrive();
        }
    } else {
        (void)empty[0].arrive();
        (void)empty[1].arrive();
        int sum = 0;
        for (int row = 0; row < ROWS; ++row) {
            full[row % 2].arrive_and_wait();
            sum += row_sum(stage[row % 2], threadIdx.x + row);
            if (row + 2 < ROWS) (void)empty[row % 2].arrive();
        }
        out[threadIdx.x] = sum;
    }
}

template <bool SHARED>
__global__ void pipeline(const int *in, int *out) {
    constexpr int STAGES = 3;
    __shared__ alignas(16) int stage[STAGES][THREADS];
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, STAGES> state;
    const auto block = cg::this_thread_block();
    int sum = 0;
    const auto run = [&](auto pipe) {
        for (int row = 0, ahead = 0; row < ROWS; ++row) {
            for (; ahead < ROWS && ahead < row + STAGES - 1; ++ahead) {
                pipe.producer_acquire();
                const int at = threadIdx.x;
                cuda::memcpy_async(&stage[ahead % STAGES][at], in + ahead * THREADS + at,
                                   cuda::aligned_size_t<4>(4), pipe);
                pipe.producer_commit();
            }
            if constexpr (SHARED) {
                pipe.consumer_wait();
            } else {
                if (ahead < ROWS)
                    cuda::pipeline_consumer_wait_prior<STAGES - 2>(pipe);
                else
                    cuda::pipeline_consumer_wait_prior<0>(pipe);
                block.sync();
            }
            sum += row_sum(stage[row % STAGES], threadIdx.x + row);
            pipe.consumer_release();
            if constexpr (!SHARED) block.sync();
        }
    };
    if constexpr (SHARED)
        run(cuda::make_pipeline(block, &state));
    else
        run(cuda::make_pipeline());
    out[threadIdx.x] = sum;
}

// Blocks take turns at a counter that is no atomic: a semaphore orders them, and the last signals a
// latch.
__device__ cuda::binary_semaphore<cuda::thread_scope_device> turn(1);
__device__ int turns;
__global__ void semaphore(int *out) {
    if (threadIdx.x == 0) {
        turn.acquire();
        out[turns++] = 1;
        turn.release();
    }
}

// A flag with release and acquire; the message is not atomic.
__global__ void message(int *box, int *flag, int *out) {
    cuda::atomic_ref<int, cuda::thread_scope_device> ready(*flag);
    if (blockIdx.x == 0) {
        box[threadIdx.x] = (int)threadIdx.x * 3 + 1;
        __syncthreads();
        if (threadIdx.x == 0) {
            ready.store(1, cuda::memory_order_release);
            ready.notify_all();
        }
    } else {
        if (threadIdx.x == 0) ready.wait(0, cuda::memory_order_acquire);
        __syncthreads();
        out[threadIdx.x] = box[THREADS - 1 - threadIdx.x];
    }
}

__global__ void counted(int *out) {
    using Latch = cuda::latch<cuda::thread_scope_block>;
    __shared__ alignas(Latch) char place[sizeof(Latch)];
    __shared__ int made[THREADS];
    Latch &latch = *reinterpret_cast<Latch *>(place);
    if (threadIdx.x == 0) new (place) Latch(THREADS);
    __syncthreads();
    made[threadIdx.x] = (int)threadIdx.x * 5 + 2;
    latch.arrive_and_wait();
    out[threadIdx.x] = made[THREADS - 1 - threadIdx.x];
}

int main() {
    const std::vector<int> in = numbers<int>(ROWS * THREADS, 3);
    const Device<int> device_in(in);
    std::vector<int> sums(THREADS);
    for (int t = 0; t < THREADS; ++t)
        for (int row = 0; row < ROWS; ++row)
            sums[t] = (int)((uint32_t)sums[t] + (uint32_t)in[row * THREADS + (t + row) % THREADS] +
                            (uint32_t)in[row * THREADS + (t + row + 1) % THREADS]);
    Device<int> out(std::vector<int>(THREADS, 0));
    barrier_copies<<<1, THREADS>>>(device_in.data, out.data);
    expect("barrier and memcpy_async", out, sums);
    pipeline<true><<<1, THREADS>>>(device_in.data, out.data);
    expect("pipeline of a block", out, sums);
    pipeline<false><<<1, THREADS>>>(device_in.data, out.data);
    expect("pipeline of a thread", out, sums);

    std::vector<int> consumed = sums;
    std::fill(consumed.begin(), consumed.begin() + 32, 0);
    check(cudaMemset(out.data, 0, THREADS * sizeof(int)), "cudaMemset");
    producer<<<1, THREADS>>>(device_in.data, out.data);
    expect("producer and consumers", out, consumed);

    constexpr int BLOCKS = 9;
    Device<int> taken(std::vector<int>(BLOCKS, 0));
    semaphore<<<BLOCKS, 32>>>(taken.data);
    expect("binary_semaphore", taken, std::vector<int>(BLOCKS, 1));

    Device<int> box(THREADS), flag(std::vector<int>{0});
    std::vector<int> messages(THREADS), made(THREADS);
    for (int t = 0; t < THREADS; ++t) {
        messages[t] = (THREADS - 1 - t) * 3 + 1;
        made[t] = (THREADS - 1 - t) * 5 + 2;
    }
    message<<<2, THREADS>>>(box.data, flag.data, out.data);
    expect("atomic_ref, release and acquire", out, messages);
    counted<<<1, THREADS>>>(out.data);
    expect("latch", out, made);
    return failures();
}
