/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes of tensors: sizes, strides, types, flags; and rules for types and sizes alone. */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_text.h"

static struct ptm_tensor *tensor(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_arg_tensor(c->t, c->arg[0]);
    if (!x && !ptm_trace_failed(c->t))
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s of None", c->schema->name);
    return x;
}

static struct ptm_ival ints(const struct ptm_lower_call *c, const int64_t *v, int n)
{
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), (size_t)n);
    if (!l)
        return ptm_none();
    for (int i = 0; i < n; i++)
        l->v[i] = ptm_int(v[i]);
    l->elem = PTM_INT;
    return (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
}

/* -- sizes and strides -- */

static int dim_of(const struct ptm_lower_call *c, const struct ptm_tensor *x)
{
    if (x->rank)
        return ptm_arg_dim(c->t, c->arg[1], x->rank);
    ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised IndexError: dimension specified as %lld "
                                         "but tensor has no dimensions",
                   (long long)ptm_arg_int(c->t, c->arg[1]));
    return 0;
}

static struct ptm_ival size(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    if (!x)
        return ptm_none();
    return c->n_arg > 1 ? ptm_int(x->dim[dim_of(c, x)]) : ints(c, x->dim, x->rank);
}

static struct ptm_ival stride(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    if (!x)
        return ptm_none();
    return c->n_arg > 1 ? ptm_int(x->stride[dim_of(c, x)]) : ints(c, x->stride, x->rank);
}

static struct ptm_ival shape_as_tensor(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    if (!x)
        return ptm_none();
    return ptm_tensor_ival(ptm_known(c->t, PTM_I64, 1, (int64_t[]){x->rank}, x->dim));
}

static struct ptm_ival rank(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_int(x ? x->rank : 0);
}

static struct ptm_ival numel(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_int(x ? ptm_tensor_numel(x) : 0);
}

static struct ptm_ival length(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    if (x && !x->rank)
        return ptm_trace_fail(c->t, PTM_ERR_RAISED,
                              "the model raised TypeError: len() of a 0-d tensor");
    return ptm_int(x ? x->dim[0] : 0);
}

static struct ptm_ival storage_offset(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    if (x && x->offset_sym)
        return (struct ptm_ival){.tag = PTM_SYM, .u.sym = x->offset_sym};
    return ptm_int(x ? x->offset : 0);
}

/* Whether the strides are those of dims in this order, from the outermost. */
static bool in_order(const struct ptm_tensor *x, const int *order)
{
    int64_t s = 1;
    if (!ptm_tensor_numel(x))
        return true;
    for (int k = x->rank - 1; k >= 0; k--) {
        if (x->dim[order[k]] != 1 && x->stride[order[k]] != s)
            return false;
        s *= x->dim[order[k]];
    }
    return true;
}

static bool is_in_format(const struct ptm_tensor *x, int64_t mf)
{
    static const int last2d[] = {0, 2, 3, 1}, last3d[] = {0, 2, 3, 4, 1};
    if (mf == PTM_MF_CHANNELS_LAST)
        return x->rank == 4 && in_order(x, last2d);
    if (mf == PTM_MF_CHANNELS_LAST_3D)
        return x->rank == 5 && in_order(x, last3d);
    return ptm_tensor_contiguous(x);
}

static struct ptm_ival is_contiguous(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    int64_t mf = c->n_arg > 1 ? ptm_arg_int(c->t, c->arg[1]) : PTM_MF_CONTIGUOUS;
    return ptm_bool(x && is_in_format(x, mf));
}

