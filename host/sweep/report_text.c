#include "sweep/report_parts.h"

void report_text(FILE *page, const char *text) {
    for (; *text != '\0'; text++) switch (*text) {
            case '<':
                fputs("&lt;", page);
                break;
            case '>':
                fputs("&gt;", page);
                break;
            case '&':
                fputs("&amp;", page);
                break;
            case '"':
                fputs("&quot;", page);
                break;
            default:
                if ((unsigned char)*text >= ' ' || *text == '\n') fputc(*text, page);
        }
}

void report_key(FILE *page, int schedule, const char *name) {
    fprintf(page, "<span class=\"key s%d\"><svg class=\"mark\" viewBox=\"-5 -5 10 10\">",
            schedule % CHART_COLOURS);
    chart_mark(page, schedule, 0, 0);
    fprintf(page, "</svg> %s</span>", name);
}

void report_keys(FILE *page, const ChartLine *lines, int count) {
    fprintf(page, "<p class=\"keys\">");
    for (int i = 0; i < count; i++) {
        if (lines[i].count == 0) continue;
        report_key(page, lines[i].index, lines[i].name);
        fprintf(page, "&ensp;\n");
    }
    fprintf(page, "</p>\n");
}
