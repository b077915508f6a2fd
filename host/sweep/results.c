#include "sweep/results.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"

enum { FILE_LIMIT = 256 << 20 };

bool result_name_ok(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    const size_t length = strlen(name);
    return length > 0 && length < RESULT_NAME && *name != '.' && strspn(name, allowed) == length;
}

static bool same_order(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

bool result_same_cell(const Result *a, const Result *b) {
    return strcmp(a->schedule, b->schedule) == 0 && same_order(a->order, b->order) &&
           strcmp(a->solver, b->solver) == 0 && a->eta == b->eta && a->steps == b->steps &&
           a->first == b->first && a->last == b->last;
}

/* ---- a line -------------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number. */
static const char *shortest(double value, char text[32]) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return text;
}

void result_line(const Result *r, char *text) {
    char order[32] = "null", eta[32];
    if (!isnan(r->order)) shortest(r->order, order);
    snprintf(text, RESULT_LINE,
             "{\"schedule\": \"%s\", \"order\": %s, \"solver\": \"%s\", \"eta\": %s, \"steps\": %d, "
             "\"nfe\": %d, \"seeds\": \"%" PRIu64 "-%" PRIu64
             "\", \"images\": %lld, \"distance\": %.9g}\n",
             r->schedule, order, r->solver, shortest(r->eta, eta), r->steps, r->nfe, r->first, r->last,
             r->images, r->distance);
}

