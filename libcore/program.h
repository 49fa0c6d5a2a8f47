/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: what a file says. Functions over registers that hold dynamic
 * values, with structured blocks; classes; the heap of objects. TorchScript
 * source, bytecode, torch.export graphs and ExecuTorch plans all become this.
 *
 * A function has n_regs registers; registers 0..n_params-1 are the parameters
 * (self first for methods). Registers are variables: they may be written
 * again. Instructions sit in blocks; a block is a contiguous range of the
 * function's instruction array, and control instructions name blocks. The
 * body is block 0. Evaluation is in order; there are no jumps.
 *
 * Invariants (ptm_program_verify)
 *  - every register number < n_regs, every block, constant, string, class,
 *    function number in range; blocks do not overlap, and the tree of blocks has
 *    each block exactly once and depth <= PTM_MAX_DEPTH; each instruction is in a block.
 *  - P_RETURN, P_BREAK, P_CONTINUE are the last instruction of their block;
 *    BREAK and CONTINUE are inside a loop.
 *  - parameters with defaults come after those without.
 *  - an object's attr array has its class's n_attrs entries.
 */
#ifndef PTM_LIBCORE_PROGRAM_H
#define PTM_LIBCORE_PROGRAM_H

#include "libcore/ival.h"

enum { PTM_MAX_DEPTH = 200 };
#define PTM_NO_REG UINT32_MAX

enum ptm_pop {
    P_NOP,
    P_CONST,     /* out = constants[a] */
    P_COPY,      /* out = arg0 */
    P_OP,        /* outs = operator ops[a] (args..., kwargs...); n_out 0 or 1 */
    P_CALL,      /* out = functions[a](args..., kwargs...) */
    P_METHOD,    /* out = arg0.names[a](args 1..., kwargs...): by the object's class */
    P_NEW,       /* out = new object of classes[a], constructed with __init__(args...) when it has one; a NamedTuple: its tuple; b 1: no __init__ (args are none) */
    P_GETATTR,   /* out = arg0.names[a] (object attribute, or NamedTuple field) */
    P_SETATTR,   /* arg0.names[a] = arg1 */
    P_LIST,      /* out = [args]; type in `type` when annotated */
    P_TUPLE,     /* out = (args) */
    P_DICT,      /* out = {arg0: arg1, arg2: arg3, ...} */
    P_UNPACK,    /* outs = the n_out elements of arg0 (list or tuple; counts must agree) */
    P_ANNOTATE,  /* out = arg0 seen as types[a]: an int becomes a float where the type says so, an empty list gets its element type; None and mismatches pass */
    P_CHECKCAST, /* out = arg0; unchecked_cast, and assert types: never fails */
    P_UNINIT,    /* out = uninitialized value */
    P_ISINSTANCE,/* out = arg0 is of one of types[a] (a union type lists several) */
    P_IF,        /* if arg0: block a else block b (b PTM_NO_REG: none) */
    P_FOR,       /* for out in range(arg0): block a */
    P_FOREACH,   /* for out in arg0 (list, tuple, dict keys, str): block a */
    P_WHILE,     /* while (block b leaves the condition in arg0): block a */
    P_WITH,      /* with arg0: block a  (no_grad, profiling: the context does nothing) */
    P_BREAK,
    P_CONTINUE,
    P_RETURN,    /* return arg0, or None without */
    P_RAISE,     /* raise: message arg0 (any value, formatted as str), class name names[a] or PTM_NO_REG */
    P_ASSERT,    /* assert arg0, message arg1 */
};

struct ptm_inst {
    uint8_t op;        /* enum ptm_pop */
    uint8_t n_out;
    uint16_t n_arg;    /* positional and keyword together */
    uint16_t n_kw;     /* the last n_kw args are keyword args */
    uint32_t out;      /* first of n_out entries in operand[] (register numbers) */
    uint32_t arg;      /* first of n_arg entries in operand[]; then n_kw entries: name numbers */
    uint32_t a, b;     /* see the operation */
    uint32_t pos;      /* index in program positions; 0: not known */
};

struct ptm_block {
    uint32_t first, n;
};

