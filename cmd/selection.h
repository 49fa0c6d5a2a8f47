/* SPDX-License-Identifier: BSD-2-Clause */
/* What models need of PyTorch and of ptm: operators, overloads, kernels, dtypes. */
#ifndef PTM_CMD_SELECTION_H
#define PTM_CMD_SELECTION_H

#include "cmd/input.h"
#include "libcore/session.h"

enum { SELECTION_MODELS = 64 };

/* One of PyTorch's operators that a method calls. */
struct selected_op {
    const char *name;     /* "aten::add" */
    const char *overload; /* "Tensor"; "" for the one without a name */
    bool all_overloads;   /* which one, only a call tells, and no call came there; overload is "" */
    uint32_t places;      /* in the code */
    uint64_t models;      /* bit per model */
};

/* A graph operator as the plan runs it. */
struct selected_kernel {
    const char *op;      /* "conv" */
    const char *backend; /* "cpu"; "ref": the reference kernel */
    const char *kernel, *isa;
    uint32_t dtypes;     /* bit per enum ptm_dtype: of what it reads and writes */
    uint32_t steps;
    uint64_t models;
};

struct selection {
    struct ptm_arena arena;
    const char *model[SELECTION_MODELS]; /* the file's name, without folders */
    size_t n_models, n_called;           /* n_called: for which inputs were known */
    struct selected_op *op;
    size_t n_ops, cap_ops;
    struct selected_kernel *kernel;
    size_t n_kernels, cap_kernels;
};

/* Adds what the methods of the model reach; with inputs (NULL: none) also what a call on them runs
 * on `backend`. */
enum ptm_status selection_add(struct selection *s, const struct ptm_model *m,
                              const struct inputs *in, const struct ptm_config *config,
                              struct ptm_err *err);
void selection_sort(struct selection *s); /* by name: before printing */
void selection_release(struct selection *s);

/* PyTorch's selected_operators.yaml: what SELECTED_OP_LIST of its mobile build takes. */
void selection_yaml(const struct selection *s, FILE *f);
void selection_print(const struct selection *s, FILE *f);
struct cJSON *selection_json(const struct selection *s); /* NULL: no memory */

#endif
