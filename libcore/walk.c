/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks and copies. A copy goes in the target's memory order; where the source is contiguous along
 * another dim than the target, those two dims are transposed in blocks.
 */
#include "libcore/walk.h"

#include <string.h>

#include "kernels/kernel.h"
#include "libcore/ival.h"

/* -- order -- */

static bool comes_before(const struct ptm_walk *w, int a, int b)
{
    for (int k = 0; k < w->arrays; k++)
        if (w->stride[k][a] != w->stride[k][b])
            return w->stride[k][a] > w->stride[k][b];
    return false;
}

static void swap_dims(struct ptm_walk *w, int a, int b)
{
    int64_t t = w->dim[a];
    w->dim[a] = w->dim[b];
    w->dim[b] = t;
    for (int k = 0; k < w->arrays; k++) {
        t = w->stride[k][a];
        w->stride[k][a] = w->stride[k][b];
        w->stride[k][b] = t;
    }
}

void ptm_walk_order(struct ptm_walk *w)
{
    int n = 0;
    for (int d = 0; d < w->rank; d++)
        if (w->dim[d] != 1)
            swap_dims(w, n++, d);
    w->rank = n;
    for (int i = 1; i < n; i++)
        for (int d = i; d > 0 && comes_before(w, d, d - 1); d--)
            swap_dims(w, d, d - 1);
    n = 0;
    for (int d = 1; d < w->rank; d++) {
        bool joins = true;
        for (int k = 0; k < w->arrays; k++)
            joins = joins && w->stride[k][n] == w->stride[k][d] * w->dim[d];
        if (!joins)
            n++;
        w->dim[n] = w->dim[d] * (joins ? w->dim[n] : 1);
        for (int k = 0; k < w->arrays; k++)
            w->stride[k][n] = w->stride[k][d];
    }
    w->rank = w->rank ? n + 1 : 0;
}

/* -- copies -- */

static void copy_elements(char *to, const char *from, size_t size, int64_t n, int64_t to_step,
                          int64_t from_step)
{
    int64_t t = to_step * (int64_t)size, f = from_step * (int64_t)size;
    if (to_step == 1 && from_step == 1) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        switch (size) {
        case 1:
            to[i * t] = from[i * f];
            break;
        case 2:
            memcpy(to + i * t, from + i * f, 2);
            break;
        case 4:
            memcpy(to + i * t, from + i * f, 4);
            break;
        default:
            memcpy(to + i * t, from + i * f, 8);
            break;
        }
    }
}

/* The dim along which the source is contiguous, when that is not the innermost; else -1. */
static int turned_dim(const struct ptm_walk *w)
{
    int last = w->rank - 1;
    if (w->rank < 2 || w->stride[0][last] != 1 || w->stride[1][last] < 2)
        return -1;
    for (int d = last - 1; d >= 0; d--)
        if (w->stride[1][d] == 1 && w->stride[0][d] > 1)
            return d;
    return -1;
}

static void move_to(struct ptm_walk *w, int d, int to)
{
    for (; d < to; d++)
        swap_dims(w, d, d + 1);
}

void ptm_copy_nd(const struct ptm_nd *from, const struct ptm_nd *to)
{
    struct ptm_walk w = {.rank = to->rank, .arrays = 2};
    size_t size = ptm_dtype_bytes(to->dtype);
    for (int d = 0; d < to->rank; d++) {
        if (!to->dim[d])
            return;
        w.dim[d] = to->dim[d];
        w.stride[0][d] = to->stride[d];
        w.stride[1][d] = from->stride[d];
    }
    ptm_walk_order(&w);
    int turned = size == 4 ? turned_dim(&w) : -1, inner = w.rank < 1 ? 0 : turned < 0 ? 1 : 2;
    if (turned >= 0)
        move_to(&w, turned, w.rank - 2);
    struct ptm_kernels k;
    if (turned >= 0)
        ptm_kernels_init(&k, ptm_cpu_flags());
    int outer = w.rank - inner, d;
    int64_t index[PTM_MAX_RANK] = {0}, at[2] = {0, 0}, *last[2];
    for (int i = 0; i < 2; i++)
        last[i] = w.stride[i] + outer;
    do {
        char *t = (char *)to->data + at[0] * (int64_t)size;
        const char *f = (const char *)from->data + at[1] * (int64_t)size;
        if (inner == 2)
            k.transpose_f32((size_t)w.dim[outer + 1], (size_t)w.dim[outer], (const float *)(const void *)f,
                            (size_t)last[1][1], (float *)(void *)t, (size_t)last[0][0]);
        else
            copy_elements(t, f, size, inner ? w.dim[outer] : 1, inner ? last[0][0] : 1,
                          inner ? last[1][0] : 1);
        for (d = outer - 1; d >= 0; d--) {
            for (int i = 0; i < 2; i++)
                at[i] += w.stride[i][d];
            if (++index[d] < w.dim[d])
                break;
            for (int i = 0; i < 2; i++)
                at[i] -= w.stride[i][d] * w.dim[d];
            index[d] = 0;
        }
    } while (d >= 0);
}

bool ptm_nd_reshape(const struct ptm_nd *nd, int rank, const int64_t *dim, struct ptm_nd *out)
{
    int64_t n = 1, step = 1; /* what is left of the present run of nd's dims, and its spacing */
    int k = nd->rank - 1;
    *out = (struct ptm_nd){.data = nd->data, .dtype = nd->dtype, .rank = (uint8_t)rank};
    for (int i = rank - 1; i >= 0; i--) {
        out->dim[i] = dim[i];
        out->stride[i] = step;
        if (dim[i] == 1)
            continue;
        if (n == 1) {
            while (k >= 0 && nd->dim[k] == 1)
                k--;
            if (k < 0)
                return false;
            step = nd->stride[k];
            n = nd->dim[k--];
            for (; k >= 0 && (nd->dim[k] == 1 || nd->stride[k] == step * n); k--)
                n *= nd->dim[k];
        }
        if (!dim[i] || n % dim[i])
            return false;
        out->stride[i] = step;
        step *= dim[i];
        n /= dim[i];
    }
    return true;
}
