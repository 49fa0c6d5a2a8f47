#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes scripted modules that exercise operators on numbers, strings, lists, dicts and attributes.

usage: prim_cases.py OUTDIR     (run it with each PyTorch; names end in _113 for version 1.13)

Each CASE.pt has a method text() that gives str() of every expression below, and a forward() that
gives the characters' codes of all that text, one line each, for CASE.out0.npy. To look at a
difference: ptm run CASE.pt --method text, and CASE.txt (written beside, not committed).
raises.pt has a method e0, e1, ... per expression that raises: tests/unit/test_prim.c has the
messages. old.pt says that it is of operator version 3.
"""
import os
import sys
import typing  # noqa: F401  (names in the annotations below)
import warnings
from typing import Dict, List, Optional, Tuple  # noqa: F401

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
V1 = torch.__version__.startswith("1.")

# family -> [(type of x, expressions of x, values of x)]
CASES = {
    "str": [
        ("str", [
            "x.find('b')", "x.find('b', 2)", "x.find('b', -2)", "x.find('b', 0, -2)", "x.find('', 0)",
            "x.rfind('b')", "x.rfind('b', 0, 3)", "x.rfind('b', 0, -2)", "x.count('a')",
            "x.count('b', 1)", "x.count('b', 0, -2)", "x.startswith('ab')", "x.startswith('b', 1)",
            "x.startswith('b', 1, 1)", "x.endswith('b')", "x.endswith('b', 0, 2)",
            "x.endswith('b', 0, -2)", "x.split()", "x.split(',')", "x.split(',', 1)", "x.rsplit(',')",
            "x.rsplit(',', 1)", "x.splitlines()", "x.partition(',')", "x.rpartition(',')",
            "'<' + x.strip() + '>'", "'<' + x.lstrip() + '>'", "'<' + x.rstrip() + '>'",
            "x.strip('ab')", "x.replace('a', 'xx')", "x.replace('b', '', 1)", "x.zfill(6)",
            "x.center(7, '*')", "x.center(8, '*')", "x.ljust(7, '*')", "x.rjust(7, '.')", "x.upper()",
            "x.lower()", "x.swapcase()", "x.capitalize()", "x.title()", "x.expandtabs()",
            "x.expandtabs(3)", "x.isalpha()", "x.isdigit()", "x.isalnum()", "x.isspace()",
            "x.isupper()", "x.islower()", "x.istitle()", "x.isdecimal()", "x.isnumeric()",
            "x.isprintable()", "x[1:3]", "x[-2:]", "x[::2]", "x[4:1]", "x[:-1]",
            "list(x)", "len(x)", "x + '!'", "'b' in x", "x < 'ab'", "x == 'ab'", "x != 'ab'",
            "x >= 'b'", "bool(x)", "hash(x)", "x.join(['1', '2', '3'])", "x.join(['1'])",
            "[c for c in x]", "'%s|%s' % (x, x)", "'{}|{}'.format(x, 3)", "x.find(x)",
        ], ["ab", "abcb", " a,b ,c b\t", "Hello World", "a\nb\r\nc", "aAbB,1x", "Ab Cd", "12",
            "b,b,b", "HELLO", "hello you", "banana bab"]),
        ("str", ["x.find('b')", "x.rfind('b')", "x.count('a')", "x.startswith('')", "x.endswith('b')",
                 "x.split()", "x.split(',')", "x.splitlines()", "x.partition(',')", "x.strip()",
                 "x.zfill(3)", "x.center(3)", "x.upper()", "x.capitalize()", "x.title()", "x.isalpha()",
                 "x.isprintable()", "x.istitle()", "x[1:]", "list(x)", "len(x)", "bool(x)", "hash(x)",
                 "x.join(['1', '2'])", "x + 'a'"], ["", "q"]),
        ("str", ["int(x)", "float(x)"], ["12", " 7", "-3", "+4"]),
        ("str", ["float(x)"], ["1e3", "0.1", "inf", "-2.5"]),
        ("str", ["ord(x)", "x[0]", "x[-1]"], ["a", "Z", "~"]),
        ("int", ["chr(x)", "hex(x)", "oct(x)", "bin(x)", "hash(x)"], [65, 0x41, 97, 33]),
        ("int", ["hex(x)", "oct(x)", "bin(x)"], [0, -255, 2**62, -1]),
    ],
    "num": [
        ("int", ["x + 3", "x - 3", "3 * x", "x / 4", "x // 4", "x // -4", "x % 4", "x % -4", "-x",
                 "abs(x)", "x ** 2", "2 ** x", "float(x) ** 2", "x & 6", "x | 6", "x ^ 6", "x << 2",
                 "x >> 1", "x == 3", "x != 3", "x < 3", "x <= 3", "x > 3", "x >= 3", "float(x)",
                 "bool(x)", "int(x)", "str(x)", "round(x)", "x + 0.5", "0.5 - x", "x * 0.5", "x / 0.5",
                 "x // 0.5", "x % 0.75", "x == 3.0", "x < 2.5", "max(x, 3)", "min(x, 3)",
                 "max(x, 2.5)", "min(x, 2.5)", "divmod(x, 4)", "math.sqrt(abs(x))", "math.exp(x)",
                 "math.floor(x)", "math.ceil(x)", "math.fabs(x)", "math.gcd(x, 12)", "not x == 3",
                 "x > 0 and x < 5", "x is None", "[i for i in range(x)]", "[i for i in range(0, x, 2)]",
                 "[i for i in range(x, -2, -3)]", "str(torch.tensor(x).item())", "x if x > 2 else -x"],
         [0, 1, 3, 7, -7, 5]),
        ("float", ["x + 3", "x - 3.5", "3 * x", "x / 4", "x // 2", "x // -2.0", "x % 2.0", "x % -2.0",
                   "x % 3", "-x", "abs(x)", "x ** 2", "x ** 2.0", "x == 2.5", "x != 2.5", "x < 2.5",
                   "x <= 2.5", "x > 2.5", "x >= 2.5", "float(x)", "bool(x)", "int(x)", "round(x)",
                   "max(x, 1.5)", "min(x, 1.5)", "max(x, 1)", "min(x, 1)", "divmod(x, 2.0)",
                   "math.floor(x)", "math.ceil(x)", "math.fabs(x)", "math.exp(x)", "math.sin(x)",
                   "math.cos(x)", "math.tan(x)", "math.atan(x)", "math.sinh(x)", "math.cosh(x)",
                   "math.tanh(x)", "math.asinh(x)", "math.atan2(x, 2.0)", "math.copysign(2.0, x)",
                   "math.fmod(x, 2.0)", "math.degrees(x)", "math.radians(x)", "math.erf(x)",
                   "math.erfc(x)", "math.expm1(x)", "math.ldexp(x, 3)", "math.isnan(x)",
                   "math.isinf(x)", "math.isfinite(x)", "math.pow(x, 2.0)", "x",
                   "math.modf(x)", "math.frexp(x)", "'%f %e %d %s' % (x, x, x, x)"],
         [0.0, 1.0, 2.5, -2.5, 0.5, 1.5, 3.75, -0.1, 6.0]),
        ("float", ["math.sqrt(x)", "math.log(x)", "math.log10(x)", "math.log1p(x)", "math.log(x, 2)",
                   "math.lgamma(x)", "math.gamma(x)", "str(x)"],
         [1.0, 2.0, 0.3, 10.0, 1e10, 123456789.0, 1e-7, 12345678901.0, 0.1]),
        ("float", ["math.asin(x)", "math.acos(x)", "math.atanh(x)"], [0.0, 0.5, -0.5]),
        ("float", ["math.acosh(x)"], [1.0, 2.5]),
        ("float", ["str(x)", "x + 1", "math.isnan(x)", "math.isinf(x)", "math.isfinite(x)"],
         [float("inf"), float("-inf"), 1e300, -0.0]),
        ("bool", ["not x", "x and True", "x or False", "x == True", "x != True", "int(x)", "float(x)",
                  "str(x)", "x & True", "x | False", "x ^ True", "x is None", "'{}'.format(x)",
                  "hash(3)", "'%s' % x"], [True, False]),
        ("Optional[int]", ["x is None", "x is not None", "x is None",
                           "str(x)", "x + 1 if x is not None else 0", "'{}'.format(x)"], [None, 4]),
    ],
    "list": [
        ("List[int]", ["x", "len(x)", "x[1:3]", "x[-2:]", "x[::2]", "x[::-1]", "x[3:0:-2]", "x[-9:9]",
                       "x[5:1]", "x + [7]", "x * 2", "2 * x", "x * 0", "list(x)", "x.copy()", "3 in x",
                       "9 in x", "x.count(3)", "sorted(x)", "sum(x)", "x == [3, 1, 2]",
                       "x != [3, 1, 2]", "any(x)", "all(x)", "str(x)", "[i + 1 for i in x]",
                       "[i for i in x if i > 1]", "max(x, [3])", "min(x, [3])", "bool(len(x))",
                       "[j for i, j in enumerate(x)]", "list(range(len(x)))", "self.mutate(x.copy())",
                       "[a * b for a, b in zip(x, x)]", "x is None", "x"],
         [[3, 1, 2], [], [5], [4, 3, 3, 9, -1, 0]]),
        ("List[int]", ["x[0]", "x[-1]", "max(x)", "min(x)", "x.index(3)", "self.popped(x.copy())",
                       "self.swapped(x.copy())"], [[3, 1, 2], [3], [1, 3, 3, 2]]),
        ("List[float]", ["x", "sum(x)", "sorted(x)", "max(x)", "min(x)", "x[0]", "1.5 in x",
                         "x.count(1.5)", "x.index(1.5)", "any(x)", "all(x)", "x == [1.5]"],
         [[1.5], [2.0, 1.5, 0.0], [1.5, 1.5, -3.0]]),
        ("List[bool]", ["x", "sum(x)", "any(x)", "all(x)", "max(x)", "min(x)", "x.count(True)",
                        "sorted(x)", "x == [True]"], [[True], [True, False, True]]),
        ("List[str]", ["x", "len(x)", "'b' in x", "sorted(x)", "','.join(x)", "x.count('b')",
                       "x + ['z']", "x == ['b']", "any(x)", "x.index('b')"],
         [["b"], ["c", "a", "b"], ["b", "", "b"]]),
        ("List[Tuple[int, str]]", ["x", "sorted(x)", "[a for a, b in x]", "dict(x)", "x[0]", "x[0][1]"],
         [[(2, "b"), (1, "a"), (2, "a")], [(0, "")]]),
        ("List[List[int]]", ["x", "len(x)", "x[0]", "[len(i) for i in x]", "x[0] == [1]"],
         [[[1], [2, 3]], [[], [4]]]),
        ("Tuple[int, float, str]", ["x", "x[0]", "x[-1]", "x[0] + 1", "x[1:]", "x",
                                    "str(x)"], [(1, 2.5, "a")]),
    ],
    "dict": [
        ("Dict[str, int]", ["x", "len(x)", "x.keys()", "x.values()", "x.items()", "'a' in x", "'z' in x",
                            "x.get('a')", "x.get('z')", "x.get('z', 5)", "x.get('a', 5)", "list(x)",
                            "x.copy()", "dict(x)", "[k for k in x]", "[k + str(v) for k, v in x.items()]",
                            "{k: v * 2 for k, v in x.items()}", "self.fill(x.copy())", "str(x)",
                            "x.copy().setdefault('a', 8)", "x.copy().setdefault('q', 8)",
                            "x.copy().pop('z', 3)", "'{}'.format(x)"],
         [{"a": 1, "b": 2}, {}, {"b": 7}]),
        ("Dict[str, int]", ["x['a']", "x.copy().pop('a')", "x.copy().popitem()", "self.without(x.copy())"],
         [{"a": 1, "b": 2}, {"a": 3}]),
        ("Dict[int, str]", ["x", "x.keys()", "x.values()", "3 in x", "x.get(3)", "x.get(4, '?')", "len(x)",
                            "sorted(x.keys())"], [{3: "c", 1: "a"}, {7: ""}]),
        ("Dict[float, int]", ["x", "0.5 in x", "x.get(0.5, 9)", "x.items()"], [{0.5: 1}, {1.5: 2}]),
    ],
    "attr": [
        ("Tensor", ["x.size()", "x.shape", "x.dim()", "x.ndim", "x.numel()", "x.stride()", "len(x)",
                    "x.size(0)", "x.size(-1)", "x.stride(0)", "x.stride(-1)", "x.storage_offset()",
                    "x.is_contiguous()", "x.dtype", "x.device", "x.device.type", "x.device.index",
                    "x.layout", "x.is_cuda", "x.is_quantized", "x.is_sparse",
                    "x.is_floating_point()", "x.is_complex()", "x.dim()",
                    "x.element_size()", "x.t().stride() if x.dim() == 2 else [0]",
                    "x.t().is_contiguous() if x.dim() == 2 else False",
                    "x[1:].storage_offset()", "x.unsqueeze(0).shape", "x.shape[0] * 2",
                    "x.shape == x.size()", "x.dim()", "x.sum().item() > 2",
                    "int(x.sum())", "float(x.sum())", "bool(x.sum() > 0)", "x.is_leaf",
                    "x.device == torch.device('cpu')", "x.dtype == torch.float32", "x.data.shape",
                    "x.get_device()", "torch.is_floating_point(x)", "x.shape[-1] // 2", "x.nelement()",
                    "torch.numel(x)", "x.is_same_size(x)", "torch.jit.is_scripting()",
                    "x.grad is None"],
         [torch.arange(6.0).reshape(2, 3), torch.arange(4), torch.ones(2, 1, 3, dtype=torch.float64),
          torch.tensor([[True, False], [True, True]]), torch.arange(5, dtype=torch.uint8)]),
        ("Tensor", ["x.item()", "int(x)", "float(x)", "bool(x)", "x.item() * 2", "x.dim()", "x.shape"],
         [torch.tensor(3), torch.tensor(2.5), torch.tensor(0.0), torch.tensor(-1, dtype=torch.int32)]),
        ("Tensor", ["self.ints(x)"], [torch.tensor([[1, 2], [3, 4]]), torch.zeros(2, 0, dtype=torch.long)]),
        ("Tensor", ["self.floats(x)"], [torch.tensor([1.0, 2.5, -3.0])]),
    ],
}
HELPERS = {
    "list": '''
    def mutate(self, x: List[int]) -> List[int]:
        x.append(1)
        x.extend([2, 3])
        x.insert(0, 8)
        x.insert(-1, 6)
        x.insert(99, 5)
        x.reverse()
        x += [4]
        x.remove(1)
        x.sort()
        x.sort(reverse=True)
        del x[0]
        y = x
        y.append(100)
        z = x.copy()
        z.clear()
        return x + z
    def popped(self, x: List[int]) -> List[int]:
        a = x.pop()
        x.append(a * 10)
        b = x.pop(0)
        x.append(b)
        return x
    def swapped(self, x: List[int]) -> List[int]:
        x[0], x[-1] = x[-1], x[0]
        x[0] += 5
        x[-1] *= 3
        return x
''',
    "dict": '''
    def fill(self, x: Dict[str, int]) -> Dict[str, int]:
        x['q'] = 4
        x['a'] = 9
        x.update({'r': 1, 'q': 0})
        x['a'] += 1
        return x
    def without(self, x: Dict[str, int]) -> Dict[str, int]:
        del x['a']
        y = x
        y['n'] = 1
        z = x.copy()
        z.clear()
        return x
''',
    "attr": '''
    def ints(self, x: Tensor) -> List[List[int]]:
        r: List[List[int]] = x.tolist()
        return r
    def floats(self, x: Tensor) -> List[float]:
        r: List[float] = x.tolist()
        return r
''',
}
RAISES = [
    ("List[int]", "x[3]", [1]), ("List[int]", "x[-3]", [1]), ("List[int]", "x.index(7)", [1]),
    ("List[int]", "x.pop(7)", [1]), ("List[int]", "max(x)", []), ("List[int]", "x.pop()", []),
    ("List[int]", "x.remove(3)", [1]), ("Dict[str, int]", "x['z']", {"k": 1}),
    ("Dict[int, int]", "x[7]", {1: 1}), ("Dict[str, int]", "x.pop('z')", {"k": 1}),
    ("str", "x[5]", "abc"), ("str", "x.index('z')", "abc"), ("str", "int(x)", "12x"),
    ("str", "int(x)", ""), ("str", "float(x)", "abc"), ("str", "ord(x)", "AB"),
    ("str", "x.center(9, 'ab')", "q"), ("int", "x // 0", 1), ("str", "'{} {}'.format(x)", "a"),
    ("str", "'%s %s' % x", "a"), ("str", "'%d' % x", "a"), ("Optional[int]", "torch.jit._unwrap_optional(x)", None),
    ("Tensor", "x.item()", torch.zeros(2)), ("Tensor", "x.size(4)", torch.zeros(2)),
]


def module(src, name):
    import linecache

    file = "<%s>" % name
    linecache.cache[file] = (len(src), None, src.splitlines(True), file)
    scope = dict(globals())
    scope["Tensor"] = torch.Tensor
    scope["math"] = __import__("math")
    exec(compile(src, file, "exec"), scope)
    return scope["M"]


def build(family):
    """Values are attributes, so that PyTorch computes nothing while it compiles."""
    src = ["class M(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    body, calls, values, n = [], [], [], 0
    for kind, exprs, xs in CASES[family]:
        body.append("    @torch.jit.export\n    def f%d(self, x: %s, r: List[str]) -> None:" % (n, kind))
        body += ["        r.append(str(%s))" % e for e in exprs if ok(family, kind, e)]
        for x in working(family, kind, [e for e in exprs if ok(family, kind, e)], xs):
            calls.append((n, len(values)))
            values.append((kind, x))
        n += 1
    body.append("    @torch.jit.export\n    def text(self) -> List[str]:\n        r: List[str] = []")
    body += ["        self.f%d(self.x%d, r)" % c for c in calls]
    body.append("        return r")
    body.append('''    def forward(self) -> Tensor:
        codes: List[int] = []
        for line in self.text():
            for ch in line:
                codes.append(ord(ch))
            codes.append(10)
        return torch.tensor(codes, dtype=torch.uint8)
''')
    head = "class M(nn.Module):\n" + "".join("    x%d: %s\n" % (i, v[0]) for i, v in enumerate(values))
    head += HELPERS.get(family, "")
    M = module(head + "\n".join(body), family)
    m = M()
    for i, (_, x) in enumerate(values):
        setattr(m, "x%d" % i, x)
    return torch.jit.script(m.eval())


KNOWN = {}


def ok(family, kind, expr):
    """Whether this PyTorch compiles the expression."""
    key = (family, kind, expr)
    if key not in KNOWN:
        src = "class M(nn.Module):\n%s\n    def forward(self, x: %s) -> str:\n        return str(%s)\n" % (
            HELPERS.get(family, ""), kind, expr)
        try:
            torch.jit.script(module(src, "try")())
            KNOWN[key] = True
        except Exception as e:  # noqa: BLE001
            KNOWN[key] = False
            print("left out: %s with x: %s: %s" % (expr, kind, str(e).strip().splitlines()[0][:80]),
                  file=sys.stderr)
    return KNOWN[key]


def working(family, kind, exprs, xs):
    """The values for which PyTorch raises nothing."""
    src = "class M(nn.Module):\n%s\n    def forward(self, x: %s) -> List[str]:\n        return [%s]\n" % (
        HELPERS.get(family, ""), kind, ", ".join("str(%s)" % e for e in exprs))
    m = torch.jit.script(module(src, "values")())
    good = []
    for x in xs:
        try:
            m(x)
            good.append(x)
        except Exception as e:  # noqa: BLE001
            print("left out: %s = %r: %s" % (kind, x, str(e).strip().splitlines()[-1][:90]), file=sys.stderr)
    return good


def raises(out, suffix):
    src = ["class M(nn.Module):"] + ["    x%d: %s" % (i, r[0]) for i, r in enumerate(RAISES)]
    for i, (kind, expr, _) in enumerate(RAISES):
        src.append("    @torch.jit.export\n    def e%d(self) -> str:\n        x = self.x%d\n        return str(%s)"
                   % (i, i, expr))
    src.append("    def forward(self) -> int:\n        return 0\n")
    m = module("\n".join(src), "raises")()
    for i, r in enumerate(RAISES):
        setattr(m, "x%d" % i, r[2])
    torch.jit.script(m.eval()).save(os.path.join(out, "raises%s.pt" % suffix))


class Old(nn.Module):
    """Operators whose meaning changed: div, full, linspace, logspace, gelu."""

    def forward(self, x, n: int):
        y = x.clone()
        y /= 2
        i = x.to(torch.int64)
        j = i.clone()
        j /= 3
        return (x / 3, i / 3, i / i.abs().clamp(min=2), i / 0.5, torch.div(i, 2, rounding_mode="floor"),
                torch.full([2], n), torch.full([2], n, dtype=torch.int32), torch.full([2], 0.5),
                torch.linspace(0, 1, 4242), torch.logspace(0, 1, 4242), nn.functional.gelu(x), y, j,
                torch.tensor(n / 2))


def old(out):
    """The same archive, said to be of operator version 3; steps left out as one could then."""
    import zipfile

    path = os.path.join(out, "old.pt")
    torch.jit.script(Old().eval()).save(path)
    with zipfile.ZipFile(path) as z:
        parts = [(n, z.read(n)) for n in z.namelist() if not n.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w") as z:
        for name, data in parts:
            if name.endswith("version"):
                data = b"3\n"
            if name.endswith(".py"):
                data = data.replace(b"4242", b"None")
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    x = torch.tensor([[-7.0, -2.0, 0.5], [3.0, 4.0, 11.0]])
    np.save(path[:-3] + ".in0.npy", x.numpy())
    with open(path[:-3] + ".args", "w") as f:
        f.write("--input 3\n")
    for i, y in enumerate(torch.jit.load(path)(x, 3)):
        np.save(path[:-3] + ".out%d.npy" % i, y.numpy())


def main():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from cases_b import slim

    out = sys.argv[1]
    suffix = "_113" if V1 else ""
    os.makedirs(out, exist_ok=True)
    for family in CASES:
        path = os.path.join(out, family + suffix + ".pt")
        m = build(family)
        m.save(path)
        slim(path)
        back = torch.jit.load(path)
        np.save(path[:-3] + ".out0.npy", back().numpy())
        with open(path[:-3] + ".txt", "w") as f:
            f.write("\n".join(back.text()) + "\n")
    if not V1:
        return
    old(out)
    raises(out, "")
    slim(os.path.join(out, "raises.pt"))


if __name__ == "__main__":
    main()
