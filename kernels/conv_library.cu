// Convolution by cuDNN, and by cuBLAS where it is one matrix product.
#include <new>

#include "conv.h"

// At most this workspace is taken by an algorithm that is chosen although others would want less.
constexpr size_t MODEST_WORKSPACE = (size_t)512 << 20;

struct Offer {
    cudnnConvolutionFwdAlgo_t algorithm;
    cudnnMathType_t math;
    size_t workspace;
};

// What cuDNN needs to know of one shape of x, settled once.
struct LibraryPlan {
    int n, h, w;
    cudnnTensorDescriptor_t x, y;
    cudnnConvolutionDescriptor_t convolution;
    Offer offers[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];  // the one expected to be fastest comes first
    int count;
    // The copies with padded channels take these bytes at the beginning of the workspace; 0 = none
    // needed.
    size_t x_copy, y_copy;
    bool announced;
    LibraryPlan *next;
};

struct LibraryFilter {
    cudnnFilterDescriptor_t descriptor;
    LibraryPlan *plans;
};

static cudnnDataType_t type_of(DType dtype) {
    return dtype == F32 ? CUDNN_DATA_FLOAT : dtype == F16 ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16;
}

// float32 means float32: CUDNN_DEFAULT_MATH would round its factors to TF32.
static cudnnMathType_t math_of(DType dtype) {
    return dtype == F32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH;
}

LibraryFilter *library_filter_create(Context *ctx, const Filter *filter) {
    if (!context_ok(ctx)) return NULL;
    LibraryFilter *library = new (std::nothrow) LibraryFilter();
    if (library == NULL) {
        context_fail(ctx, "out of memory");
        return NULL;
    }
    if (check_cudnn(ctx, cudnnCreateFilterDescriptor(&library->descriptor), "describing a filter"))
        check_cudnn(ctx,
                    cudnnSetFilter4dDescriptor(library->descriptor, type_of(filter->dtype),
                                               CUDNN_TENSOR_NHWC, filter->padded_cout,
                                               filter->padded_cin, filter->size, filter->size),
                    "describing a filter");
    return library;
}

static void destroy_plan(LibraryPlan *plan) {
    if (plan->convolution != NULL) cudnnDestroyConvolutionDescriptor(plan->convolution);
    if (plan->y != NULL) cudnnDestroyTensorDescriptor(plan->y);
    if (plan->x != NULL) cudnnDestroyTensorDescriptor(plan->x);
    delete plan;
}

void library_filter_destroy(LibraryFilter *library) {
    if (library == NULL) return;
    for (LibraryPlan *plan = library->plans, *next; plan != NULL; plan = next) {
        next = plan->next;
        destroy_plan(plan);
    }
    if (library->descriptor != NULL) cudnnDestroyFilterDescriptor(library->descriptor);
    delete library;
}

static bool describe_tensor(Context *ctx, cudnnTensorDescriptor_t *descriptor, Tensor t, int channels) {
    return check_cudnn(ctx, cudnnCreateTensorDescriptor(descriptor), "describing a tensor") &&
           check_cudnn(ctx,
                       cudnnSetTensor4dDescriptor(*descriptor, CUDNN_TENSOR_NHWC, type_of(t.dtype), t.n,
                                                  channels, t.h, t.w),
                       "describing a tensor");
}

