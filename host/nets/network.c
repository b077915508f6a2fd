#include "nets/network.h"

Tensor network_images(const Network *net, int n) {
    return (Tensor){NULL, F32, n, net->h, net->w, net->c};
}

int network_values(const Network *net) { return net->h * net->w * net->c; }

void network_destroy(Network *net) {
    if (net != NULL) net->destroy(net);
}
