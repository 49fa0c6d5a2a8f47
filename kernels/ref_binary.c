/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference kernels: elementwise operators of two inputs, comparisons, where. */
#include "kernels/ref_ops.h"
#include "kernels/ref_util.h"

#include <math.h>

/* a[k] = op(a[k], b[k]); type: of the arrays; bits: width of an integer type, negative for an
 * unsigned one */
typedef void float_fn(double *a, const double *b, int64_t n, uint8_t type);
typedef void int_fn(int64_t *a, const int64_t *b, int64_t n, int bits);

static int binary(const struct ptm_ref_call *c, float_fn *floats, int_fn *ints, double min,
                  double max)
{
    bool bounded = min > -HUGE_VAL || max < HUGE_VAL;
    const struct ptm_nd *y = c->out, *a = c->in, *b = c->in + 1;
    int bits = (int)ptm_ref_size(a->dtype) * (a->dtype == PTM_U8 ? -8 : 8);
    bool as_int = !ptm_ref_is_float(a->dtype) && !ptm_ref_is_float(y->dtype);
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    ptm_ref_walk_add(&w, a);
    ptm_ref_walk_add(&w, b);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        if (as_int) {
            int64_t u[PTM_REF_BLOCK], v[PTM_REF_BLOCK];
            ptm_ref_load_i(u, a, w.at[1], w.step[1], w.n);
            ptm_ref_load_i(v, b, w.at[2], w.step[2], w.n);
            ints(u, v, w.n, bits);
            ptm_ref_store_i(y, w.at[0], w.step[0], u, w.n);
        } else {
            double u[PTM_REF_BLOCK], v[PTM_REF_BLOCK];
            ptm_ref_load_f(u, a, w.at[1], w.step[1], w.n);
            ptm_ref_load_f(v, b, w.at[2], w.step[2], w.n);
            floats(u, v, w.n, a->dtype);
            if (bounded)
                ptm_ref_bound(u, w.n, min, max);
            ptm_ref_store_f(y, w.at[0], w.step[0], u, w.n);
        }
    }
    return 0;
}

#define BINARY(name, float_expr, int_expr)                                                        \
    BINARY_BOUNDED(name, float_expr, int_expr, -HUGE_VAL, HUGE_VAL)
