// Streams, events and graphs.
#pragma once

#include <string>
#include <vector>

#include "api.h"

// What a captured stream was asked to do, in order.
struct CUgraph_st {
    struct Node {
        const char *what;
        std::function<cudaError_t()> work;
    };
    std::vector<Node> nodes;
    std::vector<CUstream_st *> streams;  // that are captured into it; the first began
    bool invalid = false;                // somebody did what a captured stream may not
};

struct CUgraphExec_st {
    std::vector<CUgraph_st::Node> nodes;
};

struct CUstream_st {
    unsigned long long id = 0;
    unsigned flags = 0;
    int priority = 0;
    CUgraph_st *capture = nullptr;
};

struct CUevent_st {
    bool timed = true, recorded = false;
    uint64_t time = 0;              // device_time()
    CUgraph_st *capture = nullptr;  // it was recorded in a stream that is captured into this
};

// Checks the handle (a finding); the two default streams have objects of their own.
CUstream_st *find_stream(cudaStream_t stream, const char *what);
