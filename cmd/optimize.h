/* SPDX-License-Identifier: BSD-2-Clause */
/* What `ptm optimize` did, for its summary. */
#ifndef PTM_CMD_OPTIMIZE_H
#define PTM_CMD_OPTIMIZE_H

#include "cmd/cost.h"
#include "cmd/input.h"
#include "cmd/optimised.h"
#include "formats/ptm_write.h"

struct program_size {
    uint32_t functions, classes, objects;
    uint64_t tensor_bytes; /* of what the objects hold */
};
/* A call: its graphs' cost, and the bytes of the constants that they use. */
struct measured {
    bool done;
    struct cost cost;
    uint64_t weight_bytes;
};

struct optimize {
    struct input_opts in;
    const char *output, *method, *json, *passes, *dump_after, *cpu;
    struct str_list methods, preserve, only, disable;
    bool closed, compress, strip_debug, packed, quiet, verify;
    double tolerance; /* 0: the default */
    int64_t max_steps;
    /* made */
    struct ptm_arena arena;
    const struct ptm_model *model;
    struct ptm_model *m; /* the same, to be changed */
    struct inputs *calls; /* the first is measured */
    size_t n_calls, cap_calls;
    struct ptm_provenance provenance;
    char *command;
    char sha256[65]; /* of the model's file */
    uint32_t n_training, n_modules;
    struct program_size before, after; /* pruning */
    struct ptm_recipe recipe;
    struct measured given, optimised; /* without, with the recipe */
    struct optimised passes_did;
    double moved; /* by all passes, relative to the output's largest number */
    char not_measured[1024]; /* why; "": measured */
    struct ptm_save_result saved;
    uint64_t file_bytes;     /* written; 0: not a file */
    uint64_t packed_bytes;   /* with --packed */
    int percent;             /* of the progress shown last */
};

/* optimize_calls.c */
enum ptm_status calls_bind(struct optimize *o, struct ptm_err *err);
enum ptm_status calls_run(const struct inputs *in, size_t run, struct ptm_session *s,
                          struct ptm_ival *result, struct ptm_err *err);
/* Runs all calls, so that the session has entries of them. */
enum ptm_status calls_make_entries(struct optimize *o, struct ptm_session *s, struct ptm_err *err);
void calls_release(struct optimize *o);

enum ptm_status program_size(struct program_size *x, const struct ptm_program *p,
                             struct ptm_err *err);
enum ptm_status measured_make(struct measured *x, const struct ptm_session *s, struct ptm_arena *a,
                              struct ptm_err *err);
/* The largest |a - b| of two results, each relative to the largest number of its tensor in `a`.
 * Results of other structure or type are PTM_ERR_NUMERIC. */
enum ptm_status results_differ(struct ptm_ival a, struct ptm_ival b, double *most,
                               struct ptm_arena *arena, struct ptm_err *err);
void optimize_print(const struct optimize *o);
struct cJSON *optimize_json(const struct optimize *o);

#endif
