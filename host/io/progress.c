#include "io/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1 /* on a terminal */
#define LINE_SECONDS 10.0  /* elsewhere */

double monotonic_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 75 -> "1:15", 4000 -> "1:06:40" */
static const char *duration(double seconds, char text[32]) {
    long long s = seconds < 1e12 ? (long long)(seconds + 0.5) : 0;
    if (s < 3600)
        snprintf(text, 32, "%d:%02d", (int)(s / 60), (int)(s % 60));
    else
        snprintf(text, 32, "%lld:%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    return text;
}

static void draw_bar(double fraction, char *bar, int cells) {
    int full = (int)(fraction * cells);
    memset(bar, '-', (size_t)cells);
    memset(bar, '#', (size_t)full);
    bar[cells] = '\0';
}

const char *progress_line(const Progress *progress, double seconds, int columns, bool finished,
                          char *text, size_t size) {
    char times[64], speed[64], passed[32], bar[32] = "", frame[40] = "";
    long long fresh = progress->done - progress->start;
    double rate = seconds > 0 ? (double)fresh / seconds : 0;
    double fraction = progress->total > 0 ? (double)progress->done / (double)progress->total : 1;
    if (fraction > 1) fraction = 1;
    if (finished)
        snprintf(times, sizeof times, "in %s", duration(seconds, passed));
    else if (rate > 0)
        snprintf(times, sizeof times, "%s left",
                 duration((double)(progress->total - progress->done) / rate, passed));
    else
        snprintf(times, sizeof times, "%s so far", duration(seconds, passed));
    if (progress->terminal && !finished && columns >= 80) {
        draw_bar(fraction, bar, 24);
        snprintf(frame, sizeof frame, " [%s]", bar);
    }
    /* Slow units read better as seconds each. */
    if (rate > 0 && rate < 0.1)
        snprintf(speed, sizeof speed, "%.1f s each", 1 / rate);
    else
        snprintf(speed, sizeof speed, "%.*f %s/s", rate < 100 ? 1 : 0, rate, progress->unit);
    int length = snprintf(text, size, "%s%s %3d%%  %lld/%lld  %s  %s", progress->label, frame,
                          (int)(100 * fraction), progress->done, progress->total, speed, times);
    if (length > columns && columns >= 0 && (size_t)columns < size) text[columns] = '\0';
    return text;
}

static int terminal_columns(FILE *stream) {
    struct winsize window;
    if (ioctl(fileno(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 1) return window.ws_col - 1;
    return 79;
}

static void show(Progress *progress, bool finished) {
    char text[512];
    double now = monotonic_seconds();
    int columns = progress->terminal ? terminal_columns(progress->stream) : 200;
    progress_line(progress, now - progress->began, columns, finished, text, sizeof text);
    int width = (int)strlen(text);
    /* Spaces cover what remains of a longer line before. */
    int cover = progress->terminal && progress->width > width ? progress->width - width : 0;
    fprintf(progress->stream, "%s%s%*s%s", progress->terminal ? "\r" : "", text, cover, "",
            finished || !progress->terminal ? "\n" : "");
    fflush(progress->stream);
    progress->width = finished ? 0 : width;
    progress->shown = now;
}

void progress_begin(Progress *progress, const char *label, const char *unit, long long done,
                    long long total, bool quiet) {
    *progress = (Progress){.stream = quiet ? NULL : stderr,
                           .label = label,
                           .unit = unit,
                           .total = total,
                           .done = done,
                           .start = done,
                           .began = monotonic_seconds(),
                           .terminal = isatty(STDERR_FILENO)};
    progress->shown = progress->began;
    if (progress->stream != NULL && progress->terminal) show(progress, false);
}

void progress_update(Progress *progress, long long done) {
    progress->done = done;
    if (progress->stream == NULL) return;
    double interval = progress->terminal ? REDRAW_SECONDS : LINE_SECONDS;
    if (monotonic_seconds() - progress->shown >= interval) show(progress, false);
}

void progress_end(Progress *progress) {
    if (progress->stream != NULL) show(progress, true);
    progress->stream = NULL;
}
