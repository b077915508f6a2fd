#include "toy/experiment.h"

#include <math.h>
#include <stdlib.h>

#include "io/progress.h"
#include "schedule/times.h"
#include "toy/parallel.h"
#include "toy/process.h"

enum { CURVE_LEVELS = 256, CELLS_PER_NOISE = 16 };

/* One placement of the centres, with all that follows from it. */
typedef struct {
    Mixture mixture;
    Bins bins;
    Curve curve;
    double *integral; /* [time_count][CURVE_LEVELS] */
} Layout;

typedef struct {
    const ToyOptions *options;
    Layout *layout; /* [layouts] */
    int layouts;    /* repetitions, or 1 if all have the same */
    double *kl;     /* [time_count][step_count][repetitions] */
    ToyCell *cell;
} Run;

static bool prepare_layout(void *context, long long index, Error *error) {
    const Run *run = context;
    const ToyOptions *o = run->options;
    Layout *layout = &run->layout[index];
    layout->mixture = mixture_create(o->components, o->width, o->layout, o->seed, (uint64_t)index);
    layout->integral = calloc((size_t)o->time_count * CURVE_LEVELS, sizeof *layout->integral);
    if (layout->integral == NULL) return fail(error, "out of memory for the times of a mixture");
    bool ok =
        bins_create(&layout->bins, &layout->mixture, o->bins, error) &&
        toy_curve(&layout->curve, &layout->mixture, CURVE_LEVELS, o->sigma_min, o->sigma_max, error);
    for (int i = 0; ok && i < o->time_count; i++)
        if (o->time[i].kind == TIME_ORDER)
            ok = entropic_time(&layout->curve, o->time[i].order, RULE_CUBIC,
                               layout->integral + (size_t)i * CURVE_LEVELS, error);
    return ok;
}

static bool measure(const ToyOptions *o, const Layout *layout, const Schedule *schedule, int repetition,
                    double *kl, Error *error) {
    const double start = schedule->sigma[0];
    const Process process = {&layout->mixture, schedule, o->eta,
                             o->sde == SDE_VP ? sqrt(1 + start * start) : start};
    const int bins = layout->bins.count;
    double *mass = malloc((size_t)bins * sizeof *mass);
    long long *n = malloc((size_t)bins * sizeof *n);
    bool ok = (mass != NULL && n != NULL) || fail(error, "out of memory for %d bins", bins);
    if (ok && o->exact) {
        ok = process_transport(&process, CELLS_PER_NOISE, &layout->bins, mass, error);
        if (ok) *kl = divergence_of_masses(mass, bins);
    } else if (ok) {
        process_sample(&process, o->seed, (uint64_t)repetition * (uint64_t)o->samples, o->samples,
                       &layout->bins, n);
        *kl = divergence_of_counts(n, bins, o->samples);
    }
    free(mass);
    free(n);
    return ok;
}

/* Task number (time i, steps j, repetition r): i slowest. */
static bool run_task(void *context, long long index, Error *error) {
    const Run *run = context;
    const ToyOptions *o = run->options;
    const int repetition = (int)(index % o->repetitions), cell = (int)(index / o->repetitions);
    const int time = cell / o->step_count, steps = o->steps[cell % o->step_count];
    const Layout *layout = &run->layout[run->layouts > 1 ? repetition : 0];
    Schedule schedule = {0};
    bool ok = toy_schedule(&schedule, o->time[time], o->sde, &layout->curve,
                           layout->integral + (size_t)time * CURVE_LEVELS, steps, o->sigma_min,
                           o->sigma_max, error) &&
              measure(o, layout, &schedule, repetition, &run->kl[index], error);
    if (ok && repetition == 0)
        run->cell[cell].schedule = schedule;
    else
        schedule_free(&schedule);
    return ok;
}

static void summarize(const double *kl, int n, ToyCell *cell) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += kl[i];
    cell->mean = sum / n;
    for (int i = 0; i < n; i++) squares += (kl[i] - cell->mean) * (kl[i] - cell->mean);
    cell->variance = n > 1 ? squares / (n - 1) : 0;
    cell->standard_error = sqrt(cell->variance / n);
}

bool toy_run(const ToyOptions *o, ToyCell *cell, bool quiet, Error *error) {
    const int cells = o->time_count * o->step_count;
    const long long tasks = (long long)cells * o->repetitions;
    Run run = {.options = o, .layouts = o->layout != LAYOUT_EVEN ? o->repetitions : 1, .cell = cell};
    Progress progress;
    run.layout = calloc((size_t)run.layouts, sizeof *run.layout);
    run.kl = calloc((size_t)tasks, sizeof *run.kl);
    for (int i = 0; i < cells; i++) cell[i] = (ToyCell){0};
    bool ok =
        (run.layout != NULL && run.kl != NULL) || fail(error, "out of memory for %lld runs", tasks);
    ok = ok && parallel_run(prepare_layout, &run, run.layouts, o->threads, NULL, error);
    if (ok) {
        progress_begin(&progress, "toy", "runs", 0, tasks, quiet);
        ok = parallel_run(run_task, &run, tasks, o->threads, &progress, error);
        progress_end(&progress);
    }
    for (int i = 0; ok && i < cells; i++)
        summarize(run.kl + (size_t)i * o->repetitions, o->repetitions, &cell[i]);
    for (int i = 0; run.layout != NULL && i < run.layouts; i++) {
        bins_free(&run.layout[i].bins);
        curve_free(&run.layout[i].curve);
        free(run.layout[i].integral);
    }
    free(run.layout);
    free(run.kl);
    if (!ok) toy_free(o, cell);
    return ok;
}

void toy_free(const ToyOptions *o, ToyCell *cell) {
    for (int i = 0; i < o->time_count * o->step_count; i++) schedule_free(&cell[i].schedule);
}
