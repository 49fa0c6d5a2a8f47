#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/kernels/cases.txt: what PyTorch gives for each graph operator.

Run: /opt/pt2/bin/python tests/kernels/make_cases.py > tests/kernels/cases.txt
Older versions work too and leave out what they lack (said on stderr).
The form of a case: case_writer.py.
"""
import math
import sys

import torch
import torch.nn.functional as F

from case_writer import DTYPES, NUMBER, G, case, skipped

FLOATS = ('f32', 'f64', 'f16', 'bf16')
INTS = ('u8', 'i8', 'i16', 'i32', 'i64')


def unary(op, fn, attrs=(), lo=-3, hi=3, ints=False, exact=False, kind='u', special=True,
          floats=FLOATS):
    def one(g):
        case(op, fn, [g], attrs, tol=0 if exact or g.dtype not in FLOATS else None)
    for d in floats:
        one(G((3, 5), d, lo, hi, kind))
    one(G((2, 0, 3), 'f32'))
    if exact:
        one(G((2, 131), 'f32', lo, hi, 'h'))
    if special:
        one(G((23,), 'f32', lo, hi, 's'))
    if ints:
        for d in INTS:
            one(G((2, 4), d, 0 if d == 'u8' else -9, 9))


def make_unary():
    unary('neg', torch.neg, ints=True, exact=True)
    unary('abs', torch.abs, ints=True, exact=True)
    unary('sign', torch.sign, ints=True, exact=True)
    for op in ('floor', 'ceil', 'round', 'trunc'):
        unary(op, getattr(torch, op), ints=True, exact=True, kind='h')
    for op in ('exp', 'exp2', 'expm1', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh', 'asinh',
               'erf', 'erfc', 'sigmoid'):
        unary(op, getattr(torch, op), lo=-1.5 if op == 'tan' else -3, hi=1.5 if op == 'tan' else 3,
              special=op != 'tan')
    for op in ('sqrt', 'rsqrt', 'reciprocal', 'log', 'log2', 'log10'):
        unary(op, getattr(torch, op), lo=0.1, hi=5)
    unary('log1p', torch.log1p, lo=-0.9, hi=5)
    for op in ('asin', 'acos', 'atanh'):
        unary(op, getattr(torch, op), lo=-0.95, hi=0.95)
    unary('acosh', torch.acosh, lo=1.1, hi=5)
    unary('log_sigmoid', F.logsigmoid, lo=-30, hi=30, special=False)
    unary('relu', torch.relu, ints=True, exact=True)
    for lo, hi in ((-1.0, 1.5), (-math.inf, 0.7), (-2.0, math.inf), (2.0, -1.0)):
        unary('clamp', lambda x: torch.clamp(x, lo, hi), (lo, hi), exact=True)
    for d in INTS:
        case('clamp', lambda x: torch.clamp(x, 2, 5), [G((7,), d, 0, 9)], (2.0, 5.0), tol=0)
    unary('hardsigmoid', F.hardsigmoid, lo=-5, hi=5)
    unary('hardswish', F.hardswish, lo=-5, hi=5, special=False)
    unary('silu', F.silu)
    unary('mish', F.mish)
    unary('gelu', F.gelu, (0,), special=False)
    unary('gelu', lambda x: F.gelu(x, approximate='tanh'), (1,), special=False)
    for a, s, i in ((1.0, 1.0, 1.0), (0.3, 1.0, 1.0), (1.6732632423543772, 1.0507009873554805, 1.0),
                    (1.0, 1.0, 0.5)):
        unary('elu', lambda x: torch.ops.aten.elu(x, a, s, i), (a, s, i), special=s == 1)
    unary('leaky_relu', lambda x: F.leaky_relu(x, 0.01), (0.01,))
    unary('leaky_relu', lambda x: F.leaky_relu(x, -0.3), (-0.3,), exact=True, floats=('f32', 'f64'))
    unary('softplus', lambda x: F.softplus(x, 1.0, 20.0), (1.0, 20.0), lo=-30, hi=30)
    unary('softplus', lambda x: F.softplus(x, 2.5, 4.0), (2.5, 4.0))
    unary('hardshrink', lambda x: F.hardshrink(x, 0.5), (0.5,), exact=True, kind='h')
    unary('softshrink', lambda x: F.softshrink(x, 0.7), (0.7,), special=False)
    unary('threshold', lambda x: F.threshold(x, 0.5, 20.0), (0.5, 20.0), exact=True, kind='h')
    unary('threshold', lambda x: F.threshold(x, 0.1, -1.0), (0.1, -1.0), exact=True)
    case('threshold', lambda x: F.threshold(x, 2, -7), [G((9,), 'i32', -5, 6)], (2.0, -7.0), tol=0)
    for d in INTS + ('bool',):
        case('bitwise_not', torch.bitwise_not, [G((5,), d, 0, 100)])
    for d in ('f32', 'f16', 'i32', 'i64', 'u8', 'bool'):
        case('logical_not', torch.logical_not, [G((9,), d, 0, 3, 's')])
    for d in ('f32', 'f64', 'f16', 'bf16'):
        case('isnan', torch.isnan, [G((30,), d, kind='s')])
        case('isinf', torch.isinf, [G((30,), d, kind='s')])
    for a in NUMBER:
        for b in NUMBER:
            lo, hi = (0, 100) if 'u8' in (a, b) else (-100, 100)
            case('cast', lambda x: x.to(DTYPES[b]), [G((2, 3), a, lo, hi)], (NUMBER[b],), tol=0)
    case('cast', lambda x: x.to(torch.float32), [G((40,), 'i64', -2 ** 62, 2 ** 62)], (6,), tol=0)
    case('cast', lambda x: x.to(torch.bool), [G((25,), 'f32', -.5, .5, 's')], (11,), tol=0)
    for d in ('f16', 'bf16'):
        for r in (1e-7, 1e-5, 1.0, 70000.0):
            case('cast', lambda x: x.to(DTYPES[d]), [G((40,), 'f32', -r, r, 's')], (NUMBER[d],),
                 tol=0)
    case('cast', lambda x: torch.tensor([0, 0, 0, -9, 0], dtype=torch.int8),
         [G((5,), 'f32', data=[math.nan, 1e9, -1e9, -9.9, math.inf])], (1,), tol=0)
    case('cast', lambda x: torch.tensor([-2 ** 63, -2 ** 63, -2 ** 63, -9], dtype=torch.int64),
         [G((4,), 'f32', data=[math.nan, math.inf, -1e30, -9.9])], (4,), tol=0)


def binary(op, fn, lo=-3, hi=3, dtypes=FLOATS, exact=True, kind='u', special=True, nonzero=False):
    tol = 0 if exact else None

    def rhs(dims, d, lo2, hi2, k=kind):
        g = G(dims, d, lo2, hi2, k)
        return g

    for d in dtypes:
        lo2 = max(lo, 0) if d == 'u8' else lo
        b = (1 if nonzero else lo2, hi)
        case(op, fn, [G((2, 3, 4), d, lo2, hi, kind), rhs((2, 3, 4), d, *b)], tol=tol)
        case(op, fn, [G((3, 1), d, lo2, hi, kind), rhs((2, 1, 4), d, *b)], tol=tol)
    d = dtypes[0]
    case(op, fn, [G((0, 3), d, 1, 3), G((1,), d, 1, 3)], tol=tol)
    case(op, fn, [G((), d, 1, 3), G((), d, 1, 3)], tol=tol)
    if special and d == 'f32':
        case(op, fn, [G((31,), d, lo, hi, 's'), G((31,), d, lo, hi)], tol=tol)
        case(op, fn, [G((31,), d, lo, hi), G((31,), d, lo, hi, 's')], tol=tol)


def make_binary():
    both = FLOATS + INTS
    for op in ('add', 'mul', 'maximum', 'minimum'):
        binary(op, getattr(torch, op), -100, 100, both + ('bool',))
    binary('sub', torch.sub, -100, 100, both)
    case('add', torch.add, [G((50,), 'i64', -2 ** 62, 2 ** 62), G((50,), 'i64', 0, 2 ** 62)], tol=0)
    binary('div', torch.div)
    binary('div_floor', lambda a, b: torch.div(a, b, rounding_mode='floor'), -20, 20,
           special=False)
    binary('div_trunc', lambda a, b: torch.div(a, b, rounding_mode='trunc'), -20, 20,
           special=False)
    binary('remainder', torch.remainder, -20, 20, special=False)
    binary('fmod', torch.fmod, -20, 20, special=False)
    for d in INTS:
        a = [0, 1, 7, 8, 100] if d == 'u8' else [-7, -8, 7, 8, 0]
        for b in ([3] * 5, [2, 5, 7, 9, 1]) if d == 'u8' else (
                [3] * 5, [-3] * 5, [-1, 5, -7, 8, 2]):
            g = [G((5,), d, data=a), G((5,), d, data=b)]
            case('div_floor', lambda a, b: torch.div(a, b, rounding_mode='floor'), g)
            case('div_trunc', lambda a, b: torch.div(a, b, rounding_mode='trunc'), g)
            case('remainder', torch.remainder, g)
            case('fmod', torch.fmod, g)
    zero = [G((3,), 'i32', data=[5, -5, 0]), G((3,), 'i32', data=[0, 0, 0])]
    for op in ('div_floor', 'div_trunc'):
        case(op, lambda a, b: torch.full((3,), -1, dtype=torch.int32), zero)
    least = [G((2,), 'i64', data=[-2 ** 63, 5]), G((2,), 'i64', data=[-1, -1])]
    case('div_trunc', lambda a, b: torch.tensor([-2 ** 63, -5]), least)
    case('remainder', lambda a, b: torch.tensor([0, 0]), least)
    binary('pow', torch.pow, 0.1, 3, exact=False, special=False)
    case('pow', torch.pow, [G((6,), 'f32', data=[-2., -2., 0., 0., -8., 4.]),
                            G((6,), 'f32', data=[3., 2., 0., -1., 1 / 3, .5])])
    for d in INTS:
        case('pow', torch.pow, [G((12,), d, 0 if d == 'u8' else -4, 5), G((12,), d, 0, 5)])
    case('pow', torch.pow, [G((5,), 'i64', data=[1, -1, -1, 2, 3]),
                            G((5,), 'i64', data=[-3, -3, -2, -1, 60])])
    binary('atan2', torch.atan2, exact=False, special=False)
    for op in ('and', 'or', 'xor'):
        binary('bitwise_' + op, getattr(torch, 'bitwise_' + op), -100, 100,
               ('i32', 'u8', 'i8', 'i16', 'i64', 'bool'))
    for d in INTS:
        for op, fn in (('shift_left', '__lshift__'), ('shift_right', '__rshift__')):
            case(op, lambda a, b: getattr(torch.Tensor, fn)(a, b),
                 [G((20,), d, 0 if d == 'u8' else -100, 100), G((20,), d, 0, 7)])
    for op in ('eq', 'ne', 'lt', 'le', 'gt', 'ge'):
        binary(op, getattr(torch, op), -2, 2, both + ('bool',), kind='h')
    case('lt', torch.lt, [G((4,), 'i64', data=[2 ** 60, 2 ** 60 + 1, -5, 3]),
                          G((4,), 'i64', data=[2 ** 60 + 1, 2 ** 60, -4, 3])])
    binary('prelu', lambda a, b: torch.where(a > 0, a, a * b), special=False)
    for d in DTYPES:
        case('where', torch.where, [G((2, 1, 5), 'bool'), G((3, 1), d, 0, 50), G((1,), d, 0, 50)],
             tol=0)
    case('where', torch.where, [G((29,), 'bool'), G((29,), 'f32', kind='s'), G((29,))],
         tol=0)
    case('where', torch.where, [G((0,), 'bool'), G((0,)), G((1,))])


def reduction(op, fn, dtypes=FLOATS, lo=-3, hi=3, special=False, empty=True, args=(), kind='u',
              before=()):
    for d in dtypes:
        for dims, keep in (([1], 0), ([0, 2], 1), ([], 0), ([0, 1, 2], 0)):
            if d != dtypes[0] and keep:
                continue
            case(op, lambda x: fn(x, dims or [0, 1, 2], bool(keep)),
                 [G((2, 3, 5), d, 0 if d == 'u8' else lo, hi, kind)],
                 (*before, dims, keep, *args), tol=0 if d not in FLOATS else None)
    d = dtypes[0]
    case(op, lambda x: fn(x, [2], False), [G((3, 2, 301), d, lo, hi, kind)],
         (*before, [2], 0, *args), tol=2e-5 if op == 'prod' else None)
    case(op, lambda x: fn(x, [0], True), [G((4, 0), d)], (*before, [0], 1, *args))
    case(op, lambda x: fn(x, [], False) if op in ('amax', 'amin') else fn(x.reshape(1), [0], False),
         [G((), d, lo, hi)], (*before, [], 0, *args))
    if empty:
        case(op, lambda x: fn(x, [1], False), [G((4, 0), d)], (*before, [1], 0, *args))
    if special:
        case(op, lambda x: fn(x, [1], False), [G((4, 15), d, kind='s')], (*before, [1], 0, *args))


def prod(x, dims, keep):
    for d in sorted(dims, reverse=True):
        x = torch.prod(x, d, keep, dtype=x.dtype)
    return x


def each(fn, x, dims, keep):
    for d in sorted(dims, reverse=True):
        x = fn(x, d, keep)
    return x


def make_reductions():
    both = FLOATS + INTS
    reduction('sum', lambda x, d, k: torch.sum(x, d, k, dtype=x.dtype), both, special=True)
    reduction('mean', torch.mean, special=True)
    reduction('prod', prod, both, lo=0.8, hi=1.25)
    case('prod', lambda x: torch.prod(x, 0), [G((9,), 'i64', -9, 9)], ([0], 0))
    reduction('amax', torch.amax, both + ('bool',), special=True, empty=False)
    reduction('amin', torch.amin, both + ('bool',), special=True, empty=False)
    for corr in (0.0, 1.0):
        reduction('var', lambda x, d, k: torch.var(x, d, correction=int(corr), keepdim=k),
                  args=(corr,))
    case('var', lambda x: torch.var(x, [1], correction=1), [G((3, 1))], ([1], 0, 1.0))
    for op in ('any', 'all'):
        reduction(op, lambda x, d, k: each(getattr(torch, op), x, d, k),
                  ('f32', 'bool', 'i32', 'u8'), 0, 1 if op == 'any' else 2, kind='h')
    for op in ('argmax', 'argmin'):
        fn = getattr(torch, op)
        for d in both:
            lo = 0 if d == 'u8' else -2
            case(op, lambda x: fn(x, 1), [G((2, 7, 3), d, lo, 3, 'h')], ([1], 0))
            case(op, lambda x: fn(x, 2, True), [G((2, 2, 9), d, lo, 3, 'h')], ([2], 1))
        case(op, lambda x: fn(x), [G((3, 101))], ([], 0))
        case(op, lambda x: fn(x, 1), [G((4, 15), kind='s')], ([1], 0))
        case(op, lambda x: fn(x, 0), [G((4,), data=[-math.inf] * 4)], ([0], 0))
        case(op, lambda x: fn(x, 0), [G((4, 0))], ([0], 0))
        case(op, lambda x: fn(x, 0), [G((3,), 'i64', data=[-2 ** 63, 2 ** 63 - 1, 2 ** 63 - 1])],
             ([0], 0))
    reduction('logsumexp', torch.logsumexp, lo=-50, hi=50)
    case('logsumexp', lambda x: torch.logsumexp(x, 1),
         [G((3, 2), data=[-math.inf, -math.inf, math.inf, 1, 1000, 999])], ([1], 0))
    for p in (2.0, 1.0, 0.0, math.inf, -math.inf, 3.0, 0.5):
        reduction('norm', lambda x, d, k: torch.linalg.vector_norm(x, p, d, k), before=(p,),
                  empty=p >= 0 and p != math.inf, dtypes=('f32', 'f64', 'bf16'))
    for op, fn in (('softmax', torch.softmax), ('log_softmax', torch.log_softmax)):
        for d in FLOATS:
            case(op, lambda x: fn(x, 1), [G((2, 7, 3), d, -9, 9)], (1,))
        case(op, lambda x: fn(x, 2), [G((1, 2, 260), 'f32', -9, 9)], (2,))
        case(op, lambda x: fn(x, 0), [G((5, 0))], (0,))
        case(op, lambda x: fn(x, 0), [G((), 'f32')], (0,))
        case(op, lambda x: fn(x, 1), [G((4, 3), data=[-math.inf] * 3 + [-math.inf, 1, 2] +
                                        [math.inf, 0, 0] + [1000, 1000, 999])], (1,))


def make_scans():
    both = FLOATS + INTS
    for op in ('cumsum', 'cumprod'):
        fn = getattr(torch, op)
        for d in both:
            lo = 0 if d == 'u8' else -3
            case(op, lambda x: fn(x, 1, dtype=x.dtype), [G((2, 7, 3), d, lo, 4)], (1,),
                 tol={'f16': 4e-3, 'bf16': 3e-2}.get(d))
        case(op, lambda x: fn(x, 0), [G((0, 3))], (0,))
        case(op, lambda x: fn(x, 0), [G(())], (0,))
    for op in ('cummax', 'cummin'):
        fn = getattr(torch, op)
        for d in both + ('bool',):
            case(op, lambda x: fn(x, 1), [G((2, 7, 3), d, 0 if d == 'u8' else -3, 4, 'h')], (1,),
                 tol=0)
        case(op, lambda x: fn(x, 1), [G((3, 25), kind='s')], (1,), tol=0)
        case(op, lambda x: fn(x, 0), [G((0, 3))], (0,))
    for down in (0, 1):
        for d in both + ('bool',):
            case('sort', lambda x: torch.sort(x, dim=1, descending=bool(down), stable=True),
                 [G((2, 11, 3), d, 0 if d == 'u8' else -3, 4, 'h')], (1, down), tol=0)
        case('sort', lambda x: torch.sort(x, dim=0, descending=bool(down), stable=True),
             [G((40,), kind='s')], (0, down), tol=0)
        case('sort', lambda x: torch.sort(x, dim=0, descending=bool(down), stable=True),
             [G((0, 2))], (0, down), tol=0)
        case('sort', lambda x: torch.sort(x, dim=0, descending=bool(down), stable=True),
             [G(())], (0, down), tol=0)
        for d in ('f32', 'f64', 'f16', 'bf16', 'i32', 'i64', 'i16'):
            case('topk', lambda x: torch.topk(x, 4, 1, bool(down), True),
                 [G((2, 9, 2), d, -3000, 3000)], (4, 1, down), tol=0)
        case('topk', lambda x: torch.topk(x, 0, 0, bool(down), True), [G((3,))], (0, 0, down))
        case('topk', lambda x: torch.topk(x, 1, 0, bool(down), True), [G(())], (1, 0, down))
        nan = [1, math.nan, 3, -1, math.inf]
        case('topk', lambda x: torch.topk(x, 3, 0, bool(down), True), [G((5,), data=nan)],
             (3, 0, down), tol=0)
    for right in (0, 1):
        for d in ('f32', 'f64', 'i32', 'i64', 'u8'):
            a = [0, 1, 1, 2, 4, 4, 7]
            case('searchsorted', lambda a, b: torch.searchsorted(a, b, right=bool(right)),
                 [G((7,), d, data=a), G((3, 5), d, 0, 9, 'h')], (right,))
            case('searchsorted', lambda a, b: torch.searchsorted(a, b, right=bool(right)),
                 [G((2, 7), d, data=a + [3] * 7), G((2, 5), d, 0, 9, 'h')], (right,))
        case('searchsorted', lambda a, b: torch.searchsorted(a, b, right=bool(right)),
             [G((4,), data=[0, 1, 2, math.nan]), G((3,), data=[math.nan, 1, math.inf])], (right,))
        case('searchsorted', lambda a, b: torch.searchsorted(a, b, right=bool(right)),
             [G((0,)), G((2, 2))], (right,))


def pad(x, before, after, mode, value):
    pairs = [v for k in reversed(range(x.dim())) for v in (before[k], after[k])]
    if mode:
        while pairs and pairs[-1] == pairs[-2] == 0:
            pairs = pairs[:-2]
        need = max(x.dim(), len(pairs) // 2 + 2)
        return F.pad(x.reshape([1] * (need - x.dim()) + list(x.shape)), pairs,
                     ('constant', 'reflect', 'replicate', 'circular')[mode]).reshape(
                         [s + b + a for s, b, a in zip(x.shape, before, after)])
    return F.pad(x, pairs, value=value)


def make_copies():
    for d in DTYPES:
        case('reshape', lambda x: x.reshape(4, 6), [G((2, 3, 4), d, 0, 90)], ([4, 6],), tol=0)
        case('permute', lambda x: x.permute(2, 0, 1), [G((2, 3, 4), d, 0, 90)], ([2, 0, 1],), tol=0)
        case('flip', lambda x: x.flip(0, 2), [G((2, 3, 4), d, 0, 90)], ([0, 2],), tol=0)
        case('concat', lambda a, b, c: torch.cat([a, b, c], 1),
             [G((2, 1, 2), d, 0, 90), G((2, 0, 2), d), G((2, 3, 2), d, 0, 90)], (1,), tol=0)
        case('tril', lambda x: torch.tril(x, 1), [G((2, 4, 3), d, 1, 90)], (1,), tol=0)
        case('triu', lambda x: torch.triu(x, -1), [G((3, 5), d, 1, 90)], (-1,), tol=0)
        case('expand', lambda x: x.expand(2, 3, 4), [G((3, 1), d, 0, 90)], ([2, 3, 4],), tol=0)
        case('slice', lambda x: x[:, 1:6:2], [G((2, 7), d, 0, 90)], (1, 1, 3, 2), tol=0)
        case('pad', lambda x: pad(x, [0, 1], [2, 0], 0, 1.0), [G((2, 3), d, 0, 90)],
             ([0, 1], [2, 0], 0, 1.0), tol=0)
    case('reshape', lambda x: x.reshape(2, 267), [G((2, 3, 89))], ([2, 267],), tol=0)
    case('reshape', lambda x: x.reshape(0, 4), [G((2, 0))], ([0, 4],))
    case('reshape', lambda x: x.reshape(()), [G((1, 1))], ([],))
    case('permute', lambda x: x.permute(()), [G(())], ([],))
    case('permute', lambda x: x.permute(0, 2, 3, 1), [G((1, 3, 4, 5))], ([0, 2, 3, 1],))
    case('flip', lambda x: x.flip(0), [G((0, 2))], ([0],))
    case('expand', lambda x: x.expand(3, 2), [G(())], ([3, 2],))
    case('slice', lambda x: x[2:2], [G((4, 3))], (0, 2, 0, 1))
    case('slice', lambda x: x[4:4], [G((4, 3))], (0, 4, 0, 1))
    case('slice', lambda x: x[3:4], [G((4, 3))], (0, 3, 1, 2 ** 62))
    case('slice', lambda x: x[0:2], [G((4, 3))], (0, 3, 2, 1), fail=-2)
    case('slice', lambda x: x[0:2], [G((4, 3))], (0, 0, 2, 2 ** 62), fail=-2)
    for a, b, dim, start, step in (((2, 7), (2, 3), 1, 1, 2), ((5, 3), (2, 3), 0, 3, 1),
                                   ((5, 3), (0, 3), 0, 1, 1)):
        case('slice_scatter', lambda x, v: torch.slice_scatter(
            x, v, dim, start, start + b[dim] * step, step), [G(a), G(b)], (dim, start, step))
    case('as_strided', lambda x: x.as_strided((2, 3), (4, 1), 2), [G((12,))],
         ([2, 3], [4, 1], 2))
    case('as_strided', lambda x: x.as_strided((3, 3), (1, 1), 0), [G((5,), 'i32', 0, 99)],
         ([3, 3], [1, 1], 0))
    case('as_strided', lambda x: x.as_strided((0, 3), (1, 1), 0), [G((5,))], ([0, 3], [1, 1], 0))
    case('as_strided', lambda x: x.as_strided((1, 3), (1, 2), 0), [G((5,))],
         ([1, 3], [2 ** 62, 2], 0))
    case('as_strided', lambda x: torch.zeros(2, 3), [G((5,))], ([2, 3], [2 ** 62, 1], 0), fail=-2)
    case('as_strided', lambda x: torch.zeros(2, 3), [G((5,))], ([2, 3], [4, 1], 0), fail=-2)
    case('as_strided_scatter', lambda x, v: torch.as_strided_scatter(x, v, (2, 3), (4, 1), 2),
         [G((12,)), G((2, 3))], ([4, 1], 2))
    case('as_strided_scatter', lambda x, v: torch.as_strided_scatter(x, v, (2,), (3,), 1),
         [G((8,), 'i64', 0, 99), G((2,), 'i64', 0, 99)], ([3], 1))
    case('concat', lambda x: x, [G((3, 2))], (0,))
    for before, after, mode, dims in (
            ([0, 0, 2, 1], [0, 0, 1, 2], 1, (1, 2, 4, 5)),
            ([0, 0, 2, 1], [0, 0, 1, 7], 2, (1, 2, 4, 5)),
            ([0, 0, 2, 1], [0, 0, 1, 2], 3, (1, 2, 4, 5)), ([0, 0, 3], [0, 0, 2], 1, (2, 1, 4)),
            ([0, 0, -1, 1], [0, 0, 2, -2], 0, (1, 2, 4, 5)), ([1, -1], [-2, 0], 0, (4, 3)),
            ([2], [3], 0, (0,)), ([0, 0, 1, 1, 1], [0, 0, 1, 0, 1], 1, (1, 1, 2, 3, 4)),
            ([0, 0, 1, 1, 1], [0, 0, 1, 0, 1], 3, (1, 1, 2, 3, 4))):
        case('pad', lambda x: pad(x, before, after, mode, 0.25), [G(dims)],
             (before, after, mode, 0.25), tol=0)
    case('tril', lambda x: torch.tril(x, -5), [G((4, 3))], (-5,))
    case('triu', lambda x: torch.triu(x, 9), [G((4, 3))], (9,))
    case('triu', torch.triu, [G((0, 3))], (0,))
    for d in DTYPES:
        case('full', lambda: torch.full((2, 3), 1.5).to(DTYPES[d]), [],
             (NUMBER[d], [2, 3], 1.5), tol=0)
        if d not in FLOATS:
            case('full_int', lambda: torch.full((3,), 7).to(DTYPES[d]), [], (NUMBER[d], [3], 7))
    case('full', lambda: torch.full((), math.inf), [], (6, [], math.inf))
    case('full_int', lambda: torch.full((0, 2), 7), [], (4, [0, 2], 7))
    case('full_int', lambda: torch.full((2,), 2 ** 62 + 1), [], (4, [2], 2 ** 62 + 1))
    case('arange', lambda: torch.arange(3, 30, 4), [], (4, 7, 3, 4))
    case('arange', lambda: torch.arange(5, -3, -1, dtype=torch.int32), [], (3, 8, 5, -1))
    case('arange', lambda: torch.arange(0), [], (4, 0, 0, 1))


def make_indexing():
    def idx(dims, lo, hi):
        return G(dims, 'i64', lo, hi)
    for d in DTYPES:
        case('gather', lambda a, b: torch.gather(a, 1, b),
             [G((3, 5, 2), d, 0, 90), idx((2, 4, 2), 0, 5)], (1,), tol=0)
        case('index_select', lambda a, b: torch.index_select(a, 1, b),
             [G((2, 5, 3), d, 0, 90), idx((7,), 0, 5)], (1,), tol=0)
        case('embedding', lambda a, b: a[b], [G((5, 3), d, 0, 90), idx((2, 2), 0, 5)], tol=0)
        case('index', lambda x, i: x[:, i], [G((2, 5, 3), d, 0, 90), idx((4,), -5, 5)], ([1],),
             tol=0)
        case('index_put', lambda x, v, i: torch.ops.aten.index_put(x, [None, i], v, False),
             [G((2, 5, 3), d, 0, 90), G((2, 1, 3), d, 0, 90), idx((2,), -5, 5)], ([1], 0), tol=0)
        case('scatter', lambda a, b, v: torch.scatter(a, 1, b, v.expand(3, 2)),
             [G((3, 7), d, 0, 90), G((3, 2), 'i64', data=[0, 3, 6, 1, 4, 5]), G((1, 1), d, 0, 90)],
             (1, 0), tol=0)
    case('gather', lambda a, b: torch.gather(a, 0, b), [G((3,)), idx((0,), 0, 1)], (0,))
    case('gather', lambda a, b: a.clone(), [G((3,)), G((3,), 'i64', data=[0, 3, 1])], (0,), fail=-2)
    case('gather', lambda a, b: torch.gather(a, 0, b), [G(()), G((), 'i64', data=[0])], (0,))
    case('index_select', lambda a, b: torch.index_select(a, 0, b),
         [G((3, 2)), idx((0,), 0, 1)], (0,))
    case('index_select', lambda a, b: torch.index_select(a, 0, b),
         [G((3, 260)), idx((), 0, 3)], (0,))
    case('index_select', lambda a, b: a[:1], [G((3,)), G((1,), 'i64', data=[-4])], (0,), fail=-2)
    case('embedding', lambda a, b: F.embedding(b, a), [G((4, 260)), idx((), 0, 4)])
    case('embedding', lambda a, b: F.embedding(b, a), [G((4, 3)), idx((0, 2), 0, 4)])
    case('embedding', lambda a, b: a[:1], [G((4, 3)), G((1,), 'i64', data=[4])], fail=-2)
    names = {1: 'add', 2: 'multiply'}
    for mode in (1, 2):
        for d in ('f32', 'f64', 'i32', 'i64', 'u8', 'bf16'):
            case('scatter', lambda a, b, v: torch.scatter(a, 0, b, v, reduce=names[mode]),
                 [G((4, 3), d, 0, 9), idx((5, 2), 0, 4), G((5, 2), d, 0, 9)], (0, mode))
    for mode, name in ((3, 'amax'), (4, 'amin')):
        for d in ('f32', 'i32', 'i64'):
            case('scatter', lambda a, b, v: torch.scatter_reduce(a, 1, b, v, name),
                 [G((4, 3), d, -9, 9), idx((3, 5), 0, 3), G((3, 5), d, -9, 9)], (1, mode))
        case('scatter', lambda a, b, v: torch.scatter_reduce(a, 0, b, v, name),
             [G((4,), kind='s'), idx((15,), 0, 4), G((15,), kind='s')], (0, mode))
    case('scatter', lambda a, b, v: torch.scatter(a, 0, b, v), [G((4,)), idx((0,), 0, 4), G((0,))],
         (0, 0))
    case('scatter', lambda a, b, v: torch.scatter(a, 1, b, v),
         [G((3, 4)), G((2, 2), 'i64', data=[0, 3, 1, 2]), G((3, 3))], (1, 0))
    case('index', lambda x, i, j: x[i, j], [G((4, 5, 3)), idx((2, 1), 0, 4), idx((3,), -5, 5)],
         ([0, 1],), tol=0)
    case('index', lambda x, i, j: x[i, :, j], [G((4, 5, 3)), idx((2, 2), 0, 4), idx((2,), 0, 3)],
         ([0, 2],), tol=0)
    case('index', lambda x, i, j: x[:, i, j], [G((4, 5, 3)), idx((2, 2), 0, 5), idx((), 0, 3)],
         ([1, 2],), tol=0)
    case('index', lambda x, i, j: x[:, i, :, j],
         [G((2, 3, 2, 4)), idx((3,), 0, 3), idx((3,), 0, 4)], ([1, 3],), tol=0)
    case('index', lambda x, i: x[i], [G((4, 2)), idx((0,), 0, 4)], ([0],))
    case('index', lambda x, i: x[i], [G((4, 2)), idx((), 0, 4)], ([0],))
    case('index', lambda x, i: x[:1], [G((4, 2)), G((1,), 'i64', data=[4])], ([0],), fail=-2)
    case('index_put', lambda x, v, i, j: torch.ops.aten.index_put(x, [i, j], v, True),
         [G((3, 4)), G((6,)), idx((6,), -3, 3), idx((6,), 0, 2)], ([0, 1], 1))
    case('index_put', lambda x, v, i, j: torch.ops.aten.index_put(x, [i, None, j], v, False),
         [G((3, 4, 5)), G((1,)), G((2,), 'i64', data=[0, 2]), G((2,), 'i64', data=[1, 4])],
         ([0, 2], 0))
    case('index_put', lambda x, v, i: torch.ops.aten.index_put(x, [i], v, True),
         [G((3, 2), 'i32', 0, 9), G((5, 2), 'i32', 0, 9), idx((5,), 0, 3)], ([0], 1))
    case('index_put', lambda x, v, i: torch.ops.aten.index_put(x, [i], v, False),
         [G((3, 2)), G((0, 2)), idx((0,), 0, 3)], ([0], 0))


def make_linear():
    for d in FLOATS + INTS:
        lo, hi = (0, 5) if d == 'u8' else (-3, 3)
        case('matmul', torch.matmul, [G((3, 7), d, lo, hi), G((7, 5), d, lo, hi)])
        case('matmul', torch.matmul, [G((2, 1, 3, 4), d, lo, hi), G((3, 4, 2), d, lo, hi)])
    case('matmul', torch.matmul, [G((5, 300)), G((300, 9))], tol=5e-6)
    case('matmul', torch.matmul, [G((2, 3)), G((3, 270))])
    case('matmul', torch.matmul, [G((3, 0)), G((0, 5))])
    case('matmul', torch.matmul, [G((0, 4)), G((4, 5))])
    case('matmul', torch.matmul, [G((2, 3, 4)), G((4, 5))])
    for d in FLOATS:
        case('linear', F.linear, [G((2, 3, 7), d), G((5, 7), d), G((5,), d)])
        case('linear', lambda x, w, b: F.linear(x, w), [G((7,), d), G((5, 7), d), None])
    case('linear', F.linear, [G((3, 0)), G((5, 0)), G((5,))])
    case('linear', F.linear, [G((0, 4)), G((5, 4)), G((5,))])
    case('linear', F.linear, [G((270, 2)), G((2, 2)), G((2,))])
    for l, s, e, ev in ((3, 5, 4, 2), (67, 2, 2, 1), (1, 9, 8, 3)):
        sc = 1 / math.sqrt(e)
        q, k, v = G((2, 1, l, e)), G((2, 1, s, e)), G((2, 1, s, ev))
        case('sdpa', lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v), [q, k, v, None],
             (sc, 0))
        case('sdpa', lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, is_causal=True),
             [q, k, v, None], (sc, 1))
        case('sdpa', lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
             [q, k, v, G((2, 1, l, s))], (sc, 0))
        m = G((l, s), 'bool')
        case('sdpa', lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
             [q, k, v, m], (sc, 0))
        case('sdpa', lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3),
             [q, k, v, G((1, s))], (0.3, 0))
    case('sdpa', lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
         [G((3, 4), 'f64'), G((5, 4), 'f64'), G((5, 2), 'f64')], (0.5, 0))
    for p in (2.0, 1.0, 0.0, 3.0, math.inf, 0.5):
        case('cdist', lambda a, b: torch.cdist(
            a, b, p, compute_mode='donot_use_mm_for_euclid_dist'), [G((2, 3, 4)), G((5, 4))], (p,))
    case('cdist', torch.cdist, [G((3, 4), 'f64'), G((2, 4), 'f64')], (2.0,))
    case('cdist', torch.cdist, [G((0, 4)), G((2, 4))], (2.0,))
    case('cdist', torch.cdist, [G((3, 0)), G((2, 0))], (2.0,))


def conv_case(dims, out, kernel, stride, padding, dilation, groups, bias=True, d='f32', n=2,
              transposed=None):
    k = len(kernel)
    channels = dims[0]
    lo, hi = (0, 5) if d == 'u8' else (-2, 2)
    x = G((n, *dims), d, lo, hi)
    b = G((out,), d, lo, hi) if bias else None
    if transposed is None:
        w = G((out, channels // groups, *kernel), d, lo, hi)
        fn = (F.conv1d, F.conv2d, F.conv3d)[k - 1]
        case('conv', lambda x, w, b: fn(x, w, b, stride, padding, dilation, groups), [x, w, b],
             (stride, padding, dilation, groups))
    else:
        w = G((channels, out // groups, *kernel), d, lo, hi)
        fn = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[k - 1]
        case('conv_transpose',
             lambda x, w, b: fn(x, w, b, stride, padding, transposed, groups, dilation), [x, w, b],
             (stride, padding, transposed, dilation, groups))


def make_conv():
    conv_case((3, 7, 9), 3, (3, 3), [1, 1], [1, 1], [1, 1], 1)
    conv_case((4, 9, 8), 6, (3, 2), [2, 3], [1, 0], [1, 1], 2)
    conv_case((4, 9, 8), 4, (3, 3), [1, 2], [2, 2], [2, 1], 4)
    conv_case((5, 4, 5), 7, (1, 1), [1, 1], [0, 0], [1, 1], 1, bias=False)
    conv_case((2, 5, 5), 8, (1, 1), [2, 2], [1, 1], [1, 1], 2)
    conv_case((3, 20), 4, (5,), [2], [3], [2], 1)
    conv_case((2, 4, 5, 6), 3, (2, 3, 3), [1, 2, 1], [1, 1, 0], [1, 1, 2], 1, n=1)
    conv_case((2, 3, 3), 2, (7, 7), [1, 1], [3, 3], [1, 1], 1)
    conv_case((1, 3, 3), 2, (3, 3), [1, 1], [3, 4], [1, 1], 1, n=1)
    conv_case((1, 18, 17), 1, (3, 3), [1, 1], [1, 1], [1, 1], 1, n=1)
    conv_case((40, 3, 3), 3, (3, 3), [1, 1], [1, 1], [1, 1], 1, n=1)
    conv_case((3, 7, 9), 5, (3, 3), [1, 1], [1, 1], [1, 1], 1, n=0)
    for d in ('f64', 'bf16', 'f16', 'i64', 'i32'):
        conv_case((4, 5, 5), 4, (3, 3), [2, 1], [1, 1], [1, 1], 2, d=d, n=1)
    conv_case((3, 5, 6), 4, (3, 3), [2, 2], [1, 1], [1, 1], 1, transposed=[1, 0])
    conv_case((4, 5, 4), 6, (3, 2), [1, 2], [0, 1], [2, 1], 2, transposed=[0, 0])
    conv_case((4, 9), 4, (4,), [3], [1], [1], 4, transposed=[2])
    conv_case((2, 3, 2, 3), 3, (2, 3, 2), [2, 1, 2], [0, 1, 1], [1, 2, 1], 1, n=1,
              transposed=[1, 0, 0])
    conv_case((3, 4, 4), 2, (1, 1), [1, 1], [0, 0], [1, 1], 1, bias=False, transposed=[0, 0])
    conv_case((3, 4, 4), 2, (2, 2), [2, 2], [0, 0], [1, 1], 1, d='f64', transposed=[0, 0])
    conv_case((3, 4, 4), 2, (2, 2), [2, 2], [0, 0], [1, 1], 1, d='bf16', transposed=[0, 0])


def make_recurrent():
    for kind, gates in (('lstm', 4), ('gru', 3), ('rnn', 1)):
        for t, b, i, h, bias, reverse, d, relu in (
                (4, 2, 3, 5, True, 0, 'f32', 0), (3, 1, 2, 2, False, 1, 'f32', 1),
                (5, 3, 4, 3, True, 1, 'f64', 0), (2, 2, 3, 2, True, 0, 'bf16', 1)):
            x, h0, c0 = G((t, b, i), d, -1, 1), G((b, h), d, -1, 1), G((b, h), d, -1, 1)
            w = [G((gates * h, i), d, -1, 1), G((gates * h, h), d, -1, 1)]
            bs = [G((gates * h,), d, -1, 1) if bias else None for _ in range(2)]
            state = [h0, c0] if kind == 'lstm' else [h0]

            def run(x, *rest):
                n = len(state)
                s, params = [v[None] for v in rest[:n]], [v for v in rest[n:] if v is not None]
                x = x.flip(0) if reverse else x
                args = (params, bias, 1, 0.0, False, False, False)
                if kind == 'lstm':
                    y, hn, cn = torch.lstm(x, s, *args)
                else:
                    fn = torch.gru if kind == 'gru' else torch.rnn_relu if relu else torch.rnn_tanh
                    y, hn = fn(x, s[0], *args)
                y = y.flip(0) if reverse else y
                return [y, hn[0]] + ([cn[0]] if kind == 'lstm' else [])
            case(kind, run, [x, *state, *w, *bs], (reverse, relu) if kind == 'rnn' else (reverse,),
                 tol=2e-2 if d == 'bf16' else None)


def make_pools():
    mp = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
    ap = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
    for dims, k, s, p, dil, ceil in (
            ((2, 3, 7, 9), [3, 3], [2, 2], [1, 1], [1, 1], 0),
            ((1, 2, 7, 8), [3, 2], [2, 3], [1, 1], [1, 1], 1),
            ((1, 2, 9, 9), [2, 3], [2, 1], [0, 1], [2, 2], 1), ((2, 2, 11), [3], [2], [1], [2], 1),
            ((1, 2, 4, 5, 6), [2, 3, 2], [2, 2, 1], [1, 0, 1], [1, 1, 2], 0),
            ((0, 2, 4, 4), [2, 2], [2, 2], [0, 0], [1, 1], 0)):
        n = len(k)
        x = G(dims)
        case('max_pool', lambda x: mp[n - 1](x, k, s, p, dil, bool(ceil), return_indices=True), [x],
             (k, s, p, dil, ceil), tol=0)
        if max(dil) > 1:
            continue
        for pad_too, div in ((0, 0), (1, 0), (1, 3)):
            if div and n == 1:
                continue
            extra = (div,) if div else ()
            case('avg_pool', lambda x: ap[n - 1](x, k, s, p, bool(ceil), bool(pad_too), *extra),
                 [x], (k, s, p, ceil, pad_too, div))
    for ceil in (0, 1):
        case('avg_pool', lambda x: F.avg_pool1d(x, 3, 2, 1, bool(ceil), True), [G((2, 2, 10))],
             ([3], [2], [1], ceil, 1, 0))
    case('max_pool', lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True),
         [G((1, 2, 6, 6), kind='s')], ([3, 3], [2, 2], [1, 1], [1, 1], 0), tol=0)
    for d in ('f64', 'bf16', 'f16', 'i64', 'i32', 'u8'):
        case('max_pool', lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True),
             [G((1, 2, 6, 5), d, 0, 9)], ([3, 3], [2, 2], [1, 1], [1, 1], 0), tol=0)
        if d in FLOATS:
            case('avg_pool', lambda x: F.avg_pool2d(x, 3, 2, 1), [G((1, 2, 6, 5), d, 0, 9)],
                 ([3, 3], [2, 2], [1, 1], 0, 1, 0))
    aa = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
    am = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
    for dims, size in (((2, 3, 7, 9), [3, 4]), ((1, 2, 5, 4), [1, 1]), ((1, 2, 3, 3), [7, 5]),
                       ((2, 2, 11), [4]), ((1, 2, 4, 5, 6), [2, 3, 5]), ((0, 2, 4, 4), [2, 2])):
        n = len(size)
        x = G(dims)
        case('adaptive_avg_pool', lambda x: aa[n - 1](x, size), [x], (size,))
        case('adaptive_max_pool', lambda x: am[n - 1](x, size, return_indices=True), [x], (size,),
             tol=0)
    for d in ('f64', 'bf16', 'f16'):
        case('adaptive_avg_pool', lambda x: F.adaptive_avg_pool2d(x, 3), [G((1, 2, 7, 5), d)],
             ([3, 3],))
        case('adaptive_max_pool', lambda x: F.adaptive_max_pool2d(x, 3, return_indices=True),
             [G((1, 2, 7, 5), d)], ([3, 3],), tol=0)


def resize_case(dims, size, mode, align=0, aa=0, scale=None, d='f32'):
    n = len(dims) - 2
    name = {0: 'nearest', 1: 'nearest-exact', 2: ('linear', 'bilinear', 'trilinear')[n - 1],
            3: 'bicubic'}[mode]
    kw = {'align_corners': bool(align)} if mode >= 2 else {}
    if aa:
        kw['antialias'] = True
    if scale:
        fn = lambda x: F.interpolate(x, scale_factor=scale, mode=name, **kw)
    else:
        fn = lambda x: F.interpolate(x, size=size, mode=name, **kw)
    out = size or [math.floor(v * s) for v, s in zip(dims[2:], scale)]
    case('resize', fn, [G(dims, d)], (out, mode, align, aa, tuple(scale or [0.0] * n)),
         tol=(0 if mode < 2 else {'f32': 4e-6, 'f64': 1e-12}.get(d, 2e-2)))


def make_complex():
    for dims in ((3, 2), (2,), (2, 3, 2), (0, 2)):
        case('as_complex', torch.view_as_complex, [G(dims)], tol=0)
        z = torch.view_as_complex(torch.arange(math.prod(dims)).reshape(dims) / 4 - 1)
        case('as_real', torch.view_as_real, [G(z.shape, 'c64', data=z)], tol=0)
    z = torch.complex(torch.arange(24.0), -torch.arange(24.0)).reshape(2, 3, 4)
    case('permute', lambda x: x.permute(2, 0, 1), [G(z.shape, 'c64', data=z)], ([2, 0, 1],), tol=0)
    case('reshape', lambda x: x.reshape(4, 6), [G(z.shape, 'c64', data=z)], ([4, 6],), tol=0)


def make_resize():
    for mode in (0, 1, 2, 3):
        for align in ((0, 1) if mode >= 2 else (0,)):
            resize_case((1, 2, 4, 3), [7, 5], mode, align)
            resize_case((2, 1, 9, 8), [4, 5], mode, align)
            resize_case((1, 1, 5, 3), [1, 6], mode, align)
            resize_case((1, 1, 1, 3), [5, 1], mode, align)
            resize_case((1, 1, 4, 5), None, mode, align, scale=[2.0, 2.0])
            resize_case((1, 1, 7, 5), None, mode, align, scale=[1.7, 0.6])
            resize_case((1, 1, 3, 3), [4, 5], mode, align, d='f64')
            resize_case((1, 1, 3, 3), [4, 5], mode, align, d='bf16')
            if mode != 3:
                resize_case((2, 2, 7), [10], mode, align)
                resize_case((1, 1, 3, 4, 2), [4, 3, 3], mode, align)
    for mode in (2, 3):
        for align in (0, 1):
            for size in ([4, 5], [13, 3], [9, 17], [1, 1]):
                resize_case((1, 1, 9, 12), size, mode, align, 1)
            resize_case((1, 1, 9, 12), None, mode, align, 1, scale=[0.37, 1.3])
            resize_case((1, 1, 9, 12), [4, 5], mode, align, 1, d='f64')
    for mode in (0, 1):
        resize_case((1, 1, 1, 97), [1, 61], mode)
        resize_case((1, 1, 1, 41), [1, 123], mode)
    resize_case((0, 2, 4, 5), [7, 9], 0)


def make_windows():
    for dims, k, dil, p, s in (((2, 3, 5, 6), [2, 3], [1, 1], [0, 0], [1, 1]),
                               ((1, 2, 7, 8), [3, 2], [2, 1], [1, 2], [2, 3]),
                               ((0, 2, 4, 4), [2, 2], [1, 1], [0, 0], [1, 1])):
        case('unfold', lambda x: F.unfold(x, k, dil, p, s), [G(dims)], (k, dil, p, s), tol=0)
        n = math.prod((dims[2 + i] + 2 * p[i] - dil[i] * (k[i] - 1) - 1) // s[i] + 1
                      for i in (0, 1))
        x = G((dims[0], dims[1] * k[0] * k[1], n))
        case('fold', lambda x: F.fold(x, dims[2:], k, dil, p, s), [x],
             (list(dims[2:]), k, dil, p, s))
    for d in ('f64', 'bf16'):
        case('unfold', lambda x: F.unfold(x, 2), [G((1, 2, 3, 4), d)],
             ([2, 2], [1, 1], [0, 0], [1, 1]), tol=0)
        case('fold', lambda x: F.fold(x, (4, 4), 2, stride=2), [G((1, 8, 4), d)],
             ([4, 4], [2, 2], [1, 1], [0, 0], [2, 2]))
    modes, pads = ('bilinear', 'nearest', 'bicubic'), ('zeros', 'border', 'reflection')
    for m in range(3):
        for p in range(3):
            for align in (0, 1):
                case('grid_sample',
                     lambda x, g: F.grid_sample(x, g, modes[m], pads[p], bool(align)),
                     [G((2, 2, 5, 4)), G((2, 3, 4, 2), 'f32', -1.6, 1.6)], (m, p, align), tol=4e-6)
        case('grid_sample', lambda x, g: F.grid_sample(x, g, modes[m], 'zeros', False),
             [G((1, 2, 5, 4), 'f64'), G((1, 3, 4, 2), 'f64', -1.3, 1.3)], (m, 0, 0))
        case('grid_sample', lambda x, g: F.grid_sample(x, g, modes[m], 'zeros', False),
             [G((1, 2, 5, 4)), G((1, 0, 4, 2))], (m, 0, 0))


def make_norms():
    for d in FLOATS:
        for dims in ((2, 3, 4, 5), (4, 3)):
            args = [G(dims, d), G((3,), d), G((3,), d, 0.1, 2), G((3,), d), G((3,), d)]
            case('batch_norm', lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, eps=1e-3), args,
                 (1e-3,))
        case('layer_norm', lambda x, w, b: F.layer_norm(x, (5, 7), w, b, 1e-5),
             [G((1, 2, 5, 7), d), G((5, 7), d), G((5, 7), d)], (2, 1e-5))
        case('layer_norm', lambda x: F.layer_norm(x, (7,), eps=1e-5), [G((3, 7), d)], (1, 1e-5))
        case('group_norm', lambda x, w, b: F.group_norm(x, 3, w, b, 1e-5),
             [G((2, 6, 3, 5), d), G((6,), d), G((6,), d)], (3, 1e-5))
        case('group_norm', lambda x: F.group_norm(x, 2), [G((2, 4), d)], (2, 1e-5))
        case('rms_norm', lambda x, w: F.rms_norm(x, (7,), w, 1e-6), [G((2, 3, 7), d), G((7,), d)],
             (1, 1e-6))
        case('rms_norm', lambda x: F.rms_norm(x, (3, 7), None, 1e-6), [G((2, 3, 7), d)], (2, 1e-6))
    case('batch_norm', lambda x, m, v: F.batch_norm(x, m, v), [G((1, 2, 260)), G((2,)),
                                                              G((2,), 'f32', 0.1, 2)], (1e-5,))
    case('layer_norm', lambda x, w, b: F.layer_norm(x, (301,), w, None),
         [G((2, 301)), G((301,)), None], (1, 1e-5))
    case('batch_norm', lambda x, m, v: F.batch_norm(x, m, v),
         [G((0, 3, 2)), G((3,)), G((3,), 'f32', 1, 2)], (1e-5,))
    case('layer_norm', lambda x: F.layer_norm(x, (7,)), [G((0, 7))], (1, 1e-5))
    case('group_norm', lambda x: F.group_norm(x, 2), [G((0, 4, 3))], (2, 1e-5))


def make_bounds():
    """The bounds that add, linear and convolutions may have."""
    inf = math.inf
    for d in FLOATS:
        case('add', lambda a, b: torch.clamp(a + b, -0.5, 1), [G((3, 1), d), G((2, 1, 4), d)],
             (-0.5, 1.0))
        case('linear', lambda x, w, b: F.relu(F.linear(x, w, b)),
             [G((2, 7), d), G((5, 7), d), G((5,), d)], (0.0, inf))
    case('add', lambda a, b: torch.clamp(a + b, -1, 2), [G((29,), 'f32', -3, 3, 's'), G((29,))],
         (-1.0, 2.0))
    case('add', lambda a, b: torch.clamp(a + b, max=0.25), [G((9,)), G((9,))], (-inf, 0.25))
    case('linear', lambda x, w, b: torch.clamp(F.linear(x, w), 2, -1), [G((7,)), G((5, 7)), None],
         (2.0, -1.0))
    for d in ('f32', 'f16'):
        case('conv', lambda x, w, b: F.relu6(F.conv2d(x, w, b, 1, 1)),
             [G((1, 2, 5, 5), d), G((3, 2, 3, 3), d), G((3,), d)],
             ([1, 1], [1, 1], [1, 1], 1, 0.0, 6.0))
        case('conv_transpose', lambda x, w, b: F.relu6(F.conv_transpose2d(x, w, b, 2)),
             [G((1, 2, 3, 3), d), G((2, 3, 2, 2), d), G((3,), d)],
             ([2, 2], [0, 0], [0, 0], [1, 1], 1, 0.0, 6.0))
    case('conv', lambda x, w, b: torch.clamp(F.conv1d(x, w), min=-1),
         [G((2, 2, 9), 'f32', -3, 3, 's'), G((3, 2, 1)), None], ([1], [0], [1], 1, -1.0, inf))


torch.manual_seed(0)
print('# made by make_cases.py with torch', torch.__version__)
for make in (make_unary, make_binary, make_reductions, make_scans, make_copies, make_indexing,
             make_linear, make_conv, make_recurrent, make_pools, make_resize, make_windows,
             make_norms, make_bounds, make_complex):
    make()
for s in skipped:
    print('left out:', s, file=sys.stderr)
