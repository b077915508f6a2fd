#include "sweep/sweep_config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "io/seeds.h"
#include "schedule/schedule_limits.h"

enum { FILE_LIMIT = 4 << 20, MAX_ITEMS = 256, MAX_NFE = 100000, MAX_SHEET = 64, MAX_CELLS = 1 << 16 };

/* What a file says before it is looked at: its lists, and what schedules inherit. */
typedef struct {
    const json_t *schedules, *solvers, *seeds;
    const char *curve, *spectrum;
    double sigma_min, sigma_max, rho, c;
    int class_label;
} Lists;

/* ---- paths --------------------------------------------------------------------------------------- */

static bool is_path(const char *text) { return strncmp(text, "random:", 7) != 0 && *text != '/'; }

/* Replaces *text by the path seen from where the program runs; the configuration keeps it. */
static bool resolve(SweepConfig *config, const char *file, const char **text, Error *error) {
    if (*text == NULL || !is_path(*text)) return true;
    const char *slash = strrchr(file, '/');
    const int folder = slash == NULL ? 0 : (int)(slash - file + 1);
    const size_t size = (size_t)folder + strlen(*text) + 1;
    char *path = malloc(size);
    char **paths = realloc(config->paths, ((size_t)config->path_count + 1) * sizeof *paths);
    if (paths != NULL) config->paths = paths;
    if (path == NULL || paths == NULL) {
        free(path);
        return fail(error, "%s: out of memory", file);
    }
    snprintf(path, size, "%.*s%s", folder, file, *text);
    config->paths[config->path_count++] = path;
    *text = path;
    return true;
}

/* ---- schedules ----------------------------------------------------------------------------------- */

static double order_of(ScheduleKind kind, double order) {
    if (kind == SCHEDULE_ENTROPIC) return ORDER_ENTROPIC;
    if (kind == SCHEDULE_RESCALED) return ORDER_RESCALED;
    return kind == SCHEDULE_ORDER ? order : NAN;
}

static bool choose_kind(const char *text, const char *where, ScheduleKind *kind, Error *error) {
    const int index = schedule_kind_of(text);
    if (index >= 0) {
        *kind = (ScheduleKind)index;
        return true;
    }
    char known[256] = "";
    for (int i = 0; schedule_kinds[i] != NULL; i++) {
        strcat(known, i == 0 ? "" : ", ");
        strcat(known, schedule_kinds[i]);
    }
    return fail(error, "%s: '%.60s' is no kind of schedule, expected %s", where, text, known);
}

/* The name in results: the file's own, or the kind, with the order where there are many of it. */
static bool choose_name(SweepSchedule *schedule, const char *name, const char *where, Error *error) {
    char made[RESULT_NAME];
    const ScheduleKind kind = schedule->request.kind;
    if (name == NULL && kind == SCHEDULE_ORDER)
        snprintf(made, sizeof made, "order-%.6g", schedule->order);
    else
        snprintf(made, sizeof made, "%.*s", RESULT_NAME - 1,
                 name != NULL ? name : schedule_kinds[kind]);
    if (name != NULL && !result_name_ok(name))
        return fail(error,
                    "%s: the name '%.60s' is not fit for a file's: at most %d letters, digits and -_.+",
                    where, name, RESULT_NAME - 1);
    memcpy(schedule->name, made, sizeof made);
    return true;
}

/* Keys of an object that would do nothing to a schedule of its kind. */
static bool check_keys(const json_t *item, ScheduleKind kind, const char *where, Error *error) {
    static const char *const keys[] = {"rho", "c", "curve", "rule", "spectrum"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char kinds[SCHEDULE_KINDS_TEXT];
        if (json_object_get(item, keys[i]) != NULL && !schedule_kind_uses(kind, keys[i], kinds))
            return fail(error, "%s: key '%s' does nothing for the kind \"%s\": it is for %s", where,
                        keys[i], schedule_kinds[kind], kinds);
    }
    if (json_object_get(item, "curve") != NULL && json_object_get(item, "spectrum") != NULL)
        return fail(error,
                    "%s: keys 'curve' and 'spectrum': the spectral schedule reads the latter alone",
                    where);
    return true;
}