static bool describe_convolution(Context *ctx, cudnnConvolutionDescriptor_t *descriptor,
                                 const Filter *filter) {
    const int pad = filter->size / 2;
    return check_cudnn(ctx, cudnnCreateConvolutionDescriptor(descriptor), "describing a convolution") &&
           check_cudnn(ctx,
                       cudnnSetConvolution2dDescriptor(*descriptor, pad, pad, 1, 1, 1, 1,
                                                       CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                       "describing a convolution") &&
           check_cudnn(ctx, cudnnSetConvolutionMathType(*descriptor, math_of(filter->dtype)),
                       "describing a convolution");
}

// The algorithms that cuDNN offers, without those whose result may change from call to call.
static bool find_offers(Context *ctx, LibraryPlan *plan, const Filter *filter) {
    cudnnConvolutionFwdAlgoPerf_t found[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    int count = 0;
    if (!check_cudnn(ctx,
                     cudnnGetConvolutionForwardAlgorithm_v7(
                         ctx->cudnn, plan->x, filter->library->descriptor, plan->convolution, plan->y,
                         CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, found),
                     "choosing a convolution's algorithm"))
        return false;
    for (int i = 0; i < count; ++i) {
        // The offer may be one of FMA math; in float32 nothing else was allowed.
        Offer offer = {found[i].algo, filter->dtype == F32 ? CUDNN_FMA_MATH : found[i].mathType, 0};
        if (found[i].status != CUDNN_STATUS_SUCCESS) continue;
        if (found[i].determinism != CUDNN_DETERMINISTIC) continue;
        if (!check_cudnn(ctx, cudnnSetConvolutionMathType(plan->convolution, offer.math),
                         "describing a convolution"))
            return false;
        // An offer is a guess; this also says whether cuDNN can do it.
        if (cudnnGetConvolutionForwardWorkspaceSize(ctx->cudnn, plan->x, filter->library->descriptor,
                                                    plan->convolution, plan->y, offer.algorithm,
                                                    &offer.workspace) != CUDNN_STATUS_SUCCESS) {
            cudaGetLastError();  // or the next kernel's launch would be blamed for it
            continue;
        }
        plan->offers[plan->count++] = offer;
    }
    return true;
}

// While planning: the first that is modest, or else the one that wants least.  Later: the first that
// fits the workspace, since a batch smaller than the planned one may have a faster algorithm that wants
// more than all of the planned one's.
static const Offer *offer_of(Context *ctx, const LibraryPlan *plan, const Filter *filter) {
    const size_t copies = plan->x_copy + plan->y_copy, room = ctx->workspace_bytes;
    const size_t most = ctx->planning ? MODEST_WORKSPACE : room > copies ? room - copies : 0;
    const Offer *least = NULL;
    for (const Offer *offer = plan->offers; offer < plan->offers + plan->count; ++offer) {
        if (offer->workspace <= most) return offer;
        if (least == NULL || offer->workspace < least->workspace) least = offer;
    }
    // One that does not fit is for convolve_part to make room for.
    if (least == NULL)
        context_fail(ctx, "cuDNN has no deterministic %dx%d convolution of %d to %d channels",
                     filter->size, filter->size, filter->cin, filter->cout);
    return least;
}

// Device memory for a copy of t with padded channels; 256: cuDNN's alignment of what comes after it.
static size_t copy_bytes(Tensor t, int channels) {
    if (t.c == channels) return 0;
    t.c = channels;
    return (tensor_bytes(t) + 255) / 256 * 256;
}

static LibraryPlan *make_plan(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    LibraryPlan *plan = new (std::nothrow) LibraryPlan();
    if (plan == NULL) {
        context_fail(ctx, "out of memory");
        return NULL;
    }
    plan->n = x.n, plan->h = x.h, plan->w = x.w;
    plan->x_copy = copy_bytes(x, filter->padded_cin);
    plan->y_copy = copy_bytes(y, filter->padded_cout);
    if (describe_tensor(ctx, &plan->x, x, filter->padded_cin) &&
        describe_tensor(ctx, &plan->y, y, filter->padded_cout) &&
        describe_convolution(ctx, &plan->convolution, filter) && find_offers(ctx, plan, filter)) {
        plan->next = filter->library->plans;
        filter->library->plans = plan;
        return plan;
    }
    destroy_plan(plan);
    return NULL;
}

static LibraryPlan *plan_of(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    for (LibraryPlan *plan = filter->library->plans; plan != NULL; plan = plan->next)
        if (plan->n == x.n && plan->h == x.h && plan->w == x.w) return plan;
    return make_plan(ctx, x, filter, y);
}

// A batch of more than cuDNN's tensors may hold goes in parts of this many images.
static int images_of_part(Tensor x, const Filter *filter) {
    const int channels =
        filter->padded_cin > filter->padded_cout ? filter->padded_cin : filter->padded_cout;
    const long long image = (long long)x.h * x.w * channels;
    const long long most = cudnn_most_values() / image;  // 1 or more: conv2d has checked
    const long long parts = (x.n + most - 1) / most;
    return (int)((x.n + parts - 1) / parts);
}

static size_t workspace_of_part(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    const LibraryPlan *plan = plan_of(ctx, x, filter, y);
    const Offer *offer = plan != NULL ? offer_of(ctx, plan, filter) : NULL;
    return offer != NULL ? plan->x_copy + plan->y_copy + offer->workspace : 0;
}

size_t conv_cudnn_workspace(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    const int n = images_of_part(x, filter);
    size_t most = 0;
    for (int i = 0; i < x.n && context_ok(ctx); i += n) {
        const int count = x.n - i < n ? x.n - i : n;
        const size_t bytes =
            workspace_of_part(ctx, tensor_images(x, i, count), filter, tensor_images(y, i, count));
        if (bytes > most) most = bytes;
    }
    return most;
}

// What cuDNN reads and writes: x and y themselves, or their copies with padded channels.
struct Operands {
    void *x, *y, *workspace;
};

static Operands operands_of(const Context *ctx, const LibraryPlan *plan, Tensor x, Tensor y) {
    char *workspace = (char *)ctx->workspace;
    return {plan->x_copy ? workspace : x.data, plan->y_copy ? workspace + plan->x_copy : y.data,
            workspace + plan->x_copy + plan->y_copy};
}

static cudnnStatus_t try_offer(Context *ctx, const LibraryPlan *plan, const Offer *offer, Tensor x,
                               const Filter *filter, float beta, Tensor y) {
    const float one = 1;
    const Operands at = operands_of(ctx, plan, x, y);
    const cudnnStatus_t status = cudnnSetConvolutionMathType(plan->convolution, offer->math);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    if (plan->x_copy) copy_channels(ctx, x.data, x.c, (int)pixels_of(x), at.x, filter->padded_cin);
    // The old values go into cuDNN's sum, so that it is rounded once.
    if (plan->y_copy && beta != 0)
        copy_channels(ctx, y.data, y.c, (int)pixels_of(y), at.y, filter->padded_cout);
    return cudnnConvolutionForward(ctx->cudnn, &one, plan->x, at.x, filter->library->descriptor,
                                   filter->weights, plan->convolution, offer->algorithm, at.workspace,
                                   offer->workspace, &beta, plan->y, at.y);
}

static void take_result(Context *ctx, const LibraryPlan *plan, Tensor x, const Filter *filter,
                        Tensor y) {
    if (plan->y_copy)
        copy_channels(ctx, operands_of(ctx, plan, x, y).y, filter->padded_cout, (int)pixels_of(y),
                      y.data, y.c);
}

// Also what is offered as supported may fail when it runs; but then it may have written to y, which the
// next one reads unless beta is 0.
static bool may_try_next(const LibraryPlan *plan, cudnnStatus_t status, float beta) {
    return CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED ||
           (beta == 0 && plan->count > 1);
}

static const char *algorithm_name(cudnnConvolutionFwdAlgo_t algorithm) {
    switch (algorithm) {
        case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM:
            return "implicit GEMM";
        case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM:
            return "implicit precomputed GEMM";
        case CUDNN_CONVOLUTION_FWD_ALGO_GEMM:
            return "GEMM";
        case CUDNN_CONVOLUTION_FWD_ALGO_DIRECT:
            return "direct";
        case CUDNN_CONVOLUTION_FWD_ALGO_FFT:
            return "FFT";
        case CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING:
            return "FFT with tiles";
        case CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD:
            return "Winograd";
        case CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED:
            return "Winograd, not fused";
        default:
            return "unknown";
    }
}

static const char *math_name(cudnnMathType_t math) {
    switch (math) {
        case CUDNN_TENSOR_OP_MATH:
            return "tensor cores";
        case CUDNN_FMA_MATH:
            return "FMA";
        case CUDNN_DEFAULT_MATH:
            return "default";
        default:
            return "other";
    }
}

// Only what has run is known to be the choice.
static void announce(const Context *ctx, LibraryPlan *plan, const Offer *offer, const Filter *filter) {
    if (plan->announced || ctx->listener == NULL) return;
    plan->announced = true;
    const ConvolutionChoice choice = {plan->n,
                                      plan->h,
                                      plan->w,
                                      filter->cin,
                                      filter->cout,
                                      filter->padded_cin,
                                      filter->padded_cout,
                                      filter->size,
                                      filter->dtype,
                                      algorithm_name(offer->algorithm),
                                      math_name(offer->math),
                                      offer->workspace};
    ctx->listener(ctx->listener_user, &choice);
}

// cuDNN may turn down at last what it has offered: then the next one is tried, from now on.
static void convolve_part(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    LibraryPlan *plan = plan_of(ctx, x, filter, y);
    while (plan != NULL && context_ok(ctx)) {
        const Offer *offer = offer_of(ctx, plan, filter);
        if (offer == NULL) return;
        // Planning asked for what the largest batch takes; of a smaller one all offers may take more.
        context_reserve_workspace(ctx, plan->x_copy + plan->y_copy + offer->workspace);
        if (!context_ok(ctx)) return;
        const cudnnStatus_t status = try_offer(ctx, plan, offer, x, filter, beta, y);
        if (status == CUDNN_STATUS_SUCCESS) {
            take_result(ctx, plan, x, filter, y);
            announce(ctx, plan, offer, filter);
            return;
        }
        cudaGetLastError();  // or the next kernel's launch would be blamed for it
        if (!may_try_next(plan, status, beta)) {
            check_cudnn(ctx, status, "cudnnConvolutionForward");
            return;
        }
        const int place = (int)(offer - plan->offers);
        --plan->count;
        for (int i = place; i < plan->count; ++i) plan->offers[i] = plan->offers[i + 1];
    }
}

void conv_cudnn(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const int n = images_of_part(x, filter);
    for (int i = 0; i < x.n && context_ok(ctx); i += n) {
        const int count = x.n - i < n ? x.n - i : n;
        convolve_part(ctx, tensor_images(x, i, count), filter, beta, tensor_images(y, i, count));
    }
}

// Rows of pixels times weights [cin][cout].  cuBLAS counts by columns, so it sees all three transposed.
void conv_product(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const float one = 1;
    check_cublas(ctx,
                 cublasSgemm(ctx->cublas, CUBLAS_OP_N, CUBLAS_OP_N, filter->cout, (int)pixels_of(x),
                             filter->cin, &one, (const float *)filter->weights, filter->cout,
                             (const float *)x.data, filter->cin, &beta, (float *)y.data, filter->cout),
                 "cublasSgemm");
}
