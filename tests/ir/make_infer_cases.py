#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/ir/infer.cases: operators of ops.def with inputs and attributes, and the result types
that PyTorch gives for the same call, or `error` where PyTorch refuses it.

    /usr/bin/python3 tests/ir/make_infer_cases.py > tests/ir/infer.cases      (PyTorch 1.13 or later)

A row is the text of one node (libcore/graph_text.c) with types in place of values:
    softmax(f32[2, 3]) dim=1 -> f32[2, 3]
"""
import random
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(1)
rng = random.Random(7)
NAMES = {torch.float32: 'f32', torch.float64: 'f64', torch.float16: 'f16', torch.bfloat16: 'bf16',
         torch.int64: 'i64', torch.int32: 'i32', torch.int16: 'i16', torch.int8: 'i8',
         torch.uint8: 'u8', torch.bool: 'bool', torch.complex64: 'c64'}
NUMBERS = {torch.float32: 6, torch.float64: 7, torch.int64: 4, torch.int32: 3, torch.bool: 11,
           torch.float16: 5}
rows = {}


def text_type(t):
    return '%s[%s]' % (NAMES[t.dtype], ', '.join(str(d) for d in t.shape))


def text_attr(v):
    if isinstance(v, (list, tuple)):
        return '[%s]' % ', '.join(text_attr(x) for x in v)
    if isinstance(v, bool):
        return str(int(v))
    return repr(v)


def case(op, ins, fn, **attrs):
    """One row: fn() is PyTorch's way to say it."""
    try:
        out = fn()
        out = out if isinstance(out, (list, tuple)) else [out]
        result = ', '.join(text_type(t) for t in out)
    except (RuntimeError, IndexError, ValueError, TypeError):
        result = 'error'
    row = '%s(%s)' % (op, ', '.join('_' if t is None else text_type(t) for t in ins))
    for k, v in attrs.items():
        row += ' %s=%s' % (k.rstrip('_'), text_attr(v))
    rows['%s -> %s' % (row, result)] = True


def f32(*dims):
    return torch.rand(dims)


def i64(*dims, below=1):
    return torch.randint(0, below, dims)


def flag(*dims):
    return torch.rand(dims) > 0.5


def elementwise():
    for op in ('neg abs sign floor ceil round trunc sqrt rsqrt reciprocal exp exp2 expm1 log log1p '
               'log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc '
               'sigmoid relu').split():
        for x in (f32(2, 3), f32(), f32(0, 4).double()):
            case(op, [x], lambda: getattr(torch, op)(x))
    case('neg', [flag(3)], lambda: -flag(3))
    x, d = f32(2, 3, 4), f32(2).double()
    for t in (x, d):
        case('log_sigmoid', [t], lambda: F.logsigmoid(t))
        case('hardsigmoid', [t], lambda: F.hardsigmoid(t))
        case('hardswish', [t], lambda: F.hardswish(t))
        case('silu', [t], lambda: F.silu(t))
        case('mish', [t], lambda: F.mish(t))
        case('clamp', [t], lambda: torch.clamp(t, 0.0, 1.0), min=0.0, max=1.0)
        case('gelu', [t], lambda: F.gelu(t), tanh=0)
        case('gelu', [t], lambda: F.gelu(t, approximate='tanh'), tanh=1)
        case('elu', [t], lambda: F.elu(t, 1.5), alpha=1.5, scale=1.0, input_scale=1.0)
        case('leaky_relu', [t], lambda: F.leaky_relu(t, 0.2), slope=0.2)
        case('softplus', [t], lambda: F.softplus(t), beta=1.0, threshold=20.0)
        case('hardshrink', [t], lambda: F.hardshrink(t, 0.4), lambda_=0.4)
        case('softshrink', [t], lambda: F.softshrink(t, 0.4), lambda_=0.4)
        case('threshold', [t], lambda: F.threshold(t, 0.4, 2.0), threshold=0.4, value=2.0)
        case('logical_not', [t], lambda: torch.logical_not(t))
        case('isnan', [t], lambda: torch.isnan(t))
        case('isinf', [t], lambda: torch.isinf(t))
        case('bitwise_not', [t], lambda: torch.bitwise_not(t))
        for to, n in NUMBERS.items():
            case('cast', [t], lambda: t.to(to), dtype=n)
    case('bitwise_not', [flag(3)], lambda: ~flag(3))
    shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((), (4, 1)), ((2, 1, 3), (5, 1)), ((2, 3), (3, 2)),
              ((0, 3), (1, 3)), ((0,), (2,)), ((1,), (0,)), ((4,), (4, 4, 1))]
    both = {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'div': torch.div,
            'div_floor': lambda a, b: torch.div(a, b, rounding_mode='floor'),
            'div_trunc': lambda a, b: torch.div(a, b, rounding_mode='trunc'),
            'remainder': torch.remainder, 'fmod': torch.fmod, 'pow': torch.pow,
            'maximum': torch.maximum, 'minimum': torch.minimum, 'atan2': torch.atan2,
            'eq': torch.eq, 'ne': torch.ne, 'lt': torch.lt, 'le': torch.le, 'gt': torch.gt,
            'ge': torch.ge}
    for op, fn in both.items():
        for a, b in rng.sample(shapes, 4):
            a, b = f32(*a), f32(*b)
            case(op, [a, b], lambda: fn(a, b))
    ints = {'bitwise_and': torch.bitwise_and, 'bitwise_or': torch.bitwise_or,
            'bitwise_xor': torch.bitwise_xor, 'shift_left': torch.bitwise_left_shift,
            'shift_right': torch.bitwise_right_shift, 'add': torch.add, 'sub': torch.sub}
    for op, fn in ints.items():
        for a, b in rng.sample(shapes, 3):
            a, b = i64(*a), i64(*b)
            case(op, [a, b], lambda: fn(a, b))
            case(op, [a > 0, b > 0], lambda: fn(a > 0, b > 0))
        case(op, [f32(3), f32(3)], lambda: fn(f32(3), f32(3)))
    case('prelu', [x, f32(3, 1)], lambda: F.prelu(x, f32(3)))
    for c, a, b in (((2, 3), (3,), (2, 1)), ((), (4,), (4,)), ((2,), (3,), (3,)), ((5, 1, 1), (2,), ())):
        c, a, b = flag(*c), f32(*a), f32(*b)
        case('where', [c, a, b], lambda: torch.where(c, a, b))


