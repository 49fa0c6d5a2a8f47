/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings that join, repeat and reorder elements: cat and stack, repeat,
 * flip, roll, shuffles, diagonal matrices.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

/* -- joining -- */
static struct ptm_ival join(const struct ptm_lower_call *c, struct ptm_tensor **x, size_t n,
                            int dim)
{
    if (!x)
        return ptm_none();
    if (!n)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: an empty list of tensors", c->schema->name);
    return ptm_tensor_ival(ptm_concat(c->t, x, n, dim));
}

/* Empty tensors of rank 1 are left out, whatever the others' rank. */
static struct ptm_ival lower_cat(const struct ptm_lower_call *c)
{
    size_t n, kept = 0;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    for (size_t i = 0; i < n; i++)
        if (x[i] && !(x[i]->rank == 1 && x[i]->dim[0] == 0))
            x[kept++] = x[i];
    if (n && !kept)
        kept = 1;
    if (!kept || !x[0])
        return join(c, x, 0, 0);
    if (!x[0]->rank)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "cat: a zero-dimensional tensor");
    return join(c, x, kept, ptm_arg_dim(c->t, ptm_named(c, "dim"), x[0]->rank));
}

static struct ptm_ival lower_stack(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    if (!n || !x[0])
        return join(c, x, 0, 0);
    int dim = ptm_arg_dim(c->t, ptm_named(c, "dim"), x[0]->rank + 1);
    for (size_t i = 0; i < n; i++)
        if (x[i] && x[i]->rank >= dim)
            x[i] = ptm_view_unsqueeze(c->t, x[i], dim);
    return join(c, x, n, dim);
}

/* The operand as the "thing" stacks take it: rank 1, 2 or 3 at least. */
static struct ptm_ival stack_along(const struct ptm_lower_call *c, int rank, int dim)
{
    struct ptm_trace *t = c->t;
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    for (size_t i = 0; i < n; i++) {
        if (x[i] && x[i]->rank == 0)
            x[i] = ptm_view_unsqueeze(t, x[i], 0);
        if (x[i] && x[i]->rank == 1 && rank > 1)
            x[i] = ptm_view_unsqueeze(t, x[i], 0);
        if (x[i] && x[i]->rank == 2 && rank > 2)
            x[i] = ptm_view_unsqueeze(t, x[i], 2);
    }
    return join(c, x, n, n && x[0] && x[0]->rank <= dim ? 0 : dim);
}

static struct ptm_ival lower_hstack(const struct ptm_lower_call *c)
{
    return stack_along(c, 1, 1);
}

static struct ptm_ival lower_vstack(const struct ptm_lower_call *c)
{
    return stack_along(c, 2, 0);
}

static struct ptm_ival lower_dstack(const struct ptm_lower_call *c)
{
    return stack_along(c, 3, 2);
}

static struct ptm_ival lower_column_stack(const struct ptm_lower_call *c)
{
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    for (size_t i = 0; i < n; i++)
        if (x[i] && x[i]->rank <= 1)
            x[i] = ptm_reshape(c->t, x[i], 2, (int64_t[]){-1, 1});
    return join(c, x, n, 1);
}

static struct ptm_ival lower_block_diag(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    struct ptm_ival *v = ptm_arena_array(ptm_trace_arena(t), n + 1, sizeof(*v));
    int64_t dim[2] = {0, 0}, at[2] = {0, 0};
    for (size_t i = 0; x && v && i < n; i++) {
        while (x[i] && x[i]->rank < 2)
            x[i] = ptm_view_unsqueeze(t, x[i], 0);
        if (!x[i] || x[i]->rank > 2)
            return ptm_trace_fail(t, PTM_ERR_TYPE, "block_diag: tensors of rank 2 or less");
        v[i] = ptm_tensor_ival(x[i]);
        dim[0] += x[i]->dim[0];
        dim[1] += x[i]->dim[1];
    }
    if (!x || !v)
        return ptm_none();
    struct ptm_tensor *y = ptm_full(t, ptm_result_type(t, v, n), 2, dim, ptm_int(0));
    for (size_t i = 0; i < n; i++) {
        struct ptm_tensor *rows = ptm_view_range(t, y, 0, at[0], x[i]->dim[0]);
        ptm_write(t, ptm_view_range(t, rows, 1, at[1], x[i]->dim[1]), x[i]);
        at[0] += x[i]->dim[0];
        at[1] += x[i]->dim[1];
    }
    return ptm_tensor_ival(y);
}

