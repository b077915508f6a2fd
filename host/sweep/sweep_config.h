/* What a sweep is to try: schedules x solvers x eta x NFE x ranges of seeds, from one JSON file.
 *
 *   {"net": "../weights/m.safetensors", "features": "...", "reference": "...", "curve": "...",
 *    "schedules": ["edm", "rescaled", {"kind": "order", "order": 2.25},
 *                  {"name": "rescaled-logvar", "kind": "rescaled", "curve": "logvar.json"}],
 *    "solvers": ["ddim"], "eta": [0, 1], "nfe": [8, 16, 32], "seeds": ["0-4999", "5000-9999"]}
 *
 * Every key is described in configs/README.md.  Paths are relative to the file that names them. */
#ifndef KAIROS_SWEEP_CONFIG_H
#define KAIROS_SWEEP_CONFIG_H

#include <jansson.h>

#include "io/json.h"
#include "io/seeds.h"
#include "schedule/schedule_kinds.h"
#include "sweep/results.h"

typedef struct {
    char name[RESULT_NAME];
    double order;            /* of err / sigma^order: entropic 3, rescaled 2; NAN = none */
    ScheduleRequest request; /* but for its steps */
} SweepSchedule;

typedef struct {
    const char *net, *gnet; /* gnet NULL = none */
    const char *features, *reference, *precision, *engine, *description;
    double guidance;
    int class_label; /* of every image; -1: each seed's own draw */
    int sheet;       /* images of each cell that the report shows */
    SweepSchedule *schedules;
    int schedule_count;
    bool ddim, heun; /* the solvers */
    JsonDoubles eta; /* of ddim */
    JsonInts nfe;
    SeedRange *seeds; /* disjoint (seeds_overlap), all of one length */
    int seeds_count;
    /* what the texts point into */
    json_t *root;
    char **paths;
    int path_count;
} SweepConfig;

bool sweep_config_read(SweepConfig *config, const char *path, Error *error);
/* The same from a JSON value, which is kept (its count of references grows); `name` is the file's, for
 * messages and for the folder that paths are relative to. */
bool sweep_config_parse(SweepConfig *config, json_t *json, const char *name, Error *error);
void sweep_config_free(SweepConfig *config);

/* A sampling run and its score.  Only the distance of `result` is still to be found. */
typedef struct {
    int schedule; /* index in the configuration's schedules */
    bool report;  /* of the first range of seeds, whose images the report shows */
    Result result;
} SweepCell;

/* Every cell once: all schedules for a solver, eta and NFE, then the next NFE; and all of that for the
 * first range of seeds before the next.  So what a stopped sweep leaves are whole tables.  DDIM takes
 * NFE steps; Heun, whose NFE is 2 steps - 1, as many as the NFE allows.  *cells: free it. */
bool sweep_cells(const SweepConfig *config, SweepCell **cells, int *count, Error *error);

#endif