def reductions():
    # prod of several dims is made of one after the other by the lowering; so are any and all
    fns = {'sum': torch.sum, 'mean': torch.mean, 'amax': torch.amax, 'amin': torch.amin,
           'logsumexp': torch.logsumexp}
    shapes = [(2, 3, 4), (5,), (2, 0, 3), (1, 1), (3, 2)]
    for op, fn in fns.items():
        for shape in shapes:
            x = f32(*shape)
            for _ in range(3):
                dims = rng.sample(range(len(shape)), rng.randint(1, len(shape)))
                keep = rng.random() < 0.5
                case(op, [x], lambda: fn(x, dims, keep), dims=dims, keepdim=keep)
        x = f32(2, 3)
        case(op, [f32()], lambda: fn(f32(), [0], True), dims=[0], keepdim=1)
        case(op, [x], lambda: fn(x, [2], False), dims=[2], keepdim=0)
        case(op, [x], lambda: fn(x, [0, 0], False), dims=[0, 0], keepdim=0)
    for keep in (False, True):
        x = f32(2, 3, 4)
        case('sum', [x], lambda: torch.sum(x, [0, 1, 2], keep), dims=[], keepdim=keep)
        case('var', [x], lambda: torch.var(x, [1], unbiased=True, keepdim=keep), dims=[1],
             keepdim=keep, correction=1.0)
        case('prod', [x], lambda: torch.prod(x, 1, keep), dims=[1], keepdim=keep)
        case('any', [x], lambda: torch.any(x > 0, 2, keep), dims=[2], keepdim=keep)
        case('all', [x], lambda: torch.all(x > 0, 0, keep), dims=[0], keepdim=keep)
        case('argmax', [x], lambda: torch.argmax(x, 1, keep), dims=[1], keepdim=keep)
        case('argmin', [x], lambda: torch.argmin(x, 2, keep), dims=[2], keepdim=keep)
        e = f32(2, 0)
        case('argmax', [e], lambda: torch.argmax(e, 1, keep), dims=[1], keepdim=keep)
        case('argmax', [e], lambda: torch.argmax(e, 0, keep), dims=[0], keepdim=keep)
        case('norm', [x], lambda: torch.linalg.vector_norm(x, 3.0, [0, 2], keep), p=3.0,
             dims=[0, 2], keepdim=keep)
    case('argmax', [f32(2, 3)], lambda: torch.argmax(f32(2, 3)), dims=[], keepdim=0)
    case('argmax', [f32()], lambda: torch.argmax(f32(), 0), dims=[0], keepdim=0)
    for shape in ((2, 3), (4,), (2, 0), ()):
        x = f32(*shape)
        for dim in range(3):
            case('softmax', [x], lambda: torch.softmax(x, dim), dim=dim)
            case('log_softmax', [x], lambda: torch.log_softmax(x, dim), dim=dim)
            case('cumsum', [x], lambda: torch.cumsum(x, dim), dim=dim)
            case('cumprod', [x], lambda: torch.cumprod(x, dim), dim=dim)
            if dim < max(1, x.dim()) or x.numel() > 1:  # else PyTorch does not look at dim
                case('cummax', [x], lambda: torch.cummax(x, dim), dim=dim)
                case('cummin', [x], lambda: torch.cummin(x, dim), dim=dim)
            case('sort', [x], lambda: torch.sort(x, dim=dim, descending=True), dim=dim,
                 descending=1)
            for k in (0, 2, 4) if shape else (1, 2):
                case('topk', [x], lambda: torch.topk(x, k, dim), k=k, dim=dim, largest=1)
    for a, b in (((5,), (2, 3)), ((5,), ()), ((2, 5), (2, 3)), ((2, 5), (3, 3)), ((2, 5), (3,))):
        a, b = f32(*a).sort()[0], f32(*b)
        case('searchsorted', [a, b], lambda: torch.searchsorted(a, b, right=True), right=1)


