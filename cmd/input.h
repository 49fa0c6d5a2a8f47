/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inputs of a run: from the words of --input and --input-shape to the
 * arguments of a method, for run 0, 1, ...
 */
#ifndef PTM_CMD_INPUT_H
#define PTM_CMD_INPUT_H

#include "bench/tensors.h"
#include "cmd/opts.h"
#include "libcore/model.h"
#include "libcore/preprocess.h"

/* What --input says, as a tree: containers over values, files and generators. */
enum spec_kind {
    SPEC_VALUE,  /* None, bool, int, float, str */
    SPEC_LIST,
    SPEC_TUPLE,
    SPEC_DICT,   /* child: key, value, key, value */
    SPEC_FILES,  /* one per run */
    SPEC_RANDOM, /* the generators */
    SPEC_RANDINT,
    SPEC_FILL,
    SPEC_BUNDLED, /* lo: which one */
};
struct shape {
    int rank; /* -1: not given */
    int64_t dim[PTM_MAX_RANK];
    int dtype; /* -1: not given */
};
struct spec {
    uint8_t kind; /* enum spec_kind */
    const char *text; /* as given */
    struct ptm_ival value;
    struct spec *child;
    size_t n_child, cap_child;
    const char **path;
    size_t n_paths;
    int64_t lo, hi; /* SPEC_RANDINT */
    double fill;    /* SPEC_FILL */
    struct shape shape;
};

/* literal.c: parses one VALUE; strings and children in the arena. */
enum ptm_status spec_parse(struct ptm_arena *a, const char *text, struct spec *out,
                           struct ptm_err *err);
/* "1,3,224,224:f16" (sep ',') or "1x3x224x224:f16" (sep 'x'). */
enum ptm_status shape_parse(const char *text, char sep, struct shape *out, struct ptm_err *err);
int dtype_by_name(const char *name); /* "f32", "float32", "float"; -1: none */

/* Options that say how inputs are made; a command puts them into its table. */
struct input_opts {
    struct str_list inputs, shapes;
    const char *resize, *crop, *mean, *std, *input_type;
    int64_t seed, bundled; /* bundled: below 0 is none */
};
#define INPUT_OPTS(o)                                                                              \
    {"input", 'i', OPT_LIST, &(o).inputs, "[NAME=]SPEC",                                           \
     "an argument, in the method's order or by name; see below"},                                  \
    {"input-shape", 0, OPT_LIST, &(o).shapes, "[NAME=]DIMS[:DTYPE]",                               \
     "dims of a generated tensor, 1,3,224,224 or 1,16:i64; alone it makes a @random one"},         \
    {"resize", 0, OPT_STR, &(o).resize, "N|WxH|none",                                              \
     "images: shorter side, or both sides, before cropping (256)"},                                \
    {"crop", 0, OPT_STR, &(o).crop, "N|WxH|none", "images: part of the middle (224)"},             \
    {"mean", 0, OPT_STR, &(o).mean, "R,G,B", "images: subtracted, of 0..1 (ImageNet's)"},          \
    {"std", 0, OPT_STR, &(o).std, "R,G,B", "images: divided by (ImageNet's)"},                     \
    {"seed", 0, OPT_COUNT, &(o).seed, "N", "of @random, @randint and random operators (0)"},       \
    {"input_dims", 0, OPT_LIST, &(o).shapes, "DIMS", NULL},                                        \
    {"input_type", 0, OPT_STR, &(o).input_type, "TYPE", NULL},                                     \
    {"use_bundled_input", 0, OPT_COUNT, &(o).bundled, "K", NULL}
#define INPUT_HELP                                                                                 \
    "SPEC is one of\n"                                                                             \
    "  FILE.npy, FILE.png, FILE.jpg   an array; an image: resized, cropped, normalised\n"          \
    "  A.npy,B.npy or FOLDER/         one run each, in one session; a single value repeats\n"      \
    "  @random @ones @zeros @randint:LO:HI\n"                                                      \
    "                                 dims from --input-shape, or @random:1x3x224x224:f32\n"       \
    "  @bundled[:K]                   all arguments, from inputs stored in the model\n"            \
    "  16000 0.5 True None \"text\" [1, 2] (1, 2) {\"key\": 1}\n"                                  \
    "                                 literals; files and generators may stand in them;\n"         \
    "                                 for a Tensor argument numbers make a tensor\n"

/* The arguments of one method, bound to specs. */
struct inputs {
    const struct ptm_model *model;
    const struct ptm_function *fn;
    const char *method;
    struct ptm_arena arena; /* of specs and images' settings */
    struct spec **arg;      /* per parameter without self; NULL: its default */
    size_t n_params, n_args; /* n_args: those that a call passes */
    struct spec *bundled;   /* NULL: none */
    struct ptm_arena bundled_arena;
    struct ptm_ival bundled_args; /* tuple */
    size_t n_runs;
    bool given; /* any --input or --input-shape */
    struct ptm_preprocess image;
    int image_width, image_height; /* both sides given by --resize; 0 */
    bool image_size_given; /* by --resize or --crop */
    uint64_t seed;
};

/* Binds; what is wrong is said with what to do. need: fails when an argument without default has no
 * input (inspect goes on without). */
enum ptm_status inputs_bind(struct inputs *in, const struct ptm_model *m, const char *method,
                            const struct input_opts *o, bool need, struct ptm_err *err);
/* The arguments of run k, made in the arena. */
enum ptm_status inputs_make(const struct inputs *in, size_t run, struct ptm_arena *arena,
                            struct ptm_ival **args, size_t *n_args, struct ptm_err *err);
void inputs_release(struct inputs *in);
/* ptm_session_run; an error that the arguments' types may be to blame for names them. */
enum ptm_status inputs_run(const struct inputs *in, struct ptm_session *s,
                           const struct ptm_ival *args, size_t n_args, struct ptm_ival *result,
                           struct ptm_err *err);

/* input_make.c */
/* A copy of v in the arena; tensors become row-major. Objects are refused. */
enum ptm_status ival_copy(struct ptm_arena *a, struct ptm_ival v, struct ptm_ival *out, int depth,
                          struct ptm_err *err);
/* Reads a .npy file. */
enum ptm_status npy_load(struct ptm_arena *a, const char *path, struct ptm_tensor **out,
                         struct ptm_err *err);

/* The program's function of a method of the root module; names the methods there are. */
enum ptm_status method_find(const struct ptm_model *m, const char *method,
                            const struct ptm_function **out, struct ptm_err *err);
/* Is it one of the root's methods for users? (not __init__, not those of bundled inputs) */
bool method_public(const char *name);

#endif
