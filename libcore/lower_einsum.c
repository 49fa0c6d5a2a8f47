/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lowerings of general contractions: einsum, tensordot, inner.
 *
 * Method of einsum: every dimension of an operand has a label: 0 to 51 for
 * A-Z a-z, from 52 on for the dims that an ellipsis stands for. Operands are
 * contracted from left to right as batched matrix products: labels that both
 * have and that are still wanted are batch dims, labels of one only are its
 * rows or columns, the others are summed over.
 */
#include <string.h>

#include "libcore/lower.h"
#include "libcore/lower_args.h"

enum { LETTERS = 52, LABELS = LETTERS + PTM_MAX_RANK, NO_LABEL = -1, ELLIPSIS = -2 };

struct term {
    struct ptm_tensor *x;
    int label[PTM_MAX_RANK]; /* of x's dims */
};

static int letter(char ch)
{
    if (ch >= 'A' && ch <= 'Z')
        return ch - 'A';
    return ch >= 'a' && ch <= 'z' ? ch - 'a' + 26 : NO_LABEL;
}

/* The next subscript at *s: a label, ELLIPSIS, or NO_LABEL at the end of the term. */
static bool next_subscript(struct ptm_trace *t, const char **s, int *out)
{
    while (**s == ' ')
        ++*s;
    *out = NO_LABEL;
    if (!**s || **s == ',' || **s == '-')
        return true;
    if (!strncmp(*s, "...", 3)) {
        *out = ELLIPSIS;
        *s += 3;
        return true;
    }
    *out = letter(**s);
    if (*out == NO_LABEL) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: character 0x%02x in the equation",
                       (unsigned)(unsigned char)**s);
        return false;
    }
    ++*s;
    return true;
}

/* Labels of one operand's dims. An ellipsis covers what the letters leave, aligned at the last. */
static bool label_dims(struct ptm_trace *t, const char **s, struct term *term)
{
    int sub[PTM_MAX_RANK + 1], n = 0, rank = term->x->rank, dots = -1, k = 0, v;
    for (;;) {
        if (!next_subscript(t, s, &v))
            return false;
        if (v == NO_LABEL)
            break;
        if (n > PTM_MAX_RANK || (v == ELLIPSIS && dots >= 0)) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: a term with too many subscripts");
            return false;
        }
        if (v == ELLIPSIS)
            dots = n;
        sub[n++] = v;
    }
    int letters = n - (dots >= 0);
    if (letters > rank || (dots < 0 && letters != rank)) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: %d subscripts for an operand of rank %d", letters,
                       rank);
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (i != dots) {
            term->label[k++] = sub[i];
            continue;
        }
        for (int d = 0; d < rank - letters; d++)
            term->label[k++] = LABELS - (rank - letters) + d;
    }
    return true;
}

static int find_label(const struct term *a, int label)
{
    for (int i = 0; a->x && i < a->x->rank; i++)
        if (a->label[i] == label)
            return i;
    return -1;
}

/* A label named twice in one operand takes its diagonal. */
static void take_diagonals(struct ptm_trace *t, struct term *a)
{
    for (int i = 0; a->x && i < a->x->rank; i++)
        for (int j = i + 1; a->x && j < a->x->rank; j++) {
            if (a->label[i] != a->label[j])
                continue;
            if (a->x->dim[i] != a->x->dim[j]) {
                ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: a repeated subscript names %lld and %lld "
                               "elements", (long long)a->x->dim[i], (long long)a->x->dim[j]);
                return;
            }
            int label = a->label[i], rank = a->x->rank, k = 0;
            a->x = ptm_view_diagonal(t, a->x, 0, i, j); /* now the last dimension */
            for (int d = 0; d < rank; d++)
                if (d != i && d != j)
                    a->label[k++] = a->label[d];
            a->label[k] = label;
            i = -1;
            break;
        }
}

/* Removes dimension d of a, which has one element. */
static void drop_dim(struct ptm_trace *t, struct term *a, int d)
{
    int rank = a->x->rank;
    a->x = ptm_view_squeeze(t, a->x, d);
    memmove(a->label + d, a->label + d + 1, (size_t)(rank - d - 1) * sizeof(*a->label));
}

/* Sums a over the labels that `keep` does not want and that `other` (may be NULL) lacks. */
static void sum_out(struct ptm_trace *t, struct term *a, const struct term *other, const bool *keep)
{
    int64_t dims[PTM_MAX_RANK];
    int n = 0, k = 0, rank = a->x ? a->x->rank : 0;
    for (int i = 0; i < rank; i++) {
        if (!keep[a->label[i]] && (!other || find_label(other, a->label[i]) < 0))
            dims[n++] = i;
        else
            a->label[k++] = a->label[i];
    }
    if (n)
        a->x = ptm_op_reduce(t, OP_sum, a->x, dims, n, false);
}