def shapes():
    for shape, to in (((2, 3, 4), (6, 4)), ((2, 3, 4), (24,)), ((2, 3), (4, 2)), ((1,), ()),
                      ((0, 3), (5, 0, 2)), ((0,), (1,)), ((2, 3), (1, 2, 1, 3, 1))):
        x = f32(*shape)
        case('reshape', [x], lambda: torch.reshape(x, to), dims=to)
    for perm in ((0, 1, 2), (2, 0, 1), (1, 0), (0, 0, 1), (0, 1, 3)):
        x = f32(2, 3, 4)
        case('permute', [x], lambda: x.permute(perm), perm=perm)
    for shape, to in (((3,), (2, 3)), ((2, 1), (2, 5)), ((2, 3), (3,)), ((2,), (3,)), ((), (4,)),
                      ((1,), (0,)), ((2, 1, 3), (4, 2, 0, 3))):
        x = f32(*shape)
        case('expand', [x], lambda: x.expand(to), dims=to)
    for _ in range(40):
        n, d = rng.randint(0, 7), rng.randint(0, 1)
        x = f32(n, 3) if d == 0 else f32(2, n)
        start, length, step = rng.randint(0, 7), rng.randint(0, 4), rng.randint(1, 3)

        def cut():
            if start > n or (length and start + (length - 1) * step >= n):
                raise IndexError
            return torch.narrow(x, d, start, max(0, (length - 1) * step + 1 if length else 0)
                                ).narrow(d, 0, 0 if not length else (length - 1) * step + 1)[
                (slice(None),) * d + (slice(None, None, step),)]
        case('slice', [x], cut, dim=d, start=start, len=length, step=step)
    for _ in range(30):
        n, m = rng.randint(1, 7), rng.randint(0, 4)
        start, step = rng.randint(0, 7), rng.randint(1, 3)
        a, b = f32(n, 3), f32(m, 3)

        def put():
            if start > n or (m and start + (m - 1) * step >= n):
                raise IndexError
            return torch.slice_scatter(a, b, 0, start, start + m * step if m else start, step)
        case('slice_scatter', [a, b], put, dim=0, start=start, step=step)
    for _ in range(40):
        x = f32(rng.randint(1, 24))
        dims = [rng.randint(0, 4) for _ in range(rng.randint(0, 3))]
        strides = [rng.randint(0, 6) for _ in dims]
        offset = rng.randint(0, 6)
        if 0 in dims and offset > x.numel():
            continue  # PyTorch lets empty views begin anywhere
        case('as_strided', [x], lambda: torch.as_strided(x, dims, strides, offset).clone(),
             dims=dims, strides=strides, offset=offset)
        y = f32(*dims)
        case('as_strided_scatter', [x, y],
             lambda: torch.as_strided_scatter(x, y, dims, strides, offset), strides=strides,
             offset=offset)
    for dims in ((0,), (1, 0), (2,), (0, 0), ()):
        x = f32(2, 3)
        case('flip', [x], lambda: torch.flip(x, dims), dims=dims)
    for dims in ((3, 2), (2,), (0, 4, 2), (2, 3), ()):
        x = f32(*dims)
        case('as_complex', [x], lambda: torch.view_as_complex(x))
    for dims in ((3, 2), (), (0, 4)):
        x = torch.zeros(dims, dtype=torch.complex64)
        case('as_real', [x], lambda: torch.view_as_real(x).clone())
    case('as_real', [f32(3)], lambda: torch.view_as_real(f32(3)))
    for ins, d in ((((2, 3), (4, 3)), 0), (((2, 3), (2, 1), (2, 0)), 1), (((2, 3), (2, 4)), 0),
                   (((2,),), 0), (((2, 3), (2, 3)), 2), (((2, 3), (2,)), 0)):
        ins = [f32(*s) for s in ins]
        case('concat', ins, lambda: torch.cat(ins, d), dim=d)
    for mode, name in ((0, 'constant'), (1, 'reflect'), (2, 'replicate'), (3, 'circular')):
        for _ in range(25):
            h, w = rng.randint(1, 5), rng.randint(1, 5)
            low = -3 if mode == 0 else 0
            p = [rng.randint(low, 5) for _ in range(4)]
            x = f32(1, 2, h, w)
            if mode == 0 and 0 in (w + p[0] + p[1], h + p[2] + p[3]):
                continue  # PyTorch of 2022 crops no dimension to nothing

            def pad():
                if mode == 0 and (min(p[:2]) < -w or min(p[2:]) < -h):
                    raise RuntimeError('crops more than there is')
                return F.pad(x, p, mode=name)
            case('pad', [x], pad, before=[0, 0, p[2], p[0]], after=[0, 0, p[3], p[1]], mode=mode,
                 value=0.0)
    for k in (-1, 0, 2):
        for shape in ((3, 4), (2, 3, 3), (4,)):
            x = f32(*shape)
            case('tril', [x], lambda: torch.tril(x, k), diagonal=k)
            case('triu', [x], lambda: torch.triu(x, k), diagonal=k)
    for d, n in NUMBERS.items():
        case('full', [], lambda: torch.full((2, 3), 1.0, dtype=d), dtype=n, dims=[2, 3], value=1.0)
        if not d.is_floating_point:
            case('full_int', [], lambda: torch.full((), 1, dtype=d), dtype=n, dims=[], value=1)
    case('full', [], lambda: torch.full((2, -3), 1.0), dtype=6, dims=[2, -3], value=1.0)
    case('arange', [], lambda: torch.arange(2, 12, 3), dtype=4, len=4, start=2, step=3)
    case('arange', [], lambda: torch.arange(5, 5), dtype=4, len=0, start=5, step=1)
    case('random', [], lambda: torch.rand(2, 3), dtype=6, dims=[2, 3], kind=0, a=0.0, b=1.0,
         seed=1, stream=0)
    case('random', [], lambda: torch.randn(4), dtype=6, dims=[4], kind=1, a=0.0, b=1.0, seed=1,
         stream=0)
    case('random', [], lambda: torch.normal(0.0, -1.0, (4,)), dtype=6, dims=[4], kind=1, a=0.0,
         b=-1.0, seed=1, stream=0)
    case('random', [], lambda: torch.randint(0, 9, (4,)), dtype=4, dims=[4], kind=3, a=0.0, b=9.0,
         seed=1, stream=0)
    case('random', [], lambda: torch.randint(3, 3, (4,)), dtype=4, dims=[4], kind=3, a=3.0, b=3.0,
         seed=1, stream=0)
    case('random', [], lambda: torch.bernoulli(f32(2), 1.5), dtype=6, dims=[2], kind=2, a=1.5,
         b=0.0, seed=1, stream=0)