/* No element twice, no gaps: strides of some order of the dims. */
static struct ptm_ival is_dense(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    int order[PTM_MAX_RANK] = {0};
    if (!x)
        return ptm_none();
    for (int i = 0; i < x->rank; i++) {
        int k = i;
        for (; k > 0 && x->stride[order[k - 1]] < x->stride[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    return ptm_bool(in_order(x, order));
}

static struct ptm_ival is_same_size(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c), *y = ptm_arg_tensor(c->t, c->arg[1]);
    return ptm_bool(x && y && x->rank == y->rank &&
                    !memcmp(x->dim, y->dim, x->rank * sizeof(*x->dim)));
}

static struct ptm_ival is_set_to(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c), *y = ptm_arg_tensor(c->t, c->arg[1]);
    return ptm_bool(x && y && x->storage == y->storage && x->offset == y->offset &&
                    x->rank == y->rank && !memcmp(x->dim, y->dim, x->rank * sizeof(*x->dim)) &&
                    !memcmp(x->stride, y->stride, x->rank * sizeof(*x->stride)));
}

/* Numpy's common shape of two lists of ints. */
static struct ptm_ival broadcast_sizes(const struct ptm_lower_call *c)
{
    int64_t a[PTM_MAX_RANK], b[PTM_MAX_RANK], out[PTM_MAX_RANK];
    int na = ptm_arg_ints(c->t, c->arg[0], a, PTM_MAX_RANK);
    int nb = ptm_arg_ints(c->t, c->arg[1], b, PTM_MAX_RANK);
    int n = na > nb ? na : nb;
    for (int i = 0; i < n; i++) {
        int64_t x = i < n - na ? 1 : a[i - (n - na)], y = i < n - nb ? 1 : b[i - (n - nb)];
        if (x != y && x != 1 && y != 1)
            return ptm_trace_fail(c->t, PTM_ERR_RAISED, "the model raised RuntimeError: the sizes "
                                                        "%lld and %lld of dimension %d do not "
                                                        "broadcast",
                                  (long long)x, (long long)y, i);
        out[i] = x == 1 ? y : x;
    }
    return ints(c, out, n);
}

static struct ptm_ival size_if_not_equal(const struct ptm_lower_call *c)
{
    return ptm_value_equal(c->t, c->arg[0], c->arg[1]) ? ptm_none() : c->arg[0];
}

/* -- types -- */

static struct ptm_ival dtype(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_int(x ? x->dtype : PTM_F32);
}

static struct ptm_ival element_size(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_int(x ? (int64_t)ptm_dtype_bytes(x->dtype) : 0);
}

static struct ptm_ival bytes(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_int(x ? ptm_tensor_numel(x) * (int64_t)ptm_dtype_bytes(x->dtype) : 0);
}

static struct ptm_ival is_floating_point(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_bool(x && ptm_dtype_is_float(x->dtype));
}

static struct ptm_ival is_signed(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = tensor(c);
    return ptm_bool(x && x->dtype != PTM_U8 && x->dtype != PTM_BOOL8);
}

/* bool < integers < floats */
static int category(enum ptm_dtype d)
{
    return d == PTM_BOOL8 ? 0 : ptm_dtype_is_float(d) ? 2 : 1;
}

static struct ptm_ival can_cast(const struct ptm_lower_call *c)
{
    return ptm_bool(category((enum ptm_dtype)ptm_arg_int(c->t, c->arg[0])) <=
                    category((enum ptm_dtype)ptm_arg_int(c->t, c->arg[1])));
}

static struct ptm_ival promote_types(const struct ptm_lower_call *c)
{
    struct ptm_ival one[2];
    int64_t dim[] = {1};
    for (int i = 0; i < 2; i++)
        one[i] = ptm_tensor_ival(ptm_tensor_new(ptm_trace_arena(c->t),
                                                (enum ptm_dtype)ptm_arg_int(c->t, c->arg[i]), 1,
                                                dim, NULL));
    if (ptm_is_none(one[0]) || ptm_is_none(one[1]))
        return ptm_trace_fail(c->t, PTM_ERR_UNSUPPORTED, "promote_types of dtypes %lld and %lld",
                              (long long)ptm_arg_int(c->t, c->arg[0]),
                              (long long)ptm_arg_int(c->t, c->arg[1]));
    return ptm_int(ptm_result_type(c->t, one, 2));
}

static struct ptm_ival result_type(const struct ptm_lower_call *c)
{
    return ptm_int(ptm_result_type(c->t, c->arg, 2));
}

/* -- what is the same for every tensor here: on the CPU, dense, without gradients -- */

static struct ptm_ival device(const struct ptm_lower_call *c)
{
    return ptm_str_ival(ptm_trace_arena(c->t), "cpu", 3);
}

static struct ptm_ival yes(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_bool(true);
}

static struct ptm_ival no(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_bool(false);
}

static struct ptm_ival zero(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_int(0);
}

static struct ptm_ival minus_one(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_int(-1);
}

static struct ptm_ival nothing(const struct ptm_lower_call *c)
{
    (void)c;
    return ptm_none();
}

static struct ptm_ival data(const struct ptm_lower_call *c)
{
    return ptm_call(c->t, "aten::detach", 1, c->arg);
}

/* -- to lists -- */

/* Reading ends the piece; elements are then plain numbers. */
static struct ptm_ival nested(const struct ptm_lower_call *c, struct ptm_tensor *x, int axis,
                              struct ptm_ival *flat, int64_t *at)
{
    if (axis == x->rank)
        return flat[(*at)++];
    struct ptm_list *l = ptm_list_new(ptm_trace_arena(c->t), (size_t)x->dim[axis]);
    if (!l)
        return ptm_none();
    for (int64_t i = 0; i < x->dim[axis]; i++)
        l->v[i] = nested(c, x, axis + 1, flat, at);
    l->elem = axis + 1 < x->rank            ? PTM_LIST
              : ptm_dtype_is_float(x->dtype) ? PTM_FLOAT
              : x->dtype == PTM_BOOL8        ? PTM_BOOL
                                             : PTM_INT;
    return (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
}

static struct ptm_ival to_list(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_arg_tensor(c->t, c->n_arg ? c->arg[0] : ptm_none());
    bool flt = x && ptm_dtype_is_float(x->dtype);
    /* all elements as 64 bits each, row-major */
    struct ptm_tensor *wide =
        x ? ptm_contiguous(c->t, ptm_cast(c->t, x, flt ? PTM_F64 : PTM_I64)) : NULL;
    struct ptm_nd nd;
    int64_t at = 0;
    if (!wide || !ptm_read(c->t, wide, &nd))
        return ptm_none();
    int64_t n = ptm_tensor_numel(wide);
    struct ptm_ival *flat = ptm_arena_array(ptm_trace_arena(c->t), (size_t)n + 1, sizeof(*flat));
    for (int64_t i = 0; flat && i < n; i++) {
        /* the reader may hand out other strides than row-major */
        int64_t rest = i, off = 0;
        for (int k = nd.rank - 1; k >= 0; k--) {
            off += rest % nd.dim[k] * nd.stride[k];
            rest /= nd.dim[k];
        }
        if (flt)
            flat[i] = ptm_float(((const double *)nd.data)[off]);
        else if (x->dtype == PTM_BOOL8)
            flat[i] = ptm_bool(((const int64_t *)nd.data)[off] != 0);
        else
            flat[i] = ptm_int(((const int64_t *)nd.data)[off]);
    }
    return flat ? nested(c, x, 0, flat, &at) : ptm_none();
}

static struct ptm_ival ints_to_tensor(const struct ptm_lower_call *c)
{
    size_t n = c->arg[0].tag == PTM_LIST ? c->arg[0].u.list->n : 0;
    int64_t *v = ptm_arena_array(ptm_trace_arena(c->t), n + 1, sizeof(*v));
    for (size_t i = 0; v && i < n; i++)
        v[i] = ptm_arg_int(c->t, c->arg[0].u.list->v[i]);
    return v ? ptm_tensor_ival(ptm_known(c->t, PTM_I64, 1, (int64_t[]){(int64_t)n}, v))
             : ptm_none();
}

const struct ptm_lowering ptm_lower_attr[] = {
    {"aten::size", size},
    {"aten::sym_size", size},
    {"aten::stride", stride},
    {"aten::sym_stride", stride},
    {"aten::_shape_as_tensor", shape_as_tensor},
    {"aten::dim", rank},
    {"aten::numel", numel},
    {"aten::sym_numel", numel},
    {"aten::len.Tensor", length},
    {"aten::storage_offset", storage_offset},
    {"aten::sym_storage_offset", storage_offset},
    {"aten::is_contiguous", is_contiguous},
    {"aten::sym_is_contiguous", is_contiguous},
    {"aten::is_strides_like_format", is_contiguous},
    {"aten::is_non_overlapping_and_dense", is_dense},
    {"aten::is_same_size", is_same_size},
    {"aten::is_set_to", is_set_to},
    {"aten::_infer_size", broadcast_sizes},
    {"aten::broadcast_shapes", broadcast_sizes},
    {"aten::_size_if_not_equal", size_if_not_equal},
    {"prim::dtype", dtype},
    {"aten::element_size", element_size},
    {"prim::itemsize", element_size},
    {"prim::nbytes", bytes},
    {"aten::is_floating_point", is_floating_point},
    {"aten::is_signed", is_signed},
    {"aten::can_cast", can_cast},
    {"aten::promote_types", promote_types},
    {"aten::result_type", result_type},
    {"aten::is_complex", no},
    {"aten::is_conj", no},
    {"aten::is_neg", no},
    {"aten::is_inference", no},
    {"aten::is_pinned", no},
    {"aten::is_distributed", no},
    {"aten::is_coalesced", no},
    {"aten::_is_zerotensor", no},
    {"aten::is_leaf", yes},
    {"aten::retain_grad", nothing},
    {"aten::retains_grad", no},
    {"aten::output_nr", zero},
    {"aten::_version", zero},
    {"aten::get_device", minus_one},
    {"prim::device", device},
    {"prim::layout", zero},
    {"prim::requires_grad", no},
    {"prim::grad", nothing},
    {"prim::name", nothing},
    {"prim::data", data},
    {"prim::is_cpu", yes},
    {"prim::is_cuda", no},
    {"prim::is_ipu", no},
    {"prim::is_maia", no},
    {"prim::is_meta", no},
    {"prim::is_mkldnn", no},
    {"prim::is_mps", no},
    {"prim::is_mtia", no},
    {"prim::is_nested", no},
    {"prim::is_ort", no},
    {"prim::is_quantized", no},
    {"prim::is_sparse", no},
    {"prim::is_sparse_csr", no},
    {"prim::is_vulkan", no},
    {"prim::is_xla", no},
    {"prim::is_xpu", no},
    {"prim::tolist", to_list},
    {"aten::_tensor_to_list", to_list},
    {"aten::_list_to_tensor", ints_to_tensor},
    {NULL, NULL},
};
