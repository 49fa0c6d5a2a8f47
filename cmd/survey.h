/* SPDX-License-Identifier: BSD-2-Clause */
/* What is inside a program, counted: for `ptm inspect`. Everything is static: nothing runs. */
#ifndef PTM_CMD_SURVEY_H
#define PTM_CMD_SURVEY_H

#include "libcore/model.h"

enum op_status { OP_SUPPORTED, OP_PARTLY, OP_MISSING };
enum { MAX_PLACES = 5 };

/* An operator that the program names, in code that a method can reach. */
struct op_use {
    const char *name, *overload; /* overload NULL: chosen by the arguments */
    uint8_t status;              /* enum op_status; OP_PARTLY: some overloads are missing */
    uint32_t n;                  /* places in the code */
    const struct ptm_pos *place[MAX_PLACES]; /* the first ones */
};

enum tensor_role { ROLE_PARAMETER, ROLE_BUFFER, ROLE_ATTRIBUTE, ROLE_CONSTANT, N_ROLES };
struct tensor_use {
    const struct ptm_tensor *t;
    const struct ptm_ival *slot; /* the attribute, list element or constant that holds it */
    const char *name;  /* "features.0.weight" */
    uint8_t role;      /* enum tensor_role */
    bool first;        /* the first use of these bytes: later ones share them */
    bool used;         /* some method reads it, as far as can be told */
};

struct class_use {
    const struct ptm_class *cls;
    char *name; /* without "__torch__." and mangling */
    uint32_t n; /* modules of the class */
};

struct dtype_sum {
    uint64_t tensors, elements, bytes;
};

struct survey {
    const struct ptm_model *model;
    struct ptm_arena arena;
    struct op_use *op;
    size_t n_ops, n_missing;
    uint32_t n_unreachable;       /* operator places that no method of the root reaches */
    struct tensor_use *tensor;
    size_t n_tensors, cap_tensors;
    struct dtype_sum sum[N_ROLES][PTM_BF16 + 1]; /* shared bytes once */
    struct class_use *cls;
    size_t n_classes;
    uint32_t n_modules, n_training, n_positions, n_source_positions;
    const char **path;            /* of each object, by id; NULL: not reached from the root */
    bool *reachable;              /* per function */
};

enum ptm_status survey_make(struct survey *s, const struct ptm_model *m, struct ptm_err *err);
void survey_release(struct survey *s);

const char *role_name(enum tensor_role r); /* "parameters", ... */
const char *op_status_name(enum op_status s);
/* "net.py:12"; whole paths, the user's file where known. */
const char *place_name(const struct ptm_pos *pos, char *buf, size_t size);
/* "__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d" to "torch.nn.modules.conv.Conv2d". */
void plain_class_name(const char *qualname, char *out, size_t size);
/* "forward(x: Tensor, sr: int = 16000) -> Tensor". */
const char *signature(const struct ptm_program *p, const struct ptm_function *fn, char *buf,
                      size_t size);
/* A default or constant as Python writes it. */
const char *value_text(struct ptm_ival v, char *buf, size_t size);

/* lint.c: things worth knowing before shipping the model. */
enum severity { LINT_NOTE, LINT_WARNING, LINT_ERROR };
struct finding {
    uint8_t severity;
    const char *rule; /* "training" */
    char text[500];
};
struct findings {
    struct finding *v;
    size_t n, cap;
};
enum ptm_status lint(const struct survey *s, struct ptm_arena *a, struct findings *out,
                     struct ptm_err *err);
const char *severity_name(enum severity s);

#endif