/* Sequences of one trailing shape, side by side, filled up to the longest. */
static struct ptm_ival lower_pad_sequence(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival side = ptm_named(c, "padding_side");
    size_t n;
    struct ptm_tensor **x = ptm_need_list(c, c->arg[0], &n);
    int64_t dim[PTM_MAX_RANK];
    if (!n || !x[0] || x[0]->rank < 1 || x[0]->rank == PTM_MAX_RANK)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "pad_sequence: needs tensors of rank 1 to %d",
                              PTM_MAX_RANK - 1);
    bool left = side.tag == PTM_STR && !strcmp(side.u.str->s, "left");
    dim[0] = (int64_t)n;
    memcpy(dim + 1, x[0]->dim, (size_t)x[0]->rank * sizeof(*dim));
    for (size_t i = 1; i < n; i++)
        if (x[i] && x[i]->rank && x[i]->dim[0] > dim[1])
            dim[1] = x[i]->dim[0];
    struct ptm_tensor *y = ptm_full(t, (enum ptm_dtype)x[0]->dtype, x[0]->rank + 1, dim,
                                    ptm_named(c, "padding_value"));
    for (size_t i = 0; i < n && x[i] && !ptm_trace_failed(t); i++) {
        struct ptm_tensor *row = ptm_view_select(t, y, 0, ptm_int((int64_t)i));
        int64_t len = x[i]->rank ? x[i]->dim[0] : 0;
        ptm_write(t, ptm_view_range(t, row, 0, left ? dim[1] - len : 0, len), x[i]);
    }
    if (!ptm_arg_bool(t, ptm_named(c, "batch_first")))
        y = ptm_view_transpose(t, y, 0, 1);
    return ptm_tensor_ival(y);
}

/* -- repeating -- */
/* One dimension repeated: [a, n, b] seen as [a, r, n * b]. */
static struct ptm_tensor *repeat_dim(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t r)
{
    int64_t shape[PTM_MAX_RANK], flat[3] = {1, 1, 1}, wide[3];
    for (int i = 0; i < x->rank; i++) {
        flat[i < dim ? 0 : 2] *= x->dim[i];
        shape[i] = i == dim ? ptm_times(x->dim[i], r) : x->dim[i];
    }
    memcpy(wide, flat, sizeof(wide));
    wide[1] = r;
    struct ptm_tensor *y = ptm_view_expand(t, ptm_reshape(t, x, 3, flat), 3, wide);
    return ptm_reshape(t, y, x->rank, shape);
}

static struct ptm_tensor *repeat(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *times,
                                 int rank)
{
    int64_t wide[PTM_MAX_RANK];
    bool copied = false;
    while (x && x->rank < rank)
        x = ptm_view_unsqueeze(t, x, 0);
    if (!x)
        return NULL;
    for (int i = 0; i < rank; i++) {
        if (times[i] < 0 || (times[i] && x->dim[i] > (INT64_C(1) << 40) / times[i])) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "repeat: %lld times a size of %lld",
                           (long long)times[i], (long long)x->dim[i]);
            return NULL;
        }
        wide[i] = x->dim[i] * times[i];
        if (!wide[i])
            copied = true;
    }
    if (copied)
        return ptm_full(t, (enum ptm_dtype)x->dtype, rank, wide, ptm_int(0));
    for (int i = 0; i < rank; i++)
        wide[i] = x->dim[i] == 1 ? times[i] : x->dim[i];
    struct ptm_tensor *ones = ptm_view_expand(t, x, rank, wide);
    for (int i = rank - 1; i >= 0 && x && ones; i--)
        if (x->dim[i] != 1 && times[i] != 1) {
            ones = repeat_dim(t, ones, i, times[i]);
            copied = true;
        }
    return copied ? ones : ptm_clone(t, ones, true);
}

