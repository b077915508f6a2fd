#include "sweep/report_chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Units of the drawing: small, so that its text is readable where a phone shows it 360 pixels wide. */
static const double WIDTH = 420, HEIGHT = 320, LEFT = 44, TOP = 26, BOTTOM = 284;
static const double LABEL_ROOM = 104, NO_LABEL_ROOM = 12, LABEL_HEIGHT = 12.5;

enum { LABEL_LENGTH = 15, MOST_MARKS = 16 };

typedef struct {
    double low, high, from, to; /* values (their logarithms, if log) and where they lie */
    bool log;
} Axis;

typedef struct {
    FILE *page;
    const Chart *chart;
    Axis x, y;
    double right;
} Drawing;

static double place(const Axis *axis, double value) {
    const double v = axis->log ? log(value) : value;
    const double fraction = axis->high > axis->low ? (v - axis->low) / (axis->high - axis->low) : 0.5;
    return axis->from + fraction * (axis->to - axis->from);
}

static void include(Axis *axis, double value) {
    const double v = axis->log ? log(value) : value;
    if (!isfinite(v)) return;
    axis->low = fmin(axis->low, v);
    axis->high = fmax(axis->high, v);
}

static void find_ranges(Drawing *d) {
    const Chart *chart = d->chart;
    d->x = (Axis){INFINITY, -INFINITY, LEFT + 8, d->right - 8, chart->log_x};
    d->y = (Axis){INFINITY, -INFINITY, BOTTOM - 6, TOP + 6, chart->log_y};
    for (int i = 0; i < chart->line_count; i++)
        for (int k = 0; k < chart->lines[i].count; k++) {
            const ChartPoint p = chart->lines[i].points[k];
            include(&d->x, p.x);
            include(&d->y, p.low);
            include(&d->y, p.high);
        }
    if (chart->y_line != 0) include(&d->y, chart->y_line);
    if (chart->y_most != 0) d->y.high = fmin(d->y.high, chart->y_most);
    if (!(d->x.low <= d->x.high)) d->x.low = d->x.high = 0;
    if (!(d->y.low <= d->y.high)) d->y.low = d->y.high = 0;
    if (d->y.high == d->y.low) d->y.low -= 0.5, d->y.high += 0.5;
}

/* ---- axes ---------------------------------------------------------------------------------------- */

enum { MOST_TICKS = 64 };

typedef struct {
    double value[MOST_TICKS];
    int count;
} Ticks;

static void add_tick(const Drawing *d, Ticks *ticks, double value) {
    const double y = place(&d->y, value);
    if (y <= BOTTOM && y >= TOP && ticks->count < MOST_TICKS) ticks->value[ticks->count++] = value;
}

/* Powers of ten, or 1, 2 and 5 times them, or 1, 2, 3, 5 and 7 times. */
static Ticks log_ticks_of(const Drawing *d, int density) {
    static const int all[3][6] = {{1}, {1, 2, 5}, {1, 2, 3, 5, 7}};
    Ticks ticks = {.count = 0};
    for (int e = (int)floor(d->y.low / log(10)); e <= (int)ceil(d->y.high / log(10)); e++)
        for (const int *at = all[density]; *at != 0; at++) add_tick(d, &ticks, *at * pow(10, e));
    return ticks;
}

/* The fewer decades there are, the more of each; and as many as it takes to read a scale. */
static Ticks log_ticks(const Drawing *d) {
    const double decades = (d->y.high - d->y.low) / log(10);
    int density = decades > 2.5 ? 0 : decades > 1.2 ? 1 : 2;
    Ticks ticks = log_ticks_of(d, density);
    while (ticks.count < 3 && density < 2) ticks = log_ticks_of(d, ++density);
    return ticks;
}

