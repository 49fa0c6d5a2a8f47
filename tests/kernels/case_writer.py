# SPDX-License-Identifier: BSD-2-Clause
"""Generated inputs and the text form of the cases that make_cases.py makes.

One case (check_ref.c reads it):
  case OP
  attr i:1 f:0.5 ...             flat, as kernels/ref.h says
  in DTYPE RANK DIM... KIND SEED LO HI     generated, see values(); or
  in DTYPE RANK DIM... list V...           or: in absent
  out DTYPE RANK DIM... V...
  tol T                          |got - want| <= T * max |want|; 0: exact
  fail CODE                      the kernel returns CODE; its outputs are
  outdims DTYPE RANK DIM...
  end
Values of c64 are the 64-bit integers that have their bits.
"""
import math

import numpy as np
import torch

DTYPES = {'u8': torch.uint8, 'i8': torch.int8, 'i16': torch.int16, 'i32': torch.int32,
          'i64': torch.int64, 'f16': torch.float16, 'f32': torch.float32, 'f64': torch.float64,
          'bool': torch.bool, 'bf16': torch.bfloat16}
NUMBER = {'u8': 0, 'i8': 1, 'i16': 2, 'i32': 3, 'i64': 4, 'f16': 5, 'f32': 6, 'f64': 7, 'bool': 11,
          'bf16': 15}
NAMES = {v: k for k, v in DTYPES.items()}
NAMES[torch.complex64] = 'c64'
TOL = {'f32': 2e-6, 'f64': 1e-13, 'f16': 1e-3, 'bf16': 8e-3}
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0]
seed = 0
skipped = []


def bits(t):
    return t.contiguous().view(torch.int64) if t.is_complex() else t


def mix(z):
    with np.errstate(over='ignore'):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
    return z ^ (z >> np.uint64(31))


def values(n, dtype, kind, s, lo, hi):
    """u: uniform; s: uniform with NaN, infinities and zeros between; h: multiples of 0.5"""
    with np.errstate(over='ignore'):
        h = mix(np.arange(n, dtype=np.uint64) * np.uint64(0x9e3779b97f4a7c15) + np.uint64(s))
    if dtype == 'bool':
        return (h & np.uint64(1)).astype(bool)
    if dtype[0] in 'iu':
        return (h % np.uint64(hi - lo)).astype(np.int64) + lo
    v = (h >> np.uint64(40)).astype(np.float64) / 2.0 ** 24 * (hi - lo) + lo
    if kind == 'h':
        v = np.floor(v * 2) / 2
    if kind == 's':
        for i in range(3, n, 5):
            v[i] = SPECIAL[i // 5 % 5]
    return v


class G:
    """An input: generated, or the given list of values."""

    def __init__(self, dims, dtype='f32', lo=-3, hi=3, kind='u', data=None):
        global seed
        seed += 1
        self.dims, self.dtype = list(dims), dtype
        n = math.prod(self.dims)
        if data is None:
            v = values(n, dtype, kind, seed, lo, hi)
            self.text = f'{kind} {seed} {lo} {hi}'
            self.t = torch.from_numpy(v).reshape(self.dims)
        else:
            self.t = torch.as_tensor(data).reshape(self.dims)
            self.text = None
        if dtype in ('f16', 'bf16'):
            self.t = self.t.float()
        if dtype != 'c64':
            self.t = self.t.to(DTYPES[dtype])
        if self.text is None:
            self.text = 'list ' + ' '.join(number(v) for v in bits(self.t).flatten().tolist())

    def line(self):
        return ' '.join(['in', self.dtype, str(len(self.dims)), *map(str, self.dims), self.text])


def number(v, dtype='f64'):
    if isinstance(v, bool):
        return str(int(v))
    if isinstance(v, int):
        return str(v)
    if math.isnan(v):
        return 'nan'
    v = float(v) if dtype == 'f64' else np.float32(v)
    return np.format_float_scientific(v, trim='-', exp_digits=1).replace('e+0', '') \
        if v and not 1e-4 < abs(v) < 1e7 else np.format_float_positional(v, trim='-')


def attr_words(attrs):
    words = []
    for a in attrs:
        if isinstance(a, (bool, int)):
            words.append(f'i:{int(a)}')
        elif isinstance(a, float):
            words.append('f:%.17g' % a)
        elif isinstance(a, tuple):  # a list of floats
            words += [f'i:{len(a)}'] + ['f:%.17g' % v for v in a]
        else:
            words += [f'i:{len(a)}'] + [f'i:{v}' for v in a]
    return words


def case(op, fn, ins, attrs=(), tol=None, fail=None):
    """fn gets the tensors (None: absent) and gives the outputs."""
    try:
        outs = fn(*[None if g is None else g.t for g in ins])
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as e:
        skipped.append(f'{op}: {str(e).splitlines()[0][:90]}')
        return
    if isinstance(outs, torch.Tensor):
        outs = [outs]
    lines = [f'case {op}']
    if attrs:
        lines.append(' '.join(['attr', *attr_words(attrs)]))
    lines += ['in absent' if g is None else g.line() for g in ins]
    for o in outs:
        d = NAMES[o.dtype]
        vs = [] if fail else [number(v, d) for v in bits(o).flatten().tolist()]
        lines.append(' '.join(['outdims' if fail else 'out', d, str(o.dim()),
                               *map(str, o.shape), *vs]))
    if tol is None:
        tol = max(TOL.get(NAMES[o.dtype], 0) for o in outs)
    lines.append(f'fail {fail}' if fail else f'tol {tol:g}')
    print('\n'.join(lines + ['end']))
