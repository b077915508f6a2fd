// Graphs, as stream capture makes them: lists of work, done in the order in which it was captured.
#include "streams.h"

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    API_GUARD;
    if (exec == nullptr || graph == nullptr) return result(cudaErrorInvalidValue);
    *exec = new CUgraphExec_st{graph->nodes};
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph,
                                          unsigned long long flags) {
    return cudaGraphInstantiate(exec, graph, flags);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    API_GUARD;
    if (exec == nullptr) return result(cudaErrorInvalidValue);
    for (const CUgraph_st::Node &node : exec->nodes)
        if (const cudaError_t error = enqueue(stream, node.what, node.work); error != cudaSuccess)
            return result(error);
    return cudaSuccess;
}

// An update may change what is done, but not the kinds of work or their order.
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo *info) {
    API_GUARD;
    if (exec == nullptr || graph == nullptr || info == nullptr) return result(cudaErrorInvalidValue);
    *info = {};
    bool same = exec->nodes.size() == graph->nodes.size();
    for (size_t i = 0; same && i < graph->nodes.size(); ++i)
        same = std::string(exec->nodes[i].what) == graph->nodes[i].what;
    info->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
    if (!same) return result(cudaErrorGraphExecUpdateFailure);
    exec->nodes = graph->nodes;
    return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count) {
    API_GUARD;
    if (graph == nullptr || count == nullptr) return result(cudaErrorInvalidValue);
    if (nodes == nullptr) {
        *count = graph->nodes.size();
        return cudaSuccess;
    }
    for (size_t i = 0; i < *count; ++i)
        nodes[i] = i < graph->nodes.size() ? (cudaGraphNode_t)&graph->nodes[i] : nullptr;
    *count = std::min(*count, graph->nodes.size());
    return cudaSuccess;
}

// Events may name a graph that was destroyed, so the object stays when its work goes.
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    API_GUARD;
    if (graph == nullptr) return result(cudaErrorInvalidValue);
    graph->nodes.clear();
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    API_GUARD;
    if (exec == nullptr) return result(cudaErrorInvalidValue);
    delete exec;
    return cudaSuccess;
}