static bool read_number(const char **at, uint64_t *number) {
    if (**at < '0' || **at > '9') return false;
    char *end;
    errno = 0;
    *number = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

bool result_parse_seeds(const char *text, uint64_t *first, uint64_t *last) {
    if (!read_number(&text, first) || *text++ != '-' || !read_number(&text, last)) return false;
    return *text == '\0' && *first <= *last;
}

static bool read_order(json_t *object, const char *where, double *order, Error *error) {
    const json_t *value = json_object_get(object, "order");
    *order = NAN;
    if (json_is_number(value))
        *order = json_number_value(value);
    else if (!json_is_null(value))
        return fail(error, "%s: expected a key 'order' with a number or null", where);
    json_object_del(object, "order"); /* the table of fields has no nullable numbers */
    return true;
}

static bool read_result(json_t *object, const char *where, Result *result, Error *error) {
    const char *schedule = "", *solver = "", *seeds = "";
    int64_t images = 0;
    const JsonField fields[] = {
        {"schedule", JSON_FIELD_TEXT, &schedule, true, 0, 0},
        {"solver", JSON_FIELD_TEXT, &solver, true, 0, 0},
        {"eta", JSON_FIELD_DOUBLE, &result->eta, true, 0, 1},
        {"steps", JSON_FIELD_INT, &result->steps, true, 1, 1000000},
        {"nfe", JSON_FIELD_INT, &result->nfe, true, 1, 2000000},
        {"seeds", JSON_FIELD_TEXT, &seeds, true, 0, 0},
        {"images", JSON_FIELD_INT64, &images, true, 1, 1e15},
        {"distance", JSON_FIELD_DOUBLE, &result->distance, true, -1e300, 1e300},
    };
    if (!read_order(object, where, &result->order, error) ||
        !json_read_fields(object, where, fields, sizeof fields / sizeof *fields, error))
        return false;
    if (!result_name_ok(schedule))
        return fail(error, "%s: the schedule '%.60s' is no name of a schedule", where, schedule);
    if (!result_name_ok(solver) || strlen(solver) >= RESULT_SOLVER)
        return fail(error, "%s: the solver '%.60s' is not one of kairos' solvers", where, solver);
    if (!result_parse_seeds(seeds, &result->first, &result->last))
        return fail(error, "%s: the seeds '%.60s' are no range such as 0-4999", where, seeds);
    snprintf(result->schedule, sizeof result->schedule, "%s", schedule);
    snprintf(result->solver, sizeof result->solver, "%s", solver);
    result->images = images;
    return true;
}

bool result_parse(const char *text, size_t size, const char *where, Result *result, Error *error) {
    *result = (Result){.order = NAN};
    json_t *object = json_parse_text(text, size, where, error);
    if (object == NULL) return false;
    const bool ok = json_is_object(object) ? read_result(object, where, result, error)
                                           : fail(error, "%s: expected an object", where);
    json_decref(object);
    return ok;
}

/* ---- the file ------------------------------------------------------------------------------------ */

static bool keep(Results *results, const Result *result, Error *error) {
    if (results->count == results->capacity) {
        const size_t capacity = results->capacity == 0 ? 64 : 2 * results->capacity;
        Result *rows = realloc(results->rows, capacity * sizeof *rows);
        if (rows == NULL) return fail(error, "%s: out of memory", results->path);
        results->rows = rows;
        results->capacity = capacity;
    }
    results->rows[results->count++] = *result;
    return true;
}

/* Reads the whole lines of the text; *whole: how many bytes they are. */
static bool read_lines(Results *results, const char *text, size_t size, size_t *whole, Error *error) {
    int line = 1;
    *whole = 0;
    for (const char *end; (end = memchr(text + *whole, '\n', size - *whole)) != NULL; line++) {
        char where[600];
        Result result;
        snprintf(where, sizeof where, "%.500s: line %d", results->path, line);
        if (!result_parse(text + *whole, (size_t)(end - text) - *whole, where, &result, error))
            return false;
        if (results_find(results, &result) != NULL)
            return fail(error, "%s: this cell is there already, in a line before", where);
        if (!keep(results, &result, error)) return false;
        *whole = (size_t)(end - text) + 1;
    }
    return true;
}

static bool load(Results *results, size_t *whole, size_t *size, Error *error) {
    char *text;
    if (!read_file(results->path, FILE_LIMIT, &text, size, error)) return false;
    const bool ok = read_lines(results, text, *size, whole, error);
    free(text);
    return ok;
}

static bool begin(Results *results, const char *path, Error *error) {
    *results = (Results){.path = strdup(path), .descriptor = -1};
    return results->path != NULL || fail(error, "%s: out of memory", path);
}

bool results_read(Results *results, const char *path, Error *error) {
    size_t whole, size;
    if (begin(results, path, error) && load(results, &whole, &size, error)) return true;
    results_close(results);
    return false;
}

static bool lock(Results *results, Error *error) {
    results->descriptor = open(results->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (results->descriptor < 0)
        return fail(error, "cannot open %s: %s", results->path, strerror(errno));
    if (flock(results->descriptor, LOCK_EX | LOCK_NB) == 0) return true;
    return errno == EWOULDBLOCK
               ? fail(error, "%s: another sweep is writing into this folder", results->path)
               : fail(error, "cannot lock %s: %s", results->path, strerror(errno));
}

static bool repair(Results *results, size_t whole, size_t size, Error *error) {
    if (whole == size) return true;
    results->repaired = true;
    return ftruncate(results->descriptor, (off_t)whole) == 0 ||
           fail(error, "cannot cut the unfinished last line off %s: %s", results->path,
                strerror(errno));
}

bool results_open(Results *results, const char *path, Error *error) {
    size_t whole, size;
    if (begin(results, path, error) && lock(results, error) && load(results, &whole, &size, error) &&
        repair(results, whole, size, error))
        return true;
    results_close(results);
    return false;
}

const Result *results_find(const Results *results, const Result *cell) {
    for (size_t i = 0; i < results->count; i++)
        if (result_same_cell(&results->rows[i], cell)) return &results->rows[i];
    return NULL;
}

bool results_append(Results *results, const Result *result, Error *error) {
    char text[RESULT_LINE];
    result_line(result, text);
    const size_t size = strlen(text);
    for (size_t done = 0; done < size;) {
        const ssize_t count = write(results->descriptor, text + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(error, "cannot write %s: %s", results->path, strerror(errno));
        done += (size_t)count;
    }
    if (fdatasync(results->descriptor) != 0 && errno != EINVAL)
        return fail(error, "cannot write %s: %s", results->path, strerror(errno));
    /* Kept as it will be read by the next run. */
    Result read;
    return result_parse(text, size, results->path, &read, error) && keep(results, &read, error);
}

void results_close(Results *results) {
    if (results->path != NULL && results->descriptor >= 0) close(results->descriptor);
    free(results->rows);
    free(results->path);
    *results = (Results){.descriptor = -1};
}