def indexing():
    for a, b, d in (((3, 4), (2, 4), 0), ((3, 4), (3, 9), 1), ((3, 4), (4, 4), 1), ((3,), (5,), 0),
                    ((3, 4), (3,), 0), ((3, 4), (0, 7), 1), ((3, 4), (3, 4), 2), ((), (), 0)):
        a, b = f32(*a), i64(*b)
        case('gather', [a, b], lambda: torch.gather(a, d, b), dim=d)
        s = f32(*b.shape)
        case('scatter', [a, b, s], lambda: torch.scatter(a, d, b, s), dim=d, mode=0)
        case('scatter', [a, b, s], lambda: torch.scatter_add(a, d, b, s), dim=d, mode=1)
    for a, b, d in (((3, 4), (5,), 0), ((3, 4), (0,), 1), ((3, 4), (), 1), ((3, 4), (2, 2), 0),
                    ((3, 4), (2,), 2), ((), (), 0), ((), (1,), 0)):
        a, b = f32(*a), i64(*b)
        case('index_select', [a, b], lambda: torch.index_select(a, d, b), dim=d)
    for _ in range(60):
        rank = rng.randint(1, 4)
        a = f32(*[rng.randint(1, 4) for _ in range(rank)])
        dims = sorted(rng.sample(range(rank), rng.randint(1, rank)))
        common = [rng.randint(1, 3) for _ in range(rng.randint(0, 3))]
        idx = []
        for _d in dims:
            s = [n if rng.random() < 0.7 else 1 for n in common][rng.randint(0, len(common)):]
            if s and rng.random() < 0.08:
                s[0] += 1
            idx.append(i64(*s))
        full = [slice(None)] * rank
        for d, t in zip(dims, idx):
            full[d] = t
        args = [None if isinstance(t, slice) else t for t in full]
        case('index', [a] + idx, lambda: torch.ops.aten.index(a, args), dims=dims)
        try:
            shape = torch.ops.aten.index(a, args).shape
        except (RuntimeError, IndexError):
            shape = (2,)
        v = f32(*[n if rng.random() < 0.7 else 1 for n in shape][rng.randint(0, len(shape)):])
        if v.dim() and rng.random() < 0.1:
            v = torch.cat([v, v, v])
        case('index_put', [a, v] + idx, lambda: torch.ops.aten.index_put(a, args, v, True),
             dims=dims, accumulate=1)
    for a, b in (((5, 3), (2, 4)), ((5, 3), ()), ((5,), (2,)), ((5, 3), (0,))):
        a, b = f32(*a), i64(*b)
        case('embedding', [a, b], lambda: F.embedding(b, a))


