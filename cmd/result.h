/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run returned: flattened, printed, saved, compared, as JSON. */
#ifndef PTM_CMD_RESULT_H
#define PTM_CMD_RESULT_H

#include "bench/tensors.h"
#include "libcore/ival.h"

struct cJSON;

/* A leaf of the returned value: a tensor or number (then `file_no` >= 0: it becomes out<N>.npy),
 * text, None, or an empty container. */
struct leaf {
    const char *name; /* "out", "out[0]", "out['logits']" */
    struct ptm_ival v;
    struct ptm_tensor *tensor; /* the tensor, or the number as a 0-d one; NULL */
    int file_no;
};
struct leaves {
    struct leaf *v;
    size_t n, cap;
    int n_files;
};

/* Leaves in order, made in the arena; tensors stay the session's. */
enum ptm_status result_flatten(struct ptm_arena *a, struct ptm_ival v, struct leaves *out,
                               struct ptm_err *err);
void result_print(const struct leaves *l, FILE *f);
/* out0.npy, ... and outputs.json in an existing folder. */
enum ptm_status result_save(const struct leaves *l, const char *folder, struct ptm_err *err);
/* `files`: with the names that result_save gives. */
struct cJSON *result_json(const struct leaves *l, bool files);

/* Lines of a text file, in the arena. */
enum ptm_status labels_load(struct ptm_arena *a, const char *path, const char ***out, size_t *n,
                            struct ptm_err *err);
/* The best k of each row of the first output that is a row of scores, as a table and as JSON
 * (either may be NULL). labels may be NULL. */
enum ptm_status result_top(const struct leaves *l, int k, const char *const *labels,
                           size_t n_labels, FILE *f, struct cJSON *json, struct ptm_err *err);

/* Compares the leaf of file `file_no` with a .npy file. PTM_ERR_NUMERIC when they differ. What was
 * found goes to f and json (either may be NULL). */
enum ptm_status result_expect(const struct leaves *l, int file_no, const char *path, double atol,
                              double rtol, FILE *f, struct cJSON *json, struct ptm_err *err);

#endif