static bool read_schedule(SweepConfig *config, const json_t *item, const char *file, const char *where,
                          const Lists *inherited, SweepSchedule *schedule, Error *error) {
    const char *kind = json_string_value(item), *name = NULL, *curve = NULL, *spectrum = NULL;
    const char *rule = integration_rules[RULE_CUBIC];
    double order = NAN;
    ScheduleRequest request = schedule_request_defaults();
    request.sigma_min = inherited->sigma_min;
    request.sigma_max = inherited->sigma_max;
    request.rho = inherited->rho;
    request.c = inherited->c;
    const JsonField fields[] = {
        {"kind", JSON_FIELD_TEXT, &kind, true, 0, 0},
        {"name", JSON_FIELD_TEXT, &name, false, 0, 0},
        {"order", JSON_FIELD_DOUBLE, &order, false, SCHEDULE_ORDER_LOW, SCHEDULE_ORDER_HIGH},
        {"curve", JSON_FIELD_TEXT, &curve, false, 0, 0},
        {"spectrum", JSON_FIELD_TEXT, &spectrum, false, 0, 0},
        {"rule", JSON_FIELD_TEXT, &rule, false, 0, 0},
        {"rho", JSON_FIELD_DOUBLE, &request.rho, false, SCHEDULE_RHO_LOW, SCHEDULE_RHO_HIGH},
        {"c", JSON_FIELD_DOUBLE, &request.c, false, SCHEDULE_C_LOW, SCHEDULE_C_HIGH},
    };
    if (kind == NULL && !json_read_fields(item, where, fields, sizeof fields / sizeof *fields, error))
        return false;
    if (!choose_kind(kind, where, &request.kind, error)) return false;
    if ((request.kind == SCHEDULE_ORDER) != !isnan(order))
        return fail(error, "%s: the kind \"order\", and only that, needs a key 'order' with a number",
                    where);
    if (!check_keys(item, request.kind, where, error) || !resolve(config, file, &curve, error) ||
        !resolve(config, file, &spectrum, error))
        return false;
    /* A curve of its own brings the spectrum that lies beside it. */
    request.order = order;
    request.curve = curve != NULL ? curve : inherited->curve;
    request.spectrum = spectrum != NULL || curve != NULL ? spectrum : inherited->spectrum;
    request.rule = strcmp(rule, integration_rules[RULE_LEFT]) == 0 ? RULE_LEFT : RULE_CUBIC;
    if (strcmp(rule, integration_rules[request.rule]) != 0)
        return fail(error, "%s: the rule '%.60s' is neither cubic nor left", where, rule);
    if (!schedule_request_check(&request, NULL))
        return fail(error, "%s: the %s schedule needs a \"curve\" here or in the whole file%s", where,
                    kind, request.kind == SCHEDULE_SPECTRAL ? ", or a \"spectrum\"" : "");
    *schedule = (SweepSchedule){.order = order_of(request.kind, order), .request = request};
    return choose_name(schedule, name, where, error);
}

static bool read_schedules(SweepConfig *config, const char *file, const Lists *lists, Error *error) {
    const size_t count = json_array_size(lists->schedules);
    if (count < 1 || count > MAX_ITEMS)
        return fail(error, "%s: key 'schedules' has %zu entries, expected 1 to %d", file, count,
                    MAX_ITEMS);
    config->schedules = calloc(count, sizeof *config->schedules);
    if (config->schedules == NULL) return fail(error, "%s: out of memory", file);
    for (size_t i = 0; i < count; i++) {
        SweepSchedule *schedule = &config->schedules[i];
        char where[600];
        snprintf(where, sizeof where, "%.500s: schedules[%zu]", file, i);
        if (!read_schedule(config, json_array_get(lists->schedules, i), file, where, lists, schedule,
                           error))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(config->schedules[k].name, schedule->name) == 0)
                return fail(
                    error, "%s: is named '%s', as schedules[%zu] is: give one of them another \"name\"",
                    where, schedule->name, k);
        config->schedule_count++;
    }
    return true;
}