/* Sizes 1 broadcast: such a dimension goes where the other operand has more elements. */
static bool match_sizes(struct ptm_trace *t, struct term *a, struct term *b)
{
    for (int i = 0; a->x && b->x && i < a->x->rank; i++) {
        int j = find_label(b, a->label[i]);
        if (j < 0 || a->x->dim[i] == b->x->dim[j])
            continue;
        if (a->x->dim[i] != 1 && b->x->dim[j] != 1) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: one subscript names %lld and %lld elements",
                           (long long)a->x->dim[i], (long long)b->x->dim[j]);
            return false;
        }
        if (a->x->dim[i] == 1)
            drop_dim(t, a, i--);
        else
            drop_dim(t, b, j);
    }
    return a->x && b->x;
}

enum { BATCH, OWN, SUMMED, ROLES };

/* Dims of x in the order of roles; the product of each role's sizes in size[]. */
static struct ptm_tensor *arranged(struct ptm_trace *t, const struct term *a,
                                   const struct term *other, const bool *keep, const int *order,
                                   const int *batch, int n_batch, int64_t *size, int *own,
                                   int *n_own)
{
    int64_t perm[PTM_MAX_RANK], dim[3];
    int n = 0;
    for (int k = 0; k < ROLES; k++)
        size[k] = 1;
    *n_own = 0;
    for (int k = 0; k < ROLES; k++) {
        for (int i = 0; order[k] == BATCH && i < n_batch; i++)
            perm[n++] = find_label(a, batch[i]);
        for (int i = 0; order[k] == OWN && i < a->x->rank; i++)
            if (find_label(other, a->label[i]) < 0) {
                own[(*n_own)++] = a->label[i];
                perm[n++] = i;
            }
        /* summed labels in alphabetical order, so that both operands agree */
        for (int label = 0; order[k] == SUMMED && label < LABELS; label++) {
            int i = find_label(a, label);
            if (i >= 0 && !keep[label] && find_label(other, label) >= 0)
                perm[n++] = i;
        }
        int64_t *s = &size[order[k]];
        int first = k ? (int)dim[k - 1] : 0;
        for (int i = first; i < n; i++)
            if (a->x->dim[perm[i]] && *s > (INT64_C(1) << 60) / a->x->dim[perm[i]])
                ptm_trace_fail(t, PTM_ERR_LIMIT, "einsum: an operand too large");
            else
                *s *= a->x->dim[perm[i]];
        dim[k] = n;
    }
    for (int k = 0; k < ROLES; k++)
        dim[k] = size[order[k]];
    return ptm_reshape(t, ptm_view_permute(t, a->x, perm), 3, dim);
}

/* a := the contraction of a and b; `keep`: labels of the result and of later operands. */
static void contract(struct ptm_trace *t, struct term *a, struct term *b, const bool *keep)
{
    int batch[PTM_MAX_RANK], rows[PTM_MAX_RANK], columns[PTM_MAX_RANK], n_batch = 0, n_rows,
                             n_columns;
    int64_t a_size[ROLES], b_size[ROLES], dim[PTM_MAX_RANK];
    if (!match_sizes(t, a, b))
        return;
    sum_out(t, a, b, keep);
    sum_out(t, b, a, keep);
    if (!a->x || !b->x)
        return;
    for (int i = 0; i < a->x->rank; i++)
        if (keep[a->label[i]] && find_label(b, a->label[i]) >= 0)
            batch[n_batch++] = a->label[i];
    struct ptm_tensor *l = arranged(t, a, b, keep, (int[]){BATCH, OWN, SUMMED}, batch, n_batch,
                                    a_size, rows, &n_rows);
    struct ptm_tensor *r = arranged(t, b, a, keep, (int[]){BATCH, SUMMED, OWN}, batch, n_batch,
                                    b_size, columns, &n_columns);
    int rank = n_batch + n_rows + n_columns;
    if (rank > PTM_MAX_RANK) {
        ptm_trace_fail(t, PTM_ERR_LIMIT, "einsum: a product of rank %d, at most %d", rank,
                       PTM_MAX_RANK);
        return;
    }
    struct ptm_tensor *y = ptm_op_binary(t, a_size[SUMMED] == 1 ? OP_mul : OP_matmul, l, r);
    int n = 0, label[PTM_MAX_RANK];
    for (int i = 0; i < n_batch; i++) {
        dim[n] = a->x->dim[find_label(a, batch[i])];
        label[n++] = batch[i];
    }
    for (int i = 0; i < n_rows; i++) {
        dim[n] = a->x->dim[find_label(a, rows[i])];
        label[n++] = rows[i];
    }
    for (int i = 0; i < n_columns; i++) {
        dim[n] = b->x->dim[find_label(b, columns[i])];
        label[n++] = columns[i];
    }
    a->x = ptm_reshape(t, y, rank, dim);
    memcpy(a->label, label, sizeof(label));
}

