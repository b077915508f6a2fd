// Thrust, which others wrote and which runs on GPUs: a merge sort, reductions by key, selections,
// temporary storage.
#include <algorithm>
#include <map>

#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>
#include <thrust/reduce.h>
#include <thrust/sort.h>
#include <thrust/unique.h>

#include "support.h"

struct ByLastDigits {
    __host__ __device__ bool operator()(int a, int b) const { return a % 1000 < b % 1000; }
};

std::vector<int> copy_of(const thrust::device_vector<int> &values, size_t count) {
    std::vector<int> copy(count);
    thrust::copy_n(values.begin(), count, copy.begin());
    return copy;
}

void expect(const char *what, const std::vector<int> &actual, const std::vector<int> &expected) {
    if (actual == expected) {
        printf("ok     %s: %zu values\n", what, actual.size());
        return;
    }
    ++failures();
    printf("FAILED %s: %zu values, expected %zu\n", what, actual.size(), expected.size());
    for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i)
        if (actual[i] != expected[i]) {
            printf("       value %zu is %d, expected %d\n", i, actual[i], expected[i]);
            break;
        }
}

int main() {
    constexpr int COUNT = 3001;
    std::vector<int> in = numbers<int>(COUNT, 5), values(COUNT);
    for (int i = 0; i < COUNT; ++i) in[i] = (int)((uint32_t)in[i] >> 8), values[i] = i;

    thrust::device_vector<int> keys(in.begin(), in.end()), order(values.begin(), values.end());
    thrust::stable_sort_by_key(keys.begin(), keys.end(), order.begin(), ByLastDigits());
    std::stable_sort(values.begin(), values.end(),
                     [&](int a, int b) { return ByLastDigits()(in[a], in[b]); });
    expect("stable_sort_by_key", copy_of(order, COUNT), values);

    std::vector<int> digits(COUNT);
    for (int i = 0; i < COUNT; ++i) digits[i] = in[values[i]] % 1000;
    std::map<int, int> sums;
    for (int i = 0; i < COUNT; ++i) sums[digits[i]] += values[i];
    std::vector<int> distinct, sum;
    for (const auto &[digit, total] : sums) distinct.push_back(digit), sum.push_back(total);

    keys = digits;
    thrust::device_vector<int> some(COUNT), totals(COUNT);
    const auto end =
        thrust::reduce_by_key(keys.begin(), keys.end(), order.begin(), some.begin(), totals.begin());
    const size_t groups = end.first - some.begin();
    expect("reduce_by_key, keys", copy_of(some, groups), distinct);
    expect("reduce_by_key, values", copy_of(totals, groups), sum);

    const size_t left = thrust::unique_copy(keys.begin(), keys.end(), some.begin()) - some.begin();
    expect("unique_copy", copy_of(some, left), distinct);
    expect("reduce", {thrust::reduce(order.begin(), order.end())}, {COUNT * (COUNT - 1) / 2});
    return failures();
}