/* ---- the other lists ----------------------------------------------------------------------------- */

static bool read_solvers(SweepConfig *config, const char *file, const json_t *solvers, Error *error) {
    for (size_t i = 0; i < json_array_size(solvers); i++) {
        const char *name = json_string_value(json_array_get(solvers, i));
        bool *chosen = NULL;
        if (name != NULL && strcmp(name, "ddim") == 0) chosen = &config->ddim;
        if (name != NULL && strcmp(name, "heun") == 0) chosen = &config->heun;
        if (chosen == NULL)
            return fail(error, "%s: solvers[%zu] is '%.60s', expected \"ddim\" or \"heun\"", file, i,
                        name != NULL ? name : "no string");
        if (*chosen) return fail(error, "%s: solvers[%zu]: '%s' is there already", file, i, name);
        *chosen = true;
    }
    return config->ddim || config->heun || fail(error, "%s: key 'solvers' is empty", file);
}

static bool check_numbers(const SweepConfig *config, const char *file, Error *error) {
    if (config->nfe.count < 1 || config->nfe.count > MAX_ITEMS || config->eta.count > MAX_ITEMS)
        return fail(error, "%s: %zu entries in 'nfe' and %zu in 'eta', expected 1 to %d", file,
                    config->nfe.count, config->eta.count, MAX_ITEMS);
    if (config->ddim && config->eta.count == 0)
        return fail(error,
                    "%s: key 'eta' is empty: the solver ddim needs one value or more, from 0 "
                    "(deterministic) to 1 (stochastic)",
                    file);
    for (size_t i = 0; i < config->nfe.count; i++)
        for (size_t k = 0; k < i; k++)
            if (config->nfe.values[i] == config->nfe.values[k])
                return fail(error, "%s: nfe[%zu]: %d is there already", file, i, config->nfe.values[i]);
    for (size_t i = 0; i < config->eta.count; i++)
        for (size_t k = 0; k < i; k++)
            if (config->eta.values[i] == config->eta.values[k])
                return fail(error, "%s: eta[%zu]: %g is there already", file, i, config->eta.values[i]);
    return true;
}

/* "0-4999" */
static bool read_range(const char *text, const char *where, SeedRange *range, Error *error) {
    const bool ok = text != NULL && result_parse_seeds(text, &range->first, &range->last);
    if (!ok || range->last <= range->first)
        return fail(error, "%s: '%.60s' is no range of two seeds or more, such as \"0-4999\"", where,
                    text != NULL ? text : "not a string");
    if (range->last - range->first >= SEEDS_LIMIT)
        return fail(error, "%s: '%s' are more than %d images", where, text, SEEDS_LIMIT);
    return true;
}

static bool check_ranges(const SweepConfig *config, int i, const char *where, Error *error) {
    const SeedRange *own = &config->seeds[i];
    for (int k = 0; k < i; k++) {
        const SeedRange *other = &config->seeds[k];
        if (own->last - own->first != other->last - other->first)
            return fail(error,
                        "%s: %" PRIu64 " images, but seeds[%d] are %" PRIu64
                        ": distances of different numbers of images cannot be compared",
                        where, own->last - own->first + 1, k, other->last - other->first + 1);
        if (seeds_overlap(*own, *other))
            return fail(
                error,
                "%s: overlaps seeds[%d] (seeds count modulo 2^32): their distances would not be "
                "independent",
                where, k);
    }
    return true;
}

