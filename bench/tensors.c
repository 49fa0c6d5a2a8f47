/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors as numbers: summaries, comparison with expected ones, the best k, generated inputs. */
#include "bench/tensors.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"

static int64_t element_offset(const struct ptm_tensor *t, int64_t i)
{
    int64_t at = 0;
    for (int d = t->rank - 1; d >= 0; d--) {
        at += i % t->dim[d] * t->stride[d];
        i /= t->dim[d];
    }
    return at;
}

static const void *element(const struct ptm_tensor *t, int64_t i)
{
    const char *p = ptm_tensor_data(t);
    return p + element_offset(t, i) * (int64_t)ptm_dtype_bytes(t->dtype);
}

static bool is_float(uint8_t dtype)
{
    return dtype == PTM_F16 || dtype == PTM_BF16 || dtype == PTM_F32 || dtype == PTM_F64;
}

static int64_t integer_at(const struct ptm_tensor *t, int64_t i)
{
    const void *p = element(t, i);
    switch ((enum ptm_dtype)t->dtype) {
    case PTM_U8:
        return *(const uint8_t *)p;
    case PTM_BOOL8:
        return *(const uint8_t *)p != 0;
    case PTM_I8:
        return *(const int8_t *)p;
    case PTM_I16:
        return *(const int16_t *)p;
    case PTM_I32:
        return *(const int32_t *)p;
    case PTM_I64:
        return *(const int64_t *)p;
    default:
        return 0;
    }
}

double bench_element(const struct ptm_tensor *t, int64_t i)
{
    const void *p = element(t, i);
    switch ((enum ptm_dtype)t->dtype) {
    case PTM_F16:
        return (double)ptm_f16_to_f32(*(const uint16_t *)p);
    case PTM_BF16:
        return (double)ptm_bf16_to_f32(*(const uint16_t *)p);
    case PTM_F32:
        return (double)*(const float *)p;
    case PTM_F64:
        return *(const double *)p;
    default:
        return (double)integer_at(t, i);
    }
}

const char *bench_element_text(const struct ptm_tensor *t, int64_t i, char *buf, size_t size)
{
    if (t->dtype == PTM_BOOL8)
        snprintf(buf, size, "%s", integer_at(t, i) ? "True" : "False");
    else if (is_float(t->dtype))
        snprintf(buf, size, t->dtype == PTM_F64 ? "%.9g" : "%.6g", bench_element(t, i));
    else
        snprintf(buf, size, "%" PRId64, integer_at(t, i));
    return buf;
}

struct bench_summary bench_summarise(const struct ptm_tensor *t)
{
    struct bench_summary s = {.n = ptm_tensor_numel(t), .min = (double)NAN, .max = (double)NAN};
    double sum = 0;
    for (int64_t i = 0; i < s.n; i++) {
        double v = bench_element(t, i);
        if (isnan(v)) {
            s.n_nan++;
            continue;
        }
        s.n_inf += isinf(v) != 0;
        sum += v;
        if (!(v >= s.min))
            s.min = v;
        if (!(v <= s.max))
            s.max = v;
    }
    s.mean = s.n > s.n_nan ? sum / (double)(s.n - s.n_nan) : (double)NAN;
    return s;
}

static double difference(const struct ptm_tensor *a, const struct ptm_tensor *b, int64_t i,
                         double *x, double *y)
{
    *x = bench_element(a, i);
    *y = bench_element(b, i);
    if (!is_float(a->dtype) && !is_float(b->dtype)) {
        int64_t u = integer_at(a, i), v = integer_at(b, i);
        return u > v ? (double)((uint64_t)u - (uint64_t)v) : (double)((uint64_t)v - (uint64_t)u);
    }
    if ((isnan(*x) && isnan(*y)) || *x == *y)
        return 0;
    double d = fabs(*x - *y);
    return isnan(d) ? (double)INFINITY : d;
}