def products():
    for a, b in (((2, 3), (3, 4)), ((2, 3), (4, 3)), ((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (6, 3, 4)),
                 ((5, 2, 3), (4, 3, 4)), ((2, 0), (0, 4)), ((0, 2, 3), (1, 3, 4))):
        a, b = f32(*a), f32(*b)
        case('matmul', [a, b], lambda: torch.matmul(a, b))
    case('matmul', [f32(2, 3), f32(3, 2).double()],
         lambda: torch.matmul(f32(2, 3), f32(3, 2).double()))
    for x, w, b in (((2, 3), (4, 3), 4), ((3,), (4, 3), 4), ((5, 2, 3), (4, 3), None),
                    ((2, 3), (3, 4), None), ((2, 3), (4, 3), 3), ((0, 3), (4, 3), 4)):
        x, w, b = f32(*x), f32(*w), None if b is None else f32(b)
        case('linear', [x, w, b], lambda: F.linear(x, w, b))
    # scaled_dot_product_attention is younger than Debian's PyTorch: its definition
    for q, k, v, m in (((2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 6), None),
                       ((5, 8), (7, 8), (7, 8), (5, 7)), ((2, 5, 8), (2, 7, 8), (2, 7, 3), (5, 7)),
                       ((2, 5, 8), (2, 7, 8), (2, 6, 8), None), ((5, 8), (7, 6), (7, 8), None),
                       ((2, 5, 8), (1, 7, 8), (1, 7, 8), (2, 1, 7)), ((5, 8), (7, 8), (7, 8), (5, 6))):
        q, k, v, m = f32(*q), f32(*k), f32(*v), None if m is None else f32(*m)

        def attend():
            s = q @ k.transpose(-1, -2)
            return torch.softmax(s if m is None else s + m, -1) @ v
        case('sdpa', [q, k, v, m], attend, scale=0.5, causal=0)
    for t, b, i, h in ((5, 2, 3, 4), (1, 1, 1, 1), (0, 2, 3, 4)):
        x, s = f32(t, b, i), f32(b, h)
        for op, gates in (('gru', 3), ('rnn', 1)):
            net = (torch.nn.GRU if op == 'gru' else torch.nn.RNN)(i, h)
            w = list(net.parameters())
            extra = {'relu': 0} if op == 'rnn' else {}
            if t:
                case(op, [x, s] + w, lambda: [net(x, s[None])[0], net(x, s[None])[1][0]],
                     reverse=0, **extra)
            bad = f32(b, h + 1)
            case(op, [x, bad] + w, lambda: net(x, bad[None]), reverse=0, **extra)
        net = torch.nn.LSTM(i, h)
        w = list(net.parameters())
        if t:
            def run():
                y, (hn, cn) = net(x, (s[None], s[None]))
                return y, hn[0], cn[0]
            case('lstm', [x, s, s] + w, run, reverse=0)
            case('lstm', [x, s, s] + w[:2], run, reverse=1)
    for a, b in (((3, 4), (5, 4)), ((2, 3, 4), (5, 4)), ((3, 4), (5, 3))):
        a, b = f32(*a), f32(*b)
        case('cdist', [a, b], lambda: torch.cdist(a, b), p=2.0)


def convolutions():
    for _ in range(110):
        n = rng.choice((1, 2, 2, 2, 3))
        groups = rng.choice((1, 1, 2, 4))
        c, o = groups * rng.randint(1, 2), groups * rng.randint(1, 2)
        if rng.random() < 0.06:
            c += 1
        x = f32(rng.choice((1, 2)), c, *[rng.randint(1, 9) for _ in range(n)])
        w = f32(o, max(1, c // groups), *[rng.randint(1, 4) for _ in range(n)])
        b = rng.choice((None, f32(o), f32(o), f32(o + 1) if rng.random() < 0.2 else None))
        s, p, d = [[rng.randint(lo, hi) for _ in range(n)] for lo, hi in ((1, 3), (0, 2), (1, 3))]
        fn = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
        case('conv', [x, w, b], lambda: fn(x, w, b, s, p, d, groups), stride=s, padding=p,
             dilation=d, groups=groups)
    for _ in range(110):
        n = rng.choice((1, 2, 2, 2, 3))
        groups = rng.choice((1, 1, 2, 4))
        c, o = groups * rng.randint(1, 2), rng.randint(1, 2)
        if rng.random() < 0.06:
            c += 1
        x = f32(1, c, *[rng.randint(1, 6) for _ in range(n)])
        w = f32(c, o, *[rng.randint(1, 4) for _ in range(n)])
        b = rng.choice((None, f32(o * groups), f32(o * groups + 1) if rng.random() < 0.2 else None))
        s, p, e, d = [[rng.randint(lo, hi) for _ in range(n)]
                      for lo, hi in ((1, 3), (0, 2), (0, 1), (1, 3))]
        fn = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
        case('conv_transpose', [x, w, b], lambda: fn(x, w, b, s, p, e, groups, d), stride=s,
             padding=p, output_padding=e, dilation=d, groups=groups)


def pools():
    for _ in range(130):
        n = rng.choice((1, 2, 2, 2, 3))
        x = f32(1, 2, *[rng.randint(1, 12) for _ in range(n)])
        k, s = [[rng.randint(1, 5) for _ in range(n)] for _ in range(2)]
        p = [rng.randint(0, a // 2) if rng.random() < 0.95 else a for a in k]
        d = [rng.choice((1, 1, 2, 3)) for _ in range(n)]
        ceil = rng.random() < 0.6
        mx = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1]
        av = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[n - 1]
        # more than PyTorch of 2022 takes: pads up to half of the dilated kernel (PyTorch 2 does), 3-d
        # averages over kernels larger than the input without its pads
        if not any(a // 2 < q <= ((a - 1) * e + 1) // 2 for a, q, e in zip(k, p, d)):
            case('max_pool', [x], lambda: mx(x, k, s, p, d, ceil, True), kernel=k, stride=s,
                 padding=p, dilation=d, ceil=ceil)
        if n < 3 or all(a <= b for a, b in zip(k, x.shape[2:])):
            case('avg_pool', [x], lambda: av(x, k, s, p, ceil), kernel=k, stride=s, padding=p,
                 ceil=ceil, count_include_pad=1, divisor=0)
    for n in (1, 2, 3):
        for _ in range(4):
            x = f32(2, 3, *[rng.randint(1, 9) for _ in range(n)])
            size = [rng.randint(1, 12) for _ in range(n)]
            av = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[n - 1]
            mx = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[n - 1]
            case('adaptive_avg_pool', [x], lambda: av(x, size), size=size)
            case('adaptive_max_pool', [x], lambda: mx(x, size, True), size=size)
            for mode, name in ((0, 'nearest'), (1, 'nearest-exact'),
                               (2, ('linear', 'bilinear', 'trilinear')[n - 1])):
                case('resize', [x], lambda: F.interpolate(x, size, mode=name), size=size,
                     mode=mode, align_corners=0, antialias=0, scale=[0.0] * n)
    x = f32(1, 2, 4, 5)
    case('resize', [x], lambda: F.interpolate(x, (7, 3), mode='bicubic', align_corners=True),
         size=[7, 3], mode=3, align_corners=1, antialias=0, scale=[0.0, 0.0])
    case('resize', [x], lambda: F.interpolate(x, (2, 3), mode='bicubic', antialias=True),
         size=[2, 3], mode=3, align_corners=0, antialias=1, scale=[0.0, 0.0])
    case('resize', [x], lambda: F.interpolate(x, (0, 3), mode='bilinear'), size=[0, 3], mode=2,
         align_corners=0, antialias=0, scale=[0.0, 0.0])
    case('resize', [f32(1, 2, 4)], lambda: F.interpolate(f32(1, 2, 4), 7, mode='bicubic'), size=[7],
         mode=3, align_corners=0, antialias=0, scale=[0.0])
    for _ in range(40):
        k, d, s = [[rng.randint(1, 3) for _ in range(2)] for _ in range(3)]
        p = [rng.randint(0, 2) for _ in range(2)]
        x = f32(2, 3, rng.randint(1, 7), rng.randint(1, 7))
        case('unfold', [x], lambda: F.unfold(x, k, d, p, s), kernel=k, dilation=d, padding=p,
             stride=s)
        try:
            y = F.unfold(x, k, d, p, s)
        except RuntimeError:
            y = f32(2, 3 * k[0] * k[1], 4)
        if rng.random() < 0.2:
            y = y[:, 1:] if rng.random() < 0.5 else torch.cat([y, y], 2)
        size = list(x.shape[2:])
        case('fold', [y], lambda: F.fold(y, size, k, d, p, s), size=size, kernel=k, dilation=d,
             padding=p, stride=s)
    for x, g in (((2, 3, 4, 5), (2, 6, 7, 2)), ((2, 3, 4, 5), (1, 6, 7, 2)),
                 ((2, 3, 4, 5), (2, 6, 7, 3)), ((2, 3, 4, 5), (2, 0, 7, 2))):
        x, g = f32(*x), f32(*g)
        case('grid_sample', [x, g], lambda: F.grid_sample(x, g, align_corners=True), mode=0,
             padding=0, align_corners=1)


def norms():
    for shape, c in (((2, 3), 3), ((2, 3, 4, 5), 3), ((2, 3, 4), 4), ((3,), 3)):
        x, m, v, w = f32(*shape), f32(c), f32(c), f32(c)
        case('batch_norm', [x, m, v, w, None], lambda: F.batch_norm(x, m, v, w), eps=1e-05)
        case('batch_norm', [x, m, v], lambda: F.batch_norm(x, m, v), eps=1e-05)
    for shape, norm in (((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((2, 3, 4), (3,)), ((4,), (4,)),
                        ((4,), (1, 4))):
        x, w = f32(*shape), f32(*norm)
        case('layer_norm', [x, w, w], lambda: F.layer_norm(x, norm, w, w), rank=len(norm),
             eps=1e-05)
        case('rms_norm', [x, w], lambda: F.layer_norm(x, norm, w), rank=len(norm), eps=1e-05)
    for shape, groups in (((2, 6, 4), 3), ((2, 6), 2), ((2, 6, 3, 3), 4), ((2, 6, 3), 0)):
        x, w = f32(*shape), f32(6)
        case('group_norm', [x, w, w],
             lambda: F.group_norm(x, groups, w, w) if groups else (_ for _ in ()).throw(ValueError),
             groups=groups, eps=1e-05)


for family in (elementwise, reductions, shapes, indexing, products, convolutions, pools, norms):
    family()
print('# SPDX-License-Identifier: BSD-2-Clause')
print('# Made by tests/ir/make_infer_cases.py with PyTorch %s: do not edit.' % torch.__version__)
print('\n'.join(rows))
print('%d rows, %d of them errors' % (len(rows), sum(r.endswith('error') for r in rows)),
      file=sys.stderr)