struct einsum {
    struct term *term;
    size_t n;
    int count[LABELS]; /* how often the equation names each */
    int out[PTM_MAX_RANK], n_out;
};

/* Without an arrow: the ellipsis, then every letter that occurs once, A-Z before a-z. */
static bool implied_output(struct ptm_trace *t, struct einsum *e)
{
    for (int k = 0; k < LABELS; k++) {
        int label = k < PTM_MAX_RANK ? LETTERS + k : k - PTM_MAX_RANK;
        if (!e->count[label] || (label < LETTERS && e->count[label] != 1))
            continue;
        if (e->n_out == PTM_MAX_RANK) {
            ptm_trace_fail(t, PTM_ERR_LIMIT, "einsum: a result of more than %d dims",
                           PTM_MAX_RANK);
            return false;
        }
        e->out[e->n_out++] = label;
    }
    return true;
}

static bool add_output(struct ptm_trace *t, struct einsum *e, int label, bool must_exist)
{
    bool found = false;
    for (size_t i = 0; i < e->n && !found; i++)
        found = find_label(&e->term[i], label) >= 0;
    for (int i = 0; i < e->n_out; i++)
        if (e->out[i] == label)
            must_exist = true, found = false;
    if (found && e->n_out < PTM_MAX_RANK)
        e->out[e->n_out++] = label;
    else if (found || must_exist)
        ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: a subscript of the result is repeated, or no "
                       "operand has it");
    return !ptm_trace_failed(t);
}

static bool read_output(struct ptm_trace *t, const char *s, struct einsum *e)
{
    int v;
    for (;;) {
        if (!next_subscript(t, &s, &v))
            return false;
        if (v == NO_LABEL)
            break;
        if (v != ELLIPSIS && !add_output(t, e, v, true))
            return false;
        for (int label = LETTERS; v == ELLIPSIS && label < LABELS; label++)
            if (!add_output(t, e, label, false))
                return false;
    }
    if (*s)
        ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: text after the result's subscripts");
    return !*s;
}

static bool parse(struct ptm_trace *t, const char *s, struct einsum *e)
{
    for (size_t i = 0; i < e->n; i++) {
        if (!e->term[i].x || !label_dims(t, &s, &e->term[i]))
            return false;
        for (int d = 0; d < e->term[i].x->rank; d++)
            e->count[e->term[i].label[d]]++;
        take_diagonals(t, &e->term[i]);
        if (!e->term[i].x)
            return false;
        bool last = i + 1 == e->n;
        if (last ? *s == ',' : *s != ',') {
            ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: %zu operands do not fit the equation", e->n);
            return false;
        }
        s += !last;
    }
    if (!*s)
        return implied_output(t, e);
    if (strncmp(s, "->", 2)) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: '->' wanted in the equation");
        return false;
    }
    return read_output(t, s + 2, e);
}

/* Place in the result of the first label that only a has; -1: none. */
static int own_place(const struct einsum *e, const struct term *a, const struct term *b)
{
    for (int k = 0; k < e->n_out; k++)
        if (find_label(a, e->out[k]) >= 0 && find_label(b, e->out[k]) < 0)
            return k;
    return -1;
}

/* The operand whose own dims come first in the result goes first, so that its rows need no
 * transposing afterwards. */
static void order_operands(const struct einsum *e, struct term *a, struct term *b)
{
    int ka = own_place(e, a, b), kb = own_place(e, b, a);
    if (kb >= 0 && ka > kb) {
        struct term held = *a;
        *a = *b;
        *b = held;
    }
}

static struct ptm_ival lower_einsum(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    const char *equation = ptm_arg_str(t, c->arg[0]);
    struct einsum e = {.n_out = 0};
    int64_t perm[PTM_MAX_RANK];
    struct ptm_tensor **x = ptm_need_list(c, c->arg[1], &e.n);
    if (!equation || !x)
        return ptm_none();
    e.term = ptm_arena_array(ptm_trace_arena(t), e.n + 1, sizeof(*e.term));
    if (!e.term || !e.n)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "einsum: no operand");
    for (size_t i = 0; i < e.n; i++)
        e.term[i].x = x[i];
    if (!parse(t, equation, &e))
        return ptm_none();
    struct term *a = &e.term[0];
    for (size_t i = 1; i <= e.n && !ptm_trace_failed(t); i++) {
        bool keep[LABELS] = {false};
        for (int k = 0; k < e.n_out; k++)
            keep[e.out[k]] = true;
        for (size_t later = i + 1; later < e.n; later++)
            for (int d = 0; d < e.term[later].x->rank; d++)
                keep[e.term[later].label[d]] = true;
        if (i < e.n)
            order_operands(&e, a, &e.term[i]);
        if (i < e.n)
            contract(t, a, &e.term[i], keep);
        else
            sum_out(t, a, NULL, keep);
    }
    for (int k = 0; k < e.n_out; k++)
        perm[k] = find_label(a, e.out[k]);
    return ptm_trace_failed(t) ? ptm_none() : ptm_tensor_ival(ptm_view_permute(t, a->x, perm));
}

