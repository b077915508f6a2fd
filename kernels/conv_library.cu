// Convolution by cuDNN, and by cuBLAS where it is one matrix product.
#include <new>

#include "conv.h"

// What cuDNN needs to know of one shape of x, settled once.
struct LibraryPlan {
    int n, h, w;
    cudnnTensorDescriptor_t x, y;
    cudnnConvolutionDescriptor_t convolution;
    cudnnConvolutionFwdAlgo_t algorithm;
    size_t workspace;
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
        check_cudnn(
            ctx,
            cudnnSetFilter4dDescriptor(library->descriptor, type_of(filter->dtype), CUDNN_TENSOR_NHWC,
                                       filter->cout, filter->cin, filter->size, filter->size),
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

static bool describe_tensor(Context *ctx, cudnnTensorDescriptor_t *descriptor, Tensor t) {
    return check_cudnn(ctx, cudnnCreateTensorDescriptor(descriptor), "describing a tensor") &&
           check_cudnn(ctx,
                       cudnnSetTensor4dDescriptor(*descriptor, CUDNN_TENSOR_NHWC, type_of(t.dtype), t.n,
                                                  t.c, t.h, t.w),
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

// The algorithm that cuDNN expects to be fastest among those whose result never changes.  Unless
// planning, only those that fit the workspace: a batch smaller than the planned one may have a faster
// algorithm that wants more than all of the planned one's.
static bool choose_algorithm(Context *ctx, LibraryPlan *plan, const Filter *filter) {
    cudnnConvolutionFwdAlgoPerf_t offers[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    int count = 0;
    if (!check_cudnn(ctx,
                     cudnnGetConvolutionForwardAlgorithm_v7(
                         ctx->cudnn, plan->x, filter->library->descriptor, plan->convolution, plan->y,
                         CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, offers),
                     "choosing a convolution's algorithm"))
        return false;
    for (int i = 0; i < count; ++i) {
        if (offers[i].status != CUDNN_STATUS_SUCCESS) continue;
        if (offers[i].determinism != CUDNN_DETERMINISTIC) continue;
        // The offer may be one of FMA math; in float32 nothing else was allowed.
        if (filter->dtype != F32 &&
            !check_cudnn(ctx, cudnnSetConvolutionMathType(plan->convolution, offers[i].mathType),
                         "describing a convolution"))
            return false;
        // An offer is a guess; this also says whether cuDNN can do it.
        if (cudnnGetConvolutionForwardWorkspaceSize(ctx->cudnn, plan->x, filter->library->descriptor,
                                                    plan->convolution, plan->y, offers[i].algo,
                                                    &plan->workspace) != CUDNN_STATUS_SUCCESS)
            continue;
        if (!ctx->planning && plan->workspace > ctx->workspace_bytes) continue;
        plan->algorithm = offers[i].algo;
        return true;
    }
    return context_fail(ctx, "cuDNN has no deterministic %dx%d convolution of %d to %d channels",
                        filter->size, filter->size, filter->cin, filter->cout);
}

static LibraryPlan *make_plan(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    LibraryPlan *plan = new (std::nothrow) LibraryPlan();
    if (plan == NULL) {
        context_fail(ctx, "out of memory");
        return NULL;
    }
    plan->n = x.n, plan->h = x.h, plan->w = x.w;
    if (describe_tensor(ctx, &plan->x, x) && describe_tensor(ctx, &plan->y, y) &&
        describe_convolution(ctx, &plan->convolution, filter) && choose_algorithm(ctx, plan, filter)) {
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

size_t conv_cudnn_workspace(Context *ctx, Tensor x, const Filter *filter, Tensor y) {
    const LibraryPlan *plan = plan_of(ctx, x, filter, y);
    return plan != NULL ? plan->workspace : 0;
}

void conv_cudnn(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y) {
    const LibraryPlan *plan = plan_of(ctx, x, filter, y);
    const float one = 1;
    if (plan == NULL) return;
    check_cudnn(ctx,
                cudnnConvolutionForward(ctx->cudnn, &one, plan->x, x.data, filter->library->descriptor,
                                        filter->weights, plan->convolution, plan->algorithm,
                                        ctx->workspace, plan->workspace, &beta, plan->y, y.data),
                "cudnnConvolutionForward");
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