static struct ptm_ival lower_repeat(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t times[PTM_MAX_RANK];
    int n = ptm_arg_ints(c->t, ptm_named(c, "repeats"), times, PTM_MAX_RANK);
    if (x && n < x->rank)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "repeat: %d numbers for a tensor of rank %d", n,
                              x->rank);
    return ptm_tensor_ival(repeat(c->t, x, times, n));
}

static struct ptm_ival lower_tile(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t given[PTM_MAX_RANK], times[PTM_MAX_RANK];
    int n = ptm_arg_ints(c->t, ptm_named(c, "dims"), given, PTM_MAX_RANK);
    int rank = x && x->rank > n ? x->rank : n;
    for (int i = 0; i < rank; i++)
        times[i] = i < rank - n ? 1 : given[i - (rank - n)];
    return ptm_tensor_ival(repeat(c->t, x, times, rank));
}

/* Index vector 0 0 1 2 2 ... from the numbers of repetitions. */
static struct ptm_tensor *repeated_index(struct ptm_trace *t, struct ptm_tensor *repeats)
{
    bool known = ptm_is_known(repeats);
    struct ptm_tensor *r = ptm_contiguous(t, ptm_cast(t, repeats, PTM_I64));
    struct ptm_nd nd;
    if (!ptm_read(t, r, &nd))
        return NULL;
    const int64_t *times = nd.data;
    int64_t m = ptm_tensor_numel(r), n = 0, at = 0;
    for (int64_t i = 0; i < m; i++) {
        if (times[i] < 0 || times[i] > (INT64_C(1) << 32) || n > (INT64_C(1) << 32)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "repeat_interleave: %lld repetitions",
                           (long long)times[i]);
            return NULL;
        }
        n += times[i];
    }
    int64_t *index = ptm_arena_array(ptm_trace_arena(t), (size_t)n + 1, sizeof(*index));
    for (int64_t i = 0; index && i < m; i++)
        for (int64_t k = 0; k < times[i]; k++)
            index[at++] = i;
    if (!index)
        return NULL;
    return known ? ptm_known(t, PTM_I64, 1, &n, index) : ptm_dynamic(t, PTM_I64, 1, &n, index);
}

static struct ptm_ival lower_repeat_interleave(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_ival times = ptm_named(c, "repeats"), d = ptm_named(c, "dim");
    if (!ptm_has_named(c, "self"))
        return ptm_tensor_ival(repeated_index(t, ptm_need(c, 0)));
    struct ptm_tensor *x = ptm_need(c, 0);
    if (ptm_is_none(d))
        x = ptm_reshape(t, x, 1, (int64_t[]){-1});
    if (!x)
        return ptm_none();
    int dim = ptm_is_none(d) ? 0 : ptm_arg_dim(t, d, x->rank);
    if (times.tag == PTM_TENSOR && ptm_tensor_numel(times.u.tensor) != 1) {
        struct ptm_emit e;
        ptm_emit_begin(&e, t, OP_index_select);
        ptm_emit_in(&e, x);
        ptm_emit_in(&e, repeated_index(t, times.u.tensor));
        ptm_emit_i(&e, dim);
        return ptm_tensor_ival(ptm_emit_end(&e));
    }
    int64_t r = ptm_arg_size(t, times), shape[PTM_MAX_RANK], wide[3] = {1, r, 1},
            flat[3] = {1, 1, 1};
    for (int i = 0; i < x->rank; i++) {
        shape[i] = i == dim ? ptm_times(x->dim[i], r) : x->dim[i];
        flat[i <= dim ? 0 : 2] *= x->dim[i];
    }
    wide[0] = flat[0];
    wide[2] = flat[2];
    struct ptm_tensor *y = ptm_view_expand(t, ptm_reshape(t, x, 3, flat), 3, wide);
    return ptm_tensor_ival(ptm_clone(t, ptm_reshape(t, y, x->rank, shape), true));
}