static bool read_seeds(SweepConfig *config, const char *file, const json_t *seeds, Error *error) {
    const size_t count = json_array_size(seeds);
    if (count < 1 || count > MAX_ITEMS)
        return fail(error, "%s: key 'seeds' has %zu entries, expected 1 to %d", file, count, MAX_ITEMS);
    config->seeds = calloc(count, sizeof *config->seeds);
    if (config->seeds == NULL) return fail(error, "%s: out of memory", file);
    for (int i = 0; i < (int)count; i++) {
        char where[600];
        snprintf(where, sizeof where, "%.500s: seeds[%d]", file, i);
        if (!read_range(json_string_value(json_array_get(seeds, (size_t)i)), where, &config->seeds[i],
                        error) ||
            !check_ranges(config, i, where, error))
            return false;
        config->seeds_count++;
    }
    return true;
}

/* ---- the file ------------------------------------------------------------------------------------ */

static bool read_fields(SweepConfig *config, const json_t *json, const char *file, Lists *lists,
                        Error *error) {
    const JsonField fields[] = {
        {"description", JSON_FIELD_TEXT, &config->description, false, 0, 0},
        {"net", JSON_FIELD_TEXT, &config->net, true, 0, 0},
        {"gnet", JSON_FIELD_TEXT, &config->gnet, false, 0, 0},
        {"guidance", JSON_FIELD_DOUBLE, &config->guidance, false, -1e6, 1e6},
        {"class", JSON_FIELD_INT, &lists->class_label, false, 0, 1e9},
        {"precision", JSON_FIELD_TEXT, &config->precision, false, 0, 0},
        {"engine", JSON_FIELD_TEXT, &config->engine, false, 0, 0},
        {"features", JSON_FIELD_TEXT, &config->features, true, 0, 0},
        {"reference", JSON_FIELD_TEXT, &config->reference, true, 0, 0},
        {"curve", JSON_FIELD_TEXT, &lists->curve, false, 0, 0},
        {"spectrum", JSON_FIELD_TEXT, &lists->spectrum, false, 0, 0},
        {"sigma_min", JSON_FIELD_DOUBLE, &lists->sigma_min, false, SCHEDULE_SIGMA_LOW,
         SCHEDULE_SIGMA_HIGH},
        {"sigma_max", JSON_FIELD_DOUBLE, &lists->sigma_max, false, SCHEDULE_SIGMA_LOW,
         SCHEDULE_SIGMA_HIGH},
        {"rho", JSON_FIELD_DOUBLE, &lists->rho, false, SCHEDULE_RHO_LOW, SCHEDULE_RHO_HIGH},
        {"c", JSON_FIELD_DOUBLE, &lists->c, false, SCHEDULE_C_LOW, SCHEDULE_C_HIGH},
        {"schedules", JSON_FIELD_ARRAY, &lists->schedules, true, 0, 0},
        {"solvers", JSON_FIELD_ARRAY, &lists->solvers, true, 0, 0},
        {"eta", JSON_FIELD_DOUBLES, &config->eta, false, 0, 1},
        {"nfe", JSON_FIELD_INTS, &config->nfe, true, 1, MAX_NFE},
        {"seeds", JSON_FIELD_ARRAY, &lists->seeds, true, 0, 0},
        {"sheet", JSON_FIELD_INT, &config->sheet, false, 0, MAX_SHEET},
    };
    if (!json_read_fields(json, file, fields, sizeof fields / sizeof *fields, error)) return false;
    config->class_label = lists->class_label;
    if (lists->sigma_min >= lists->sigma_max)
        return fail(error, "%s: sigma_min is %g and sigma_max %g, expected sigma_min < sigma_max", file,
                    lists->sigma_min, lists->sigma_max);
    if (config->gnet != NULL && config->guidance == 1)
        return fail(error, "%s: 'gnet' without 'guidance': a weight of 1 would not use it", file);
    return true;
}

