/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu backend's matrix product: packing, and the loops around the tile kernel.
 *
 * Work is cut into blocks of rows, and (few rows) groups of panels. Inside a block: pieces of the
 * sum whose part of a panel fits a second-level cache, then panels, then tiles of rows. A table on
 * the stack says where the rows of a block lie, so strided, dilated and padded convolutions need
 * no copy of their input.
 */
#include "libcore/backend_cpu.h"

#include <math.h>

enum {
    TABLE = 1024,             /* pointers */
    PIECE_FLOATS = 96 * 1024, /* of a panel, at a time */
    ROWS_FLOATS = 64 * 1024,  /* of a, in a block that is read again for each panel */
};

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* -- packing -- */

size_t ptm_cpu_panels_size(struct ptm_cpu_panels *p, const struct ptm_kernels *k, size_t n,
                           size_t depth)
{
    const struct ptm_kernel_tile *t = &k->info[PTM_KERNEL_gemm_f32]->tile;
    *p = (struct ptm_cpu_panels){.n = n, .depth = depth, .vl = t->vl};
    p->vectors = (n + t->vl - 1) / t->vl;
    p->panels = (p->vectors + t->vectors - 1) / t->vectors;
    return p->vectors * p->vl * (depth + 1);
}

/* First vector of panel i; i == panels: their number. */
static size_t first_vector(const struct ptm_cpu_panels *p, size_t i)
{
    return p->vectors / p->panels * i + min_size(i, p->vectors % p->panels);
}

void ptm_cpu_panels_fill(const struct ptm_cpu_panels *p, const struct ptm_kernels *k, float *data,
                         const float *w, int64_t d_stride, int64_t n_stride, const float *bias)
{
    for (size_t i = 0; i < p->panels; i++) {
        size_t at = first_vector(p, i) * p->vl, end = first_vector(p, i + 1) * p->vl;
        size_t width = end - at, cols = min_size(width, p->n - at);
        float *to = data + at * (p->depth + 1);
        const float *from = w + (int64_t)at * n_stride;
        for (size_t j = 0; j < cols && bias; j++)
            to[j] = bias[at + j];
        to += width;
        if (d_stride == 1) {
            k->transpose_f32(cols, p->depth, from, (size_t)n_stride, to, width);
            continue;
        }
        for (size_t d = 0; d < p->depth; d++, from += d_stride, to += width)
            for (size_t j = 0; j < cols; j++)
                to[j] = from[(int64_t)j * n_stride];
    }
}

/* -- running -- */

struct split {
    const struct ptm_cpu_gemm *g;
    size_t block, blocks, groups; /* rows in a block; blocks; groups of panels */
};

/* One piece of the sum: `taps` taps from `tap` on, or terms `from`.. of the only tap. */
struct piece {
    size_t tap, taps, from, depth;
    bool first, last;
};

static void multiply(const struct ptm_cpu_gemm *g, const struct piece *piece, size_t row,
                     size_t rows, size_t panel, const float *const *table)
{
    const struct ptm_cpu_panels *w = g->w;
    size_t at = first_vector(w, panel), nv = first_vector(w, panel + 1) - at, width = nv * w->vl;
    const float *data = w->data + at * w->vl * (w->depth + 1);
    bool clamp = piece->last;
    struct ptm_gemm_f32 t = {
        .a_rows = rows, .taps = piece->taps, .k = piece->depth, .nv = nv,
        .w = data + width * (1 + piece->tap * g->depth + piece->from),
        .bias = piece->first && !g->accumulate ? data : NULL,
        .c_stride = g->c_stride, .cols = min_size(width, w->n - at * w->vl),
        .min = clamp ? g->min : -INFINITY, .max = clamp ? g->max : INFINITY};
    size_t most = g->k->info[PTM_KERNEL_gemm_f32]->tile.rows[nv - 1];
    size_t tiles = (rows + most - 1) / most, done = 0;
    for (size_t i = 0; i < tiles; i++, done += t.rows) {
        t.rows = (rows - done + (tiles - i) - 1) / (tiles - i);
        t.a = table + done;
        t.c = g->c + (row + done) * g->c_stride + at * w->vl;
        g->k->gemm_f32(&t);
    }
}

static void run_block(void *ctx, size_t task)
{
    const struct split *s = ctx;
    const struct ptm_cpu_gemm *g = s->g;
    size_t row = task / s->groups * s->block, rows = min_size(s->block, g->rows - row);
    size_t group = task % s->groups, panels = g->w->panels;
    size_t from = panels * group / s->groups, to = panels * (group + 1) / s->groups;
    const float *table[TABLE];
    float room[PTM_CPU_ROOM];
    size_t width = (g->w->vectors + panels - 1) / panels * g->w->vl;
    size_t most = PIECE_FLOATS / width; /* terms of the sum in a piece */
    if (rows <= 8)
        most = SIZE_MAX; /* panels are read once */
    size_t taps = min_size(g->taps, TABLE / rows);
    if (taps > 1 && taps * g->depth > most)
        taps = most / g->depth ? most / g->depth : 1;
    struct piece p = {.depth = g->depth, .taps = taps, .first = true};
    if (g->taps == 1)
        p.depth = min_size(g->depth, most);
    while (!p.last) {
        g->point(g->ctx, row, rows, p.tap, p.taps, table, rows, room);
        for (size_t i = 0; i < p.taps * rows && p.from; i++)
            table[i] += p.from;
        p.last = p.tap + p.taps >= g->taps && p.from + p.depth >= g->depth;
        for (size_t i = from; i < to; i++)
            multiply(g, &p, row, rows, i, table);
        p.first = false;
        if (g->taps == 1) {
            p.from += p.depth;
            p.depth = min_size(p.depth, g->depth - p.from);
        } else {
            p.tap += p.taps;
            p.taps = min_size(p.taps, g->taps - p.tap);
        }
    }
}

void ptm_cpu_gemm(const struct ptm_cpu_gemm *g, struct pthreadpool *pool)
{
    size_t threads = ptm_threads_count(pool), most = TABLE;
    if (!g->rows || !g->w->panels)
        return;
    if (g->taps > 1)
        most = TABLE / min_size(g->taps, TABLE / 48);
    bool small = g->w->n * g->w->depth <= 2 * ROWS_FLOATS; /* all of w stays in the cache */
    if (small)
        most = min_size(most, ROWS_FLOATS / (g->depth + 1) + 48);
    if (g->copies)
        most = min_size(most, PTM_CPU_ROOM / g->depth);
    if (threads > 1 && most > (g->rows + 2 * threads - 1) / (2 * threads))
        most = (g->rows + 2 * threads - 1) / (2 * threads) + 7;
    struct split s = {.g = g, .groups = 1};
    s.blocks = (g->rows + most - 1) / most;
    s.block = (g->rows + s.blocks - 1) / s.blocks;
    s.block = min_size((s.block + 7) / 8 * 8, most); /* whole tiles, where that can be */
    s.blocks = (g->rows + s.block - 1) / s.block;
    if (threads > 1 && s.blocks < 2 * threads)
        s.groups = min_size(g->w->panels, (2 * threads + s.blocks - 1) / s.blocks);
    ptm_threads_run(pool, s.blocks * s.groups, run_block, &s);
}

void ptm_cpu_point_rows(const void *ctx, size_t row, size_t rows, size_t tap, size_t taps,
                        const float **table, size_t stride, float *room)
{
    const struct ptm_cpu_rows *r = ctx;
    (void)tap, (void)taps, (void)stride, (void)room;
    for (size_t i = 0; i < rows; i++)
        table[i] = r->a + (row + i) * r->stride;
}
