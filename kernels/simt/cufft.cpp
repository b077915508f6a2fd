// cuFFT on the CPU, by FFTW.  A plan is made for one transform of the batch and run for each, so that
// the result of one does not depend on the others, nor on where in memory it lies.
#include <fftw3.h>

#include <map>
#include <memory>
#include <mutex>
#include <new>

// After the C++ headers, some of which have attributes that CUDA's words would replace.
#include "include/cufft.h"

#include "stream.h"

namespace {

struct Plan {
    fftwf_plan transform = nullptr;
    int batch = 0;
    long long in_distance = 0, out_distance = 0;  // from a transform to the next
    ~Plan();
};

struct Handle {
    std::shared_ptr<Plan> plan;  // null until it is made
    cudaStream_t stream = nullptr;
};

std::mutex mutex;  // of the table below, and of FFTW's planner; none of the plans dies under it

Plan::~Plan() {
    const std::lock_guard<std::mutex> lock(mutex);
    fftwf_destroy_plan(transform);  // null: does nothing
}

std::map<cufftHandle, std::shared_ptr<Handle>> &handles() {
    static std::map<cufftHandle, std::shared_ptr<Handle>> table;
    return table;
}

std::shared_ptr<Handle> find(cufftHandle plan) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = handles().find(plan);
    return found != handles().end() ? found->second : nullptr;
}

fftwf_plan plan_one(int rank, const int *n, const int *inembed, const int *onembed) {
    long long in = 1, out = 1;
    for (int i = 0; i < rank; i++) in *= inembed[i], out *= onembed[i];
    const std::lock_guard<std::mutex> lock(mutex);
    // Planning by estimate touches no data; these only tell it that input and output are apart.
    float *from = fftwf_alloc_real(in);
    fftwf_complex *to = fftwf_alloc_complex(out);
    fftwf_plan plan = nullptr;
    if (from != nullptr && to != nullptr)
        plan = fftwf_plan_many_dft_r2c(rank, n, 1, from, inembed, 1, 0, to, onembed, 1, 0,
                                       FFTW_ESTIMATE | FFTW_UNALIGNED | FFTW_PRESERVE_INPUT);
    fftwf_free(from);
    fftwf_free(to);
    return plan;
}

void execute(const Plan &plan, float *in, cufftComplex *out) {
#pragma omp parallel for schedule(static)
    for (int i = 0; i < plan.batch; i++)
        fftwf_execute_dft_r2c(plan.transform, in + i * plan.in_distance,
                              reinterpret_cast<fftwf_complex *>(out + i * plan.out_distance));
}

}  // namespace

cufftResult cufftCreate(cufftHandle *plan) {
    static cufftHandle last = 0;
    if (plan == nullptr) return CUFFT_INVALID_VALUE;
    try {
        auto handle = std::make_shared<Handle>();
        const std::lock_guard<std::mutex> lock(mutex);
        handles()[++last] = handle;
        *plan = last;
    } catch (const std::bad_alloc &) {
        return CUFFT_ALLOC_FAILED;
    }
    return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle plan) {
    const std::shared_ptr<Handle> handle = find(plan);
    if (handle == nullptr) return CUFFT_INVALID_PLAN;
    const std::lock_guard<std::mutex> lock(mutex);
    handles().erase(plan);
    return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream) {
    const std::shared_ptr<Handle> handle = find(plan);
    if (handle == nullptr) return CUFFT_INVALID_PLAN;
    handle->stream = stream;
    return CUFFT_SUCCESS;
}

// FFTW's plans have what they need: no workspace here.
cufftResult cufftSetAutoAllocation(cufftHandle plan, int) {
    const std::shared_ptr<Handle> handle = find(plan);
    return handle == nullptr || handle->plan != nullptr ? CUFFT_INVALID_PLAN : CUFFT_SUCCESS;
}

cufftResult cufftSetWorkArea(cufftHandle plan, void *) {
    return find(plan) == nullptr ? CUFFT_INVALID_PLAN : CUFFT_SUCCESS;
}

cufftResult cufftMakePlanMany(cufftHandle handle_number, int rank, int *n, int *inembed, int istride,
                              int idist, int *onembed, int ostride, int odist, cufftType type,
                              int batch, size_t *work_size) {
    const std::shared_ptr<Handle> handle = find(handle_number);
    if (handle == nullptr || handle->plan != nullptr) return CUFFT_INVALID_PLAN;
    if (type != CUFFT_R2C || istride != 1 || ostride != 1 || inembed == nullptr || onembed == nullptr)
        return CUFFT_NOT_SUPPORTED;
    if (rank < 1 || rank > 3 || batch < 1 || work_size == nullptr) return CUFFT_INVALID_VALUE;
    for (int i = 0; i < rank; i++) {
        const int columns = i == rank - 1 ? n[i] / 2 + 1 : n[i];
        if (n[i] < 1 || inembed[i] < n[i] || onembed[i] < columns) return CUFFT_INVALID_SIZE;
    }
    auto plan = std::make_shared<Plan>();
    plan->transform = plan_one(rank, n, inembed, onembed);
    if (plan->transform == nullptr) return CUFFT_INTERNAL_ERROR;
    plan->batch = batch;
    plan->in_distance = idist;
    plan->out_distance = odist;
    *work_size = 0;
    handle->plan = plan;
    return CUFFT_SUCCESS;
}

cufftResult cufftExecR2C(cufftHandle handle_number, cufftReal *in, cufftComplex *out) {
    const std::shared_ptr<Handle> handle = find(handle_number);
    if (handle == nullptr || handle->plan == nullptr) return CUFFT_INVALID_PLAN;
    if (in == nullptr || out == nullptr || static_cast<void *>(in) == static_cast<void *>(out))
        return CUFFT_INVALID_VALUE;
    simt::enqueue(handle->stream, [plan = handle->plan, in, out] { execute(*plan, in, out); });
    return CUFFT_SUCCESS;
}