/* -- reordering -- */
static struct ptm_tensor *flip(struct ptm_trace *t, struct ptm_tensor *x, const int64_t *dims,
                               int n)
{
    int64_t sorted[PTM_MAX_RANK];
    int k = 0;
    for (int d = 0; x && d < x->rank; d++)
        for (int i = 0; i < n; i++)
            if (dims[i] == d) {
                sorted[k++] = d;
                break;
            }
    return k ? ptm_op_ints(t, OP_flip, x, sorted, k) : ptm_clone(t, x, true);
}

static struct ptm_ival lower_flip(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dims[PTM_MAX_RANK];
    if (!x)
        return ptm_none();
    int n = ptm_arg_ints(c->t, ptm_named(c, "dims"), dims, PTM_MAX_RANK);
    for (int i = 0; i < n; i++)
        dims[i] = ptm_arg_dim(c->t, ptm_int(dims[i]), x->rank);
    return ptm_tensor_ival(flip(c->t, x, dims, n));
}

static struct ptm_ival lower_fliplr(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(flip(c->t, ptm_need(c, 0), (int64_t[]){1}, 1));
}

static struct ptm_ival lower_flipud(const struct ptm_lower_call *c)
{
    return ptm_tensor_ival(flip(c->t, ptm_need(c, 0), (int64_t[]){0}, 1));
}

static struct ptm_tensor *roll_dim(struct ptm_trace *t, struct ptm_tensor *x, int dim, int64_t by)
{
    if (!x || !x->rank || !x->dim[dim])
        return x;
    int64_t n = x->dim[dim], from = ((-by) % n + n) % n;
    if (!from)
        return x;
    struct ptm_tensor *part[2] = {ptm_view_range(t, x, dim, from, n - from),
                                  ptm_view_range(t, x, dim, 0, from)};
    return ptm_concat(t, part, 2, dim);
}

static struct ptm_ival lower_roll(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0), *y = x;
    int64_t by[PTM_MAX_RANK], dims[PTM_MAX_RANK];
    int n = ptm_arg_ints(t, ptm_named(c, "shifts"), by, PTM_MAX_RANK);
    int m = ptm_arg_ints(t, ptm_named(c, "dims"), dims, PTM_MAX_RANK);
    if (!x)
        return ptm_none();
    if (m == 0 && n == 1) {
        y = roll_dim(t, ptm_reshape(t, x, 1, (int64_t[]){-1}), 0, by[0]);
        y = ptm_reshape(t, y, x->rank, x->dim);
    } else if (m != n) {
        return ptm_trace_fail(t, PTM_ERR_TYPE, "roll: %d shifts and %d dims", n, m);
    } else {
        for (int i = 0; i < n; i++)
            y = roll_dim(t, y, ptm_arg_dim(t, ptm_int(dims[i]), x->rank), by[i]);
    }
    return ptm_tensor_ival(y && y->storage == x->storage ? ptm_clone(t, y, false) : y);
}

static struct ptm_ival lower_rot90(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t dims[PTM_MAX_RANK], k = ptm_arg_int(t, ptm_named(c, "k")) % 4;
    if (!x)
        return ptm_none();
    if (ptm_arg_ints(t, ptm_named(c, "dims"), dims, PTM_MAX_RANK) != 2)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "rot90: needs two dims");
    for (int i = 0; i < 2; i++)
        dims[i] = ptm_arg_dim(t, ptm_int(dims[i]), x->rank);
    k = (k + 4) % 4;
    if (k == 0)
        return ptm_tensor_ival(ptm_clone(t, x, true));
    if (k == 2)
        return ptm_tensor_ival(flip(t, x, dims, 2));
    struct ptm_tensor *y = flip(t, x, k == 1 ? dims + 1 : dims, 1);
    return ptm_tensor_ival(
        ptm_clone(t, ptm_view_transpose(t, y, (int)dims[0], (int)dims[1]), true));
}

