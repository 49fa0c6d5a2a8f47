/* SPDX-License-Identifier: BSD-2-Clause */
/* What `ptm optimize` did, for its summary. */
#ifndef PTM_CMD_OPTIMIZE_H
#define PTM_CMD_OPTIMIZE_H

#include "cmd/cost.h"
#include "cmd/input.h"

struct program_size {
    uint32_t functions, classes, objects;
};
/* A call: its graphs' cost, and the bytes of the constants that they use. */
struct measured {
    bool done;
    struct cost cost;
    uint64_t weight_bytes;
};

struct optimize {
    struct input_opts in;
    const char *output, *method, *json;
    struct str_list preserve;
    bool compress, strip_debug, quiet;
    int64_t max_steps;
    /* made */
    struct ptm_arena arena;
    const struct ptm_model *model;
    struct inputs inputs;
    struct ptm_provenance provenance;
    char *command;
    char sha256[65]; /* of the model's file */
    uint32_t n_training, n_modules;
    struct program_size before, after; /* pruning */
    struct measured given;
    char not_measured[1024]; /* why; "": measured */
    uint64_t file_bytes;     /* written; 0: not a file */
    int percent;             /* of the progress shown last */
};

enum ptm_status measured_make(struct measured *x, const struct ptm_session *s, struct ptm_arena *a,
                              struct ptm_err *err);
void optimize_print(const struct optimize *o);
struct cJSON *optimize_json(const struct optimize *o);

#endif