struct bench_diff bench_compare(const struct ptm_tensor *got, const struct ptm_tensor *want,
                                double atol, double rtol)
{
    struct bench_diff d = {.same_shape = got->rank == want->rank, .at = -1};
    for (int i = 0; d.same_shape && i < got->rank; i++)
        d.same_shape = got->dim[i] == want->dim[i];
    d.same_kind = got->dtype == want->dtype || (got->dtype == PTM_BF16 && want->dtype == PTM_F32);
    if (!d.same_shape)
        return d;
    bool whole = atol < 0 && rtol < 0;
    d.n = ptm_tensor_numel(got);
    for (int64_t i = 0; i < d.n; i++) {
        double v = fabs(bench_element(want, i));
        if (isfinite(v) && v > d.max_expected)
            d.max_expected = v;
    }
    double worst = 0, x, y;
    for (int64_t i = 0; i < d.n; i++) {
        double diff = difference(got, want, i, &x, &y);
        double limit = whole
                           ? 1e-4 * d.max_expected
                           : (atol > 0 ? atol : 0) + (rtol > 0 && isfinite(y) ? rtol * fabs(y) : 0);
        d.n_outside += diff > limit;
        if (diff > d.max_diff)
            d.max_diff = diff;
        if (diff > 0 && (d.at < 0 || diff - limit > worst)) {
            worst = diff - limit;
            d.at = i;
            d.got = x;
            d.want = y;
            d.limit = limit;
        }
    }
    if (d.at < 0)
        d.limit = whole ? 1e-4 * d.max_expected : atol > 0 ? atol : 0;
    d.within = d.same_kind && d.n_outside == 0;
    return d;
}

int bench_top(const struct ptm_tensor *t, int64_t first, int64_t n, int k, int64_t *out)
{
    int found = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = bench_element(t, first + i);
        int at = found;
        while (at > 0 && v > bench_element(t, first + out[at - 1]))
            at--;
        if (at >= k)
            continue;
        if (found < k)
            found++;
        memmove(out + at + 1, out + at, (size_t)(found - 1 - at) * sizeof(*out));
        out[at] = i;
    }
    return found;
}

double bench_softmax(const struct ptm_tensor *t, int64_t first, int64_t n, int64_t i)
{
    double max = -(double)INFINITY, sum = 0;
    for (int64_t j = 0; j < n; j++)
        max = fmax(max, bench_element(t, first + j));
    for (int64_t j = 0; j < n; j++)
        sum += exp(bench_element(t, first + j) - max);
    return exp(bench_element(t, first + i) - max) / sum;
}

/* splitmix64 */
uint64_t bench_random_next(struct bench_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void bench_set(struct ptm_tensor *t, int64_t i, double v)
{
    char *p = (char *)ptm_tensor_data(t) + i * (int64_t)ptm_dtype_bytes(t->dtype);
    switch ((enum ptm_dtype)t->dtype) {
    case PTM_F16:
        *(uint16_t *)(void *)p = ptm_f32_to_f16((float)v);
        break;
    case PTM_BF16:
        *(uint16_t *)(void *)p = ptm_f32_to_bf16((float)v);
        break;
    case PTM_F32:
    case PTM_C64: /* its real part */
        *(float *)(void *)p = (float)v;
        break;
    case PTM_F64:
        *(double *)(void *)p = v;
        break;
    case PTM_BOOL8:
        *(uint8_t *)p = v != 0;
        break;
    case PTM_U8:
        *(uint8_t *)p = (uint8_t)(int64_t)v;
        break;
    case PTM_I8:
        *(int8_t *)p = (int8_t)(int64_t)v;
        break;
    case PTM_I16:
        *(int16_t *)(void *)p = (int16_t)(int64_t)v;
        break;
    case PTM_I32:
        *(int32_t *)(void *)p = (int32_t)(int64_t)v;
        break;
    case PTM_I64:
        *(int64_t *)(void *)p = (int64_t)v;
        break;
    }
}

void bench_fill_normal(struct ptm_tensor *t, struct bench_random *r)
{
    int64_t n = ptm_tensor_numel(t);
    for (int64_t i = 0; i < n; i++) {
        if (!is_float(t->dtype)) {
            bench_set(t, i, (double)(bench_random_next(r) >> 63));
            continue;
        }
        int64_t sum = 0;
        for (int k = 0; k < 3; k++)
            for (uint64_t bits = bench_random_next(r), j = 0; j < 4; j++, bits >>= 16)
                sum += (int64_t)(bits & 0xffff);
        bench_set(t, i, (double)(2 * sum - 12 * 65535) / 131072.0);
    }
}

void bench_fill_range(struct ptm_tensor *t, struct bench_random *r, int64_t lo, int64_t hi)
{
    int64_t n = ptm_tensor_numel(t);
    uint64_t span = (uint64_t)hi - (uint64_t)lo;
    for (int64_t i = 0; i < n; i++) {
        int64_t v = (int64_t)((uint64_t)lo + bench_random_next(r) % span);
        if (t->dtype == PTM_I64)
            ((int64_t *)ptm_tensor_data(t))[i] = v;
        else
            bench_set(t, i, (double)v);
    }
}

void bench_fill_value(struct ptm_tensor *t, double v)
{
    int64_t n = ptm_tensor_numel(t);
    for (int64_t i = 0; i < n; i++)
        bench_set(t, i, v);
}