/* x[N, ...] with leading dims as one, for the shuffles; the last three are kept. */
static bool leading(const struct ptm_lower_call *c, const struct ptm_tensor *x, int64_t *n)
{
    *n = 1;
    if (!x)
        return false;
    if (x->rank < 3) {
        ptm_trace_fail(c->t, PTM_ERR_TYPE, "%s: needs rank 3 or more, got %d", c->schema->name,
                       x->rank);
        return false;
    }
    for (int i = 0; i < x->rank - 3; i++)
        *n *= x->dim[i];
    return true;
}

static struct ptm_ival shuffle_to(const struct ptm_lower_call *c, struct ptm_tensor *x,
                                  struct ptm_tensor *y, int64_t channels, int64_t height,
                                  int64_t width)
{
    int64_t shape[PTM_MAX_RANK];
    memcpy(shape, x->dim, sizeof(shape));
    shape[x->rank - 3] = channels;
    shape[x->rank - 2] = height;
    shape[x->rank - 1] = width;
    return ptm_tensor_ival(ptm_reshape(c->t, y, x->rank, shape));
}

static struct ptm_ival lower_pixel_shuffle(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t r = ptm_arg_size(c->t, ptm_named(c, "upscale_factor")), n;
    if (!leading(c, x, &n))
        return ptm_none();
    int64_t ch = x->dim[x->rank - 3], h = x->dim[x->rank - 2], w = x->dim[x->rank - 1];
    if (r < 1 || r > 32768 || ch % (r * r))
        return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                              "pixel_shuffle: %lld channels by a factor of %lld", (long long)ch,
                              (long long)r);
    ch /= r * r;
    struct ptm_tensor *y = ptm_reshape(c->t, x, 6, (int64_t[]){n, ch, r, r, h, w});
    y = ptm_view_permute(c->t, y, (int64_t[]){0, 1, 4, 2, 5, 3});
    return shuffle_to(c, x, y, ch, h * r, w * r);
}

static struct ptm_ival lower_pixel_unshuffle(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t r = ptm_arg_size(c->t, ptm_named(c, "downscale_factor")), n;
    if (!leading(c, x, &n))
        return ptm_none();
    int64_t ch = x->dim[x->rank - 3], h = x->dim[x->rank - 2], w = x->dim[x->rank - 1];
    if (r < 1 || r > 32768 || h % r || w % r)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE,
                              "pixel_unshuffle: %lld x %lld by a factor of %lld", (long long)h,
                              (long long)w, (long long)r);
    struct ptm_tensor *y = ptm_reshape(c->t, x, 6, (int64_t[]){n, ch, h / r, r, w / r, r});
    y = ptm_view_permute(c->t, y, (int64_t[]){0, 1, 3, 5, 2, 4});
    return shuffle_to(c, x, y, ch * r * r, h / r, w / r);
}

static struct ptm_ival lower_channel_shuffle(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t groups = ptm_arg_size(c->t, ptm_named(c, "groups")), rest = 1;
    if (!x)
        return ptm_none();
    if (x->rank < 3 || groups < 1 || x->dim[1] % groups)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "channel_shuffle: rank %d with %lld groups",
                              x->rank, (long long)groups);
    for (int i = 2; i < x->rank; i++)
        rest *= x->dim[i];
    struct ptm_tensor *y =
        ptm_reshape(c->t, x, 4, (int64_t[]){x->dim[0], groups, x->dim[1] / groups, rest});
    return ptm_tensor_ival(ptm_reshape(c->t, ptm_view_transpose(c->t, y, 1, 2), x->rank, x->dim));
}