/* A static type, as far as semantics need it. */
enum ptm_type_kind {
    TY_ANY, TY_NONE, TY_BOOL, TY_INT, TY_FLOAT, TY_NUMBER, TY_STR, TY_TENSOR, TY_LIST, TY_TUPLE,
    TY_DICT, TY_OPTIONAL, TY_UNION, TY_CLASS, TY_DEVICE, TY_FUTURE, TY_OTHER,
};
struct ptm_tytype {
    uint8_t kind;          /* enum ptm_type_kind */
    uint32_t n_sub;
    const uint32_t *sub;   /* type numbers: list element, tuple elements, dict key and value, ... */
    uint32_t cls;          /* TY_CLASS: class number */
};

struct ptm_param {
    const char *name;
    uint32_t type;
    bool has_default;
    struct ptm_ival def;
};

struct ptm_function {
    const char *name;      /* "forward" */
    const char *qualname;  /* "__torch__.Net.forward" */
    struct ptm_param *param;
    uint32_t n_params;     /* self included for methods */
    uint32_t ret_type;
    uint32_t n_regs;
    struct ptm_inst *inst;
    uint32_t n_insts;
    struct ptm_block *block;
    uint32_t n_blocks;
    uint32_t *operand;
    uint32_t n_operands;
    const char **reg_name; /* names of variables, for dumps; NULL entries for temporaries */
    bool is_method;
};

struct ptm_class {
    const char *qualname;        /* "__torch__.torchvision.models.resnet.ResNet" */
    const char **attr_name;
    uint32_t *attr_type;
    uint32_t n_attrs;
    uint32_t *method;            /* function numbers */
    uint32_t n_methods;
    bool is_module, is_interface, is_namedtuple, is_enum;
    uint32_t n_parameters;       /* names listed in __parameters__ / __buffers__ */
    const char **parameter;
    uint32_t n_buffers;
    const char **buffer;
    struct ptm_ival *namedtuple_default; /* per attr; PTM_UNINIT: none */
};

/* Where an instruction comes from. `file`/`line` is the serialised source
 * (code/...py, line); `src_*` the user's own Python file, from .debug_pkl. */
struct ptm_pos {
    const char *file;
    uint32_t line;
    const char *src_file; /* NULL: not known */
    uint32_t src_line;
    const char *src_text; /* the source line, trimmed; NULL */
};

/* An operator name as the program spells it, with the parts of its schema key. */
struct ptm_opref {
    const char *name;     /* "aten::conv2d", "prim::device", "prepacked::conv2d_clamp_run" */
    const char *overload; /* known for bytecode; NULL: resolve by the arguments */
    uint32_t count;       /* how often the program names it */
};

struct ptm_program {
    struct ptm_arena arena;
    struct ptm_function *fn;
    uint32_t n_fns;
    struct ptm_class *cls;
    uint32_t n_classes;
    struct ptm_tytype *type; /* type 0 is TY_ANY */
    uint32_t n_types;
    struct ptm_ival *constant;
    uint32_t n_constants;
    const char **name;       /* attribute, method, keyword names */
    uint32_t n_names;
    struct ptm_opref *op;
    uint32_t n_ops;
    struct ptm_pos *pos;     /* pos[0] is "not known" */
    uint32_t n_pos;
    struct ptm_object *root; /* the module itself */
    struct ptm_object **object; /* every object of the heap, by id */
    uint32_t n_objects;
    int64_t op_version;      /* operator version of the archive; 0: none written */
    struct ptm_saved *saved; /* entries of the file (libcore/saved.h); NULL: none */
    bool closed;             /* the functions have no code: the entries are all there is */
    const char *producer;    /* "TorchScript archive, version 3" ... for inspect */
};

enum ptm_status ptm_program_verify(const struct ptm_program *p, struct ptm_err *err) PTM_WARN_UNUSED;
void ptm_program_dump(const struct ptm_program *p, FILE *f);
/* Function number of a method of a class, UINT32_MAX: none. */
uint32_t ptm_class_method(const struct ptm_program *p, const struct ptm_class *c, const char *name);
uint32_t ptm_class_attr(const struct ptm_class *c, const char *name); /* UINT32_MAX: none */
/* "List[Tensor]" ... into buf. */
const char *ptm_tytype_text(const struct ptm_program *p, uint32_t type, char *buf, size_t n);

#endif