/* min and max: bounds of float results; they may read c->attr */
#define BINARY_BOUNDED(name, float_expr, int_expr, min, max)                                      \
    static void name##_f(double *restrict pa, const double *restrict pb, int64_t n, uint8_t type) \
    {                                                                                             \
        (void)type;                                                                               \
        for (int64_t k = 0; k < n; k++) {                                                         \
            const double a = pa[k], b = pb[k];                                                    \
            (void)b;                                                                              \
            pa[k] = float_expr;                                                                   \
        }                                                                                         \
    }                                                                                             \
    static void name##_i(int64_t *pa, const int64_t *pb, int64_t n, int bits)                     \
    {                                                                                             \
        (void)bits;                                                                               \
        for (int64_t k = 0; k < n; k++) {                                                         \
            const int64_t a = pa[k], b = pb[k];                                                   \
            pa[k] = int_expr;                                                                     \
        }                                                                                         \
    }                                                                                             \
    int ptm_ref_##name(const struct ptm_ref_call *c)                                              \
    {                                                                                             \
        return binary(c, name##_f, name##_i, min, max);                                           \
    }

/* Python's //, in the steps of PyTorch's div_floor_floating, each rounded to the type */
static double floor_div(double a, double b, uint8_t type)
{
    if (b == 0)
        return a / b;
    double mod = fmod(a, b), q = ptm_ref_round_to(ptm_ref_round_to(a - mod, type) / b, type);
    if (mod != 0 && (b < 0) != (mod < 0))
        q = ptm_ref_round_to(q - 1, type);
    if (q == 0)
        return copysign(0, a / b);
    double f = floor(q);
    return q - f > 0.5 ? f + 1 : f;
}

static double remainder_of(double a, double b)
{
    double mod = fmod(a, b);
    return mod != 0 && (b < 0) != (mod < 0) ? mod + b : mod;
}

/* INT64_MIN / -1 wraps. */
static int64_t div_int(int64_t a, int64_t b)
{
    return b == 0 ? -1 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t floor_div_int(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? div_int(a, b) : ptm_ref_floor_div(a, b);
}

static int64_t fmod_int(int64_t a, int64_t b)
{
    return b == 0 ? a : b == -1 ? 0 : a % b;
}

static int64_t remainder_int(int64_t a, int64_t b)
{
    int64_t mod = fmod_int(a, b);
    return mod != 0 && b != 0 && (b < 0) != (mod < 0) ? mod + b : mod;
}

static int64_t pow_int(int64_t a, int64_t b)
{
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    uint64_t r = 1;
    for (uint64_t base = (uint64_t)a; b > 0; b >>= 1, base *= base)
        if (b & 1)
            r *= base;
    return (int64_t)r;
}

/* Shifts by less than 0 or by the width and more leave only the sign. */
static int64_t shift_left(int64_t a, int64_t b, int bits)
{
    return b < 0 || b >= (bits < 0 ? -bits : bits) ? 0 : (int64_t)((uint64_t)a << b);
}

static int64_t shift_right(int64_t a, int64_t b, int bits)
{
    int most = bits < 0 ? -bits : bits - 1;
    return a >> (b < 0 || b > most ? most : b);
}

static double maximum(double a, double b)
{
    return a != a ? a : b != b ? b : a > b ? a : b;
}

static double minimum(double a, double b)
{
    return a != a ? a : b != b ? b : a < b ? a : b;
}

BINARY_BOUNDED(add, a + b, (int64_t)((uint64_t)a + (uint64_t)b), c->attr[0].f, c->attr[1].f)
BINARY(sub, a - b, (int64_t)((uint64_t)a - (uint64_t)b))
BINARY(mul, a *b, (int64_t)((uint64_t)a * (uint64_t)b))
BINARY(div, a / b, div_int(a, b))
BINARY(div_floor, floor_div(a, b, type), floor_div_int(a, b))
BINARY(div_trunc, trunc(ptm_ref_round_to(a / b, type)), div_int(a, b))
BINARY(remainder, remainder_of(a, b), remainder_int(a, b))
BINARY(fmod, fmod(a, b), fmod_int(a, b))
BINARY(pow, pow(a, b), pow_int(a, b))
BINARY(maximum, maximum(a, b), a > b ? a : b)
BINARY(minimum, minimum(a, b), a < b ? a : b)
BINARY(atan2, atan2(a, b), (int64_t)atan2((double)a, (double)b))
BINARY(bitwise_and, a, a &b)
BINARY(bitwise_or, a, a | b)
BINARY(bitwise_xor, a, a ^ b)
BINARY(shift_left, a, shift_left(a, b, bits))
BINARY(shift_right, a, shift_right(a, b, bits))
BINARY(prelu, a > 0 ? a : b * a, a > 0 ? a : (int64_t)((uint64_t)a * (uint64_t)b))
BINARY(eq, a == b, a == b)
BINARY(ne, a != b, a != b)
BINARY(lt, a < b, a < b)
BINARY(le, a <= b, a <= b)
BINARY(gt, a > b, a > b)
BINARY(ge, a >= b, a >= b)

int ptm_ref_where(const struct ptm_ref_call *c)
{
    const struct ptm_nd *y = c->out, *cond = c->in, *a = c->in + 1, *b = c->in + 2;
    struct ptm_ref_walk w;
    ptm_ref_walk_init(&w, y->rank, y->dim);
    ptm_ref_walk_add(&w, y);
    ptm_ref_walk_add(&w, cond);
    ptm_ref_walk_add(&w, a);
    ptm_ref_walk_add(&w, b);
    for (bool go = ptm_ref_walk_begin(&w); go; go = ptm_ref_walk_next(&w)) {
        const uint8_t *t = (const uint8_t *)cond->data + w.at[1];
        for (int64_t k = 0; k < w.n; k++) {
            bool yes = t[k * w.step[1]] != 0;
            ptm_ref_copy(y, w.at[0] + k * w.step[0], 1, yes ? a : b,
                         yes ? w.at[2] + k * w.step[2] : w.at[3] + k * w.step[3], 1, 1);
        }
    }
    return 0;
}
