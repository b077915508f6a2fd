// cuFFT, in front of the CPU target's stand-in: the linker leads calls here (--wrap).  It needs a
// workspace as large as the result, as cuFFT often does.
#include "cufft.h"

#include <map>

#include "touches.h"

extern "C" {

struct Transform {
    size_t in, out;  // bytes of a batch
    void *work;      // null = not given
};
static std::map<cufftHandle, Transform> &transforms() {
    static std::map<cufftHandle, Transform> all;
    return all;
}

decltype(cufftMakePlanMany) __real_cufftMakePlanMany;
cufftResult __wrap_cufftMakePlanMany(cufftHandle plan, int rank, int *n, int *inembed, int istride,
                                     int idist, int *onembed, int ostride, int odist, cufftType type,
                                     int batch, size_t *work_size) {
    const Transform t = {(size_t)idist * batch * sizeof(cufftReal),
                         (size_t)odist * batch * sizeof(cufftComplex), nullptr};
    transforms()[plan] = t;
    const cufftResult result = __real_cufftMakePlanMany(plan, rank, n, inembed, istride, idist, onembed,
                                                        ostride, odist, type, batch, work_size);
    *work_size += t.out;
    return result;
}

decltype(cufftSetWorkArea) __real_cufftSetWorkArea;
cufftResult __wrap_cufftSetWorkArea(cufftHandle plan, void *work_area) {
    transforms()[plan].work = work_area;
    return __real_cufftSetWorkArea(plan, work_area);
}

decltype(cufftExecR2C) __real_cufftExecR2C;
cufftResult __wrap_cufftExecR2C(cufftHandle plan, cufftReal *in, cufftComplex *out) {
    const Transform &t = transforms()[plan];
    if (t.work == nullptr) return CUFFT_NO_WORKSPACE;
    if (!touches("cufftExecR2C", {{in, t.in}}, {{out, t.out}}, {t.work, t.out}))
        return CUFFT_EXEC_FAILED;
    return __real_cufftExecR2C(plan, in, out);
}

}  // extern "C"