static bool read_all(SweepConfig *config, const char *file, Error *error) {
    const ScheduleRequest defaults = schedule_request_defaults();
    Lists lists = {
        .sigma_min = 0.002, .sigma_max = 80, .rho = defaults.rho, .c = defaults.c, .class_label = -1};
    if (!read_fields(config, config->root, file, &lists, error)) return false;
    const char **paths[] = {&config->net,       &config->gnet, &config->features,
                            &config->reference, &lists.curve,  &lists.spectrum};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!resolve(config, file, paths[i], error)) return false;
    return read_schedules(config, file, &lists, error) &&
           read_solvers(config, file, lists.solvers, error) && check_numbers(config, file, error) &&
           read_seeds(config, file, lists.seeds, error);
}

bool sweep_config_parse(SweepConfig *config, json_t *json, const char *name, Error *error) {
    *config = (SweepConfig){.guidance = 1,
                            .class_label = -1,
                            .sheet = 8,
                            .precision = "fp32",
                            .engine = "library",
                            .root = json_incref(json)};
    if (read_all(config, name, error)) return true;
    sweep_config_free(config);
    return false;
}

bool sweep_config_read(SweepConfig *config, const char *path, Error *error) {
    *config = (SweepConfig){0};
    json_t *json = json_read_file(path, FILE_LIMIT, error);
    const bool ok = json != NULL && sweep_config_parse(config, json, path, error);
    json_decref(json);
    return ok;
}

void sweep_config_free(SweepConfig *config) {
    for (int i = 0; i < config->path_count; i++) free(config->paths[i]);
    free(config->paths);
    free(config->schedules);
    free(config->seeds);
    free(config->eta.values);
    free(config->nfe.values);
    json_decref(config->root);
    *config = (SweepConfig){0};
}

/* ---- cells --------------------------------------------------------------------------------------- */

typedef struct {
    SweepCell *cells;
    int count;
} Cells;

static void add(Cells *list, const SweepConfig *config, int seeds, const char *solver, double eta,
                int nfe) {
    const bool heun = strcmp(solver, "heun") == 0;
    const SeedRange range = config->seeds[seeds];
    for (int i = 0; i < config->schedule_count; i++) {
        const SweepSchedule *schedule = &config->schedules[i];
        SweepCell cell = {.schedule = i, .report = seeds == 0};
        Result *r = &cell.result;
        memcpy(r->schedule, schedule->name, sizeof r->schedule);
        snprintf(r->solver, sizeof r->solver, "%s", solver);
        r->order = schedule->order;
        r->eta = eta;
        r->steps = heun ? (nfe + 1) / 2 : nfe;
        r->nfe = heun ? 2 * r->steps - 1 : nfe;
        r->first = range.first;
        r->last = range.last;
        r->images = (long long)(range.last - range.first + 1);
        /* For Heun an NFE of 8 and one of 7 are the same cell. */
        bool known = false;
        for (int k = 0; heun && k < list->count && !known; k++)
            known = result_same_cell(&list->cells[k].result, r);
        if (!known) list->cells[list->count++] = cell;
    }
}

bool sweep_cells(const SweepConfig *config, SweepCell **cells, int *count, Error *error) {
    const size_t solvers = (config->ddim ? config->eta.count : 0) + config->heun;
    const size_t most =
        (size_t)config->seeds_count * solvers * config->nfe.count * (size_t)config->schedule_count;
    if (most > MAX_CELLS) return fail(error, "%zu cells: expected at most %d", most, MAX_CELLS);
    Cells list = {calloc(most, sizeof *list.cells), 0};
    if (list.cells == NULL) return fail(error, "out of memory for %zu cells", most);
    for (int s = 0; s < config->seeds_count; s++)
        for (size_t n = 0; n < config->nfe.count; n++) {
            for (size_t e = 0; config->ddim && e < config->eta.count; e++)
                add(&list, config, s, "ddim", config->eta.values[e], config->nfe.values[n]);
            if (config->heun) add(&list, config, s, "heun", 0, config->nfe.values[n]);
        }
    *cells = list.cells;
    *count = list.count;
    return true;
}
