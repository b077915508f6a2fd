// Decoders of asynchronous forms whose opcodes have other forms, too: the modifiers that lead here are
// taken.
#pragma once

#include "../decode/decode.h"

void decode_bulk(Decoding &d);                         // cp.async.bulk
void decode_bulk_reduction(Decoding &d);               // cp.reduce.async.bulk
void decode_tensor_copy(Decoding &d, bool reduction);  // cp{.reduce}.async.bulk.tensor
void decode_tensor_prefetch(Decoding &d);              // cp.async.bulk.prefetch.tensor
void decode_cluster_barrier(Decoding &d);              // barrier.cluster
void decode_store_async(Decoding &d);                  // st.async
void decode_reduction_async(Decoding &d);              // red.async
// fence.proxy, fence.mbarrier_init; false: it is another fence.
bool decode_proxy_fence(Decoding &d);