/* -- diagonal matrices -- */
/* x's last dimension as the diagonal of new dims a and b of the result. */
static struct ptm_tensor *diag_embed(struct ptm_trace *t, struct ptm_tensor *x, int64_t offset,
                                     int a, int b)
{
    int64_t dim[PTM_MAX_RANK];
    if (!x)
        return NULL;
    if (x->rank == PTM_MAX_RANK || a == b) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "diag_embed: rank %d, dims %d and %d", x->rank, a, b);
        return NULL;
    }
    int64_t side = x->dim[x->rank - 1] + (offset < 0 ? -offset : offset);
    for (int i = 0, k = 0; i <= x->rank; i++)
        dim[i] = i == a || i == b ? side : x->dim[k++];
    struct ptm_tensor *y = ptm_full(t, (enum ptm_dtype)x->dtype, x->rank + 1, dim, ptm_int(0));
    ptm_write(t, ptm_view_diagonal(t, y, offset, a, b), x);
    return y;
}

static struct ptm_ival lower_diag_embed(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    if (!x || !x->rank)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "diag_embed: needs rank 1 or more");
    return ptm_tensor_ival(diag_embed(c->t, x, ptm_arg_size(c->t, ptm_named(c, "offset")),
                                      ptm_arg_dim(c->t, ptm_named(c, "dim1"), x->rank + 1),
                                      ptm_arg_dim(c->t, ptm_named(c, "dim2"), x->rank + 1)));
}

static struct ptm_ival lower_diag(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_need(c, 0);
    int64_t at = ptm_arg_size(c->t, ptm_named(c, "diagonal"));
    if (!x || x->rank < 1 || x->rank > 2)
        return ptm_trace_fail(c->t, PTM_ERR_TYPE, "diag: needs rank 1 or 2");
    if (x->rank == 1)
        return ptm_tensor_ival(diag_embed(c->t, x, at, 0, 1));
    return ptm_tensor_ival(ptm_clone(c->t, ptm_view_diagonal(c->t, x, at, 0, 1), true));
}

static struct ptm_ival lower_diagflat(const struct ptm_lower_call *c)
{
    struct ptm_tensor *x = ptm_reshape(c->t, ptm_need(c, 0), 1, (int64_t[]){-1});
    return ptm_tensor_ival(diag_embed(c->t, x, ptm_arg_size(c->t, ptm_named(c, "offset")), 0, 1));
}

const struct ptm_lowering ptm_lower_move[] = {
    {"aten::cat", lower_cat},
    {"aten::concat", lower_cat},
    {"aten::concatenate", lower_cat},
    {"aten::_cat", lower_cat},
    {"aten::stack", lower_stack},
    {"aten::_stack", lower_stack},
    {"aten::hstack", lower_hstack},
    {"aten::vstack", lower_vstack},
    {"aten::row_stack", lower_vstack},
    {"aten::dstack", lower_dstack},
    {"aten::column_stack", lower_column_stack},
    {"aten::block_diag", lower_block_diag},
    {"aten::pad_sequence", lower_pad_sequence},
    {"aten::repeat", lower_repeat},
    {"aten::tile", lower_tile},
    {"aten::repeat_interleave", lower_repeat_interleave},
    {"aten::flip", lower_flip},
    {"aten::fliplr", lower_fliplr},
    {"aten::flipud", lower_flipud},
    {"aten::roll", lower_roll},
    {"aten::rot90", lower_rot90},
    {"aten::pixel_shuffle", lower_pixel_shuffle},
    {"aten::pixel_unshuffle", lower_pixel_unshuffle},
    {"aten::channel_shuffle", lower_channel_shuffle},
    {"aten::native_channel_shuffle", lower_channel_shuffle},
    {"aten::diag_embed", lower_diag_embed},
    {"aten::diag", lower_diag},
    {"aten::diagflat", lower_diagflat},
    {NULL, NULL},
};
