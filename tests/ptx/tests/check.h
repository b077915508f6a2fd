// What tests of the runner's parts share: comparisons that print both values.
#pragma once

#include <iostream>
#include <string>

inline int &failures() {
    static int count = 0;
    return count;
}

template <class A, class B>
void expect_equal(const std::string &what, const A &actual, const B &expected) {
    if (actual == expected) return;
    std::cout << "FAILED " << what << ": " << actual << ", expected " << expected << "\n";
    ++failures();
}

inline int report() {
    if (failures() == 0) std::cout << "ok\n";
    return failures() == 0 ? 0 : 1;
}