/* 3 to 7 multiples of 1, 2 or 5 times a power of ten, from the values `low` to `high`. */
static Ticks even_ticks(const Drawing *d, double low, double high) {
    const double raw = (high - low) / 5, power = pow(10, floor(log10(raw)));
    const double step = power * (raw / power < 1.5   ? 1
                                 : raw / power < 3.5 ? 2
                                 : raw / power < 7.5 ? 5
                                                     : 10);
    Ticks ticks = {.count = 0};
    for (double k = ceil(low / step - 1e-6); k * step <= high + step / 1e6; k++)
        add_tick(d, &ticks, k == 0 ? 0 : k * step);
    return ticks;
}

static void y_ticks(const Drawing *d) {
    Ticks ticks = {.count = 0};
    if (d->chart->log_y) ticks = log_ticks(d);
    /* Values of less than a decade may have no two of those between them. */
    if (d->chart->log_y && ticks.count < 3) ticks = even_ticks(d, exp(d->y.low), exp(d->y.high));
    if (!d->chart->log_y) ticks = even_ticks(d, d->y.low, d->y.high);
    for (int i = 0; i < ticks.count; i++) {
        const double y = place(&d->y, ticks.value[i]);
        fprintf(d->page, "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                d->right, y, y);
        fprintf(d->page, "<text class=\"y\" x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                LEFT - 5, y + 4, ticks.value[i]);
    }
}

static void x_ticks(Drawing *d) {
    const Chart *chart = d->chart;
    const int count = chart->x_ticks != NULL ? chart->x_tick_count : 5;
    double last = -1e9;
    for (int i = 0; i < count; i++) {
        const double value =
            chart->x_ticks != NULL ? chart->x_ticks[i] : d->x.low + i * (d->x.high - d->x.low) / 4;
        const double x = place(&d->x, value);
        fprintf(d->page, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>", x, x,
                TOP, BOTTOM);
        if (x - last < 22) continue;
        last = x;
        fprintf(d->page, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.4g</text>\n", x,
                BOTTOM + 15, value);
    }
}

/* ---- lines --------------------------------------------------------------------------------------- */

/* Neighbours differ in their marks, and lines of one colour too. */
void chart_mark(FILE *page, int index, double x, double y) {
    switch ((index + index / CHART_COLOURS) % CHART_MARKS) {
        case 0:
            fprintf(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"/>", x, y);
            return;
        case 1:
            fprintf(page, "<rect x=\"%.1f\" y=\"%.1f\" width=\"5.6\" height=\"5.6\"/>", x - 2.8,
                    y - 2.8);
            return;
        case 2:
            fprintf(page, "<path d=\"M%.1f %.1fl3.8 6.4h-7.6z\"/>", x, y - 4);
            return;
        default:
            fprintf(page, "<path d=\"M%.1f %.1fl4 4l-4 4l-4-4z\"/>", x, y - 4);
    }
}

/* Lines with bars are moved aside by a little, so that these can be told apart. */
static void draw_line(Drawing *d, int index) {
    const ChartLine *line = &d->chart->lines[index];
    const double aside = d->chart->bars ? (index - (d->chart->line_count - 1) / 2.0) * 1.6 : 0;
    const int stride = 1 + (line->count - 1) / MOST_MARKS;
    fprintf(d->page, "<g class=\"s%d\"><path class=\"line\" d=\"", line->index % CHART_COLOURS);
    for (int i = 0; i < line->count; i++)
        fprintf(d->page, "%s%.1f %.1f", i == 0 ? "M" : "L", place(&d->x, line->points[i].x) + aside,
                place(&d->y, line->points[i].y));
    fprintf(d->page, "\"/>");
    for (int i = 0; i < line->count; i += stride) {
        const ChartPoint p = line->points[i];
        const double x = place(&d->x, p.x) + aside;
        if (d->chart->bars && p.high > p.low)
            fprintf(d->page, "<path class=\"spread\" d=\"M%.1f %.1fV%.1f\"/>", x, place(&d->y, p.low),
                    place(&d->y, p.high));
        chart_mark(d->page, line->index, x, place(&d->y, p.y));
    }
    fprintf(d->page, "<title>%s</title></g>\n", line->name);
}

static void draw_y_line(const Drawing *d) {
    const double y = place(&d->y, d->chart->y_line);
    if (d->chart->y_line == 0) return;
    fprintf(d->page, "<path class=\"floor\" d=\"M%.0f %.1fH%.0f\"/>", LEFT, y, d->right);
    fprintf(d->page, "<text x=\"%.0f\" y=\"%.1f\">%s</text>\n", LEFT + 3, y - 4, d->chart->y_line_name);
}

typedef struct {
    int line;
    double y;
} Label;

static int by_height(const void *a, const void *b) {
    const Label *one = a, *other = b;
    return one->y != other->y ? (one->y < other->y ? -1 : 1) : one->line - other->line;
}

/* Names at the lines' ends, pushed apart where they would overlap: down from the top, then up from the
 * bottom where they ran out of it. */
static void draw_labels(Drawing *d) {
    const Chart *chart = d->chart;
    Label *labels = calloc((size_t)chart->line_count + 1, sizeof *labels);
    int count = 0;
    if (labels == NULL) return;
    for (int i = 0; i < chart->line_count; i++)
        if (chart->lines[i].count > 0)
            labels[count++] = (Label){
                i, fmax(place(&d->y, chart->lines[i].points[chart->lines[i].count - 1].y), TOP)};
    qsort(labels, (size_t)count, sizeof *labels, by_height);
    for (int i = 1; i < count; i++) labels[i].y = fmax(labels[i].y, labels[i - 1].y + LABEL_HEIGHT);
    double limit = BOTTOM;
    for (int i = count - 1; i >= 0; i--, limit -= LABEL_HEIGHT) labels[i].y = fmin(labels[i].y, limit);
    for (int i = 0; i < count; i++) {
        const ChartLine *line = &chart->lines[labels[i].line];
        const double end = place(&d->x, line->points[line->count - 1].x);
        const double y = fmax(place(&d->y, line->points[line->count - 1].y), TOP);
        fprintf(d->page, "<g class=\"s%d\"><path class=\"lead\" d=\"M%.1f %.1fL%.1f %.1f\"/>",
                line->index % CHART_COLOURS, end + 9, y, d->right + 3, labels[i].y);
        fprintf(d->page, "<text x=\"%.1f\" y=\"%.1f\">%s</text></g>\n", d->right + 6, labels[i].y + 4,
                line->name);
    }
    free(labels);
}

bool chart_labels_fit(const ChartLine *lines, int count) {
    for (int i = 0; i < count; i++)
        if (strlen(lines[i].name) > LABEL_LENGTH) return false;
    return count * LABEL_HEIGHT <= BOTTOM - TOP;
}

void chart_write(FILE *page, const Chart *chart) {
    Drawing d = {.page = page, .chart = chart};
    d.right = WIDTH - (chart->labels ? LABEL_ROOM : NO_LABEL_ROOM);
    find_ranges(&d);
    fprintf(page, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
            chart->title);
    fprintf(page, "<text x=\"4\" y=\"14\" class=\"title\">%s</text>\n", chart->title);
    y_ticks(&d);
    x_ticks(&d);
    fprintf(page, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n",
            (LEFT + d.right) / 2, HEIGHT - 6, chart->x_label);
    /* The inner drawing has the same units, and cuts off what is outside. */
    fprintf(page,
            "<svg x=\"0\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 %.0f %.0f %.0f\">\n",
            TOP, WIDTH, BOTTOM - TOP, TOP, WIDTH, BOTTOM - TOP);
    draw_y_line(&d);
    for (int i = 0; i < chart->line_count; i++) draw_line(&d, i);
    fprintf(page, "</svg>\n");
    if (chart->labels) draw_labels(&d);
    fprintf(page, "</svg>\n");
}