/* -- tensordot -- */

/* The dims that are not in `used`, in order; returns their number. */
static int others(int rank, const int64_t *used, int n, int64_t *out)
{
    int k = 0;
    for (int i = 0; i < rank; i++) {
        bool is_used = false;
        for (int j = 0; j < n; j++)
            is_used = is_used || used[j] == i;
        if (!is_used)
            out[k++] = i;
    }
    return k;
}

/* Sums of products of a's dims da[] with b's db[]; the other dims of a, then those of b, remain. */
static struct ptm_tensor *tensordot(struct ptm_trace *t, struct ptm_tensor *a,
                                    struct ptm_tensor *b, const int64_t *da, const int64_t *db,
                                    int n)
{
    int64_t perm_a[PTM_MAX_RANK], perm_b[2 * PTM_MAX_RANK], dim[PTM_MAX_RANK], k = 1, rows = 1,
                                                                              columns = 1;
    int rest_a = others(a->rank, da, n, perm_a), rest_b = others(b->rank, db, n, perm_b + n);
    if (rest_a + n != a->rank || rest_b + n != b->rank || rest_a + rest_b > PTM_MAX_RANK) {
        ptm_trace_fail(t, PTM_ERR_TYPE, "tensordot: dims named twice, or a result of rank %d",
                       rest_a + rest_b);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        /* one element against many: the many are summed first */
        if (a->dim[da[i]] == 1 && b->dim[db[i]] != 1)
            b = ptm_op_reduce(t, OP_sum, b, &db[i], 1, true);
        else if (b->dim[db[i]] == 1 && a->dim[da[i]] != 1)
            a = ptm_op_reduce(t, OP_sum, a, &da[i], 1, true);
        if (!a || !b)
            return NULL;
        if (a->dim[da[i]] != b->dim[db[i]]) {
            ptm_trace_fail(t, PTM_ERR_TYPE, "tensordot: %lld and %lld elements to contract",
                           (long long)a->dim[da[i]], (long long)b->dim[db[i]]);
            return NULL;
        }
        perm_a[rest_a + i] = da[i];
        perm_b[i] = db[i];
        k *= a->dim[da[i]];
    }
    for (int i = 0; i < rest_a; i++)
        rows *= dim[i] = a->dim[perm_a[i]];
    for (int i = 0; i < rest_b; i++)
        columns *= dim[rest_a + i] = b->dim[perm_b[n + i]];
    a = ptm_reshape(t, ptm_view_permute(t, a, perm_a), 2, (int64_t[]){rows, k});
    b = ptm_reshape(t, ptm_view_permute(t, b, perm_b), 2, (int64_t[]){k, columns});
    return ptm_reshape(t, ptm_op_binary(t, OP_matmul, a, b), rest_a + rest_b, dim);
}

static struct ptm_ival lower_tensordot(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    int64_t da[PTM_MAX_RANK], db[PTM_MAX_RANK];
    int n = ptm_arg_ints(t, c->arg[2], da, PTM_MAX_RANK);
    int m = ptm_arg_ints(t, c->arg[3], db, PTM_MAX_RANK);
    if (!a || !b || ptm_trace_failed(t))
        return ptm_none();
    if (n != m)
        return ptm_trace_fail(t, PTM_ERR_TYPE, "tensordot: %d dims of one, %d of the other", n, m);
    for (int i = 0; i < n; i++) {
        da[i] = ptm_arg_dim(t, ptm_int(da[i]), a->rank);
        db[i] = ptm_arg_dim(t, ptm_int(db[i]), b->rank);
    }
    if (ptm_trace_failed(t))
        return ptm_none();
    return ptm_tensor_ival(tensordot(t, a, b, da, db, n));
}

static struct ptm_ival lower_inner(const struct ptm_lower_call *c)
{
    struct ptm_trace *t = c->t;
    struct ptm_tensor *a = ptm_need(c, 0), *b = ptm_need(c, 1);
    if (!a || !b)
        return ptm_none();
    if (!a->rank || !b->rank)
        return ptm_tensor_ival(ptm_bin(t, OP_mul, a, b));
    int64_t last_a = a->rank - 1, last_b = b->rank - 1;
    return ptm_tensor_ival(tensordot(t, a, b, &last_a, &last_b, 1));
}

const struct ptm_lowering ptm_lower_einsum[] = {
    {"aten::einsum", lower_einsum},
    {"aten::tensordot", lower_tensordot},
    {"aten::inner", lower_inner},
    {NULL, NULL},
};
