#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the TorchScript fixtures of tests/formats/good with the PyTorch that runs it:
NAME_113.pt with 1.13, NAME_213.pt with 2.13. Run once with each; the files are committed.
The golden dumps beside them come from: tests/unit/test_torchscript --update"""
import enum
import os
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn

HERE = os.path.dirname(os.path.abspath(__file__))
SUFFIX = "".join(torch.__version__.split("+")[0].split(".")[:2]).replace(".", "")


def randomise(m):
    g = torch.Generator().manual_seed(1)
    for t in list(m.parameters()) + list(m.buffers()):
        if t.dtype == torch.float32:
            t.data.copy_(torch.rand(t.shape, generator=g) + 0.1)
    return m.eval()


def save(name, m, **kw):
    path = os.path.join(HERE, "good", f"{name}_{SUFFIX}.pt")
    torch.jit.save(m, path, **kw)
    print(name, os.path.getsize(path))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU6())
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        x = self.features(x)
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


class Control(nn.Module):
    steps: int

    def __init__(self):
        super().__init__()
        self.steps = 3
        self.layers = nn.ModuleList([nn.Identity(), nn.ReLU()])

    def forward(self, x: Tensor, mode: str = "a", n: Optional[int] = None) -> Tensor:
        k = n if n is not None else 2
        if mode == "a" and k > 1 or not x.requires_grad:
            x = x + 1
        elif mode != "b":
            x = x - 1
        for i in range(1, 10, 2):
            if i == 5:
                continue
            if i > 7:
                break
            x = x * i
        while k < 10:
            k += self.steps
            if k == 8:
                return x
        for layer in self.layers:
            x = layer(x)
        for i, v in enumerate([0.5, 1.5]):
            x = x + v * i
        for a, b in zip([1, 2], [3, 4]):
            x = x + a // b - a % b
        x = -x if bool(x.sum() > 0) else x
        t = x
        u = x * 2
        for _ in range(3):
            t, u = u, t
        return t @ u.t()

    @torch.jit.export
    def count(self, xs: List[int]) -> int:
        total = 0
        for x in xs:
            total += x
        return total


class Point(NamedTuple):
    x: Tensor
    y: int
    z: Optional[float] = None


class Containers(nn.Module):
    table: Dict[str, List[int]]
    names: List[str]
    pair: Tuple[int, str]
    none: Optional[Tensor]
    empty: List[Tensor]

    def __init__(self):
        super().__init__()
        self.table = {"a": [1, 2], "b": []}
        self.names = ["x", "y"]
        self.pair = (3, "three")
        self.none = None
        self.empty = []
        self.point = Point(torch.ones(2), 4, 0.5)
        self.by_int = {1: 0.5, 2: float("inf")}
        self.nested = [[1, 2], [3]]
        self.flags = [True, False]
        self.shared = self.names

    @torch.jit.export
    def share(self):
        self.shared = self.names

    def forward(self, x: Tensor, more: Optional[Dict[str, Tensor]] = None, scale: float = 1e-5,
                size: List[int] = (1, 2), flag: bool = False) -> Tuple[Point, Dict[str, Tensor], List[Tensor]]:
        out: Dict[str, Tensor] = {}
        if more is not None:
            out = more
        for k in self.table.keys():
            out[k] = x * len(self.table[k])
        parts = torch.split(x, 1)
        first, second = parts[0], parts[1]
        a, b, c = (1, 2.5, "s")
        xs = [first, second]
        xs.append(first)
        xs[0] = second
        ys = xs[1:]
        t = (1, 2, 3, 4)[1:3]
        squares = [i * i for i in range(4)]
        inv = {str(i): i for i in squares}
        p = Point(x, t[0] + squares[-1] + inv["1"], b)
        values, indices = torch.max(x, dim=1)
        out["max"] = values * scale + size[0]
        del out["a"]
        if "b" in out and self.pair[1] not in self.names:
            out["n"] = indices.float()
        m, n = x.shape[0], x.size(1)
        big: List[Optional[Tensor]] = [x, None]
        e: List[int] = []
        return p, out, ys + xs[:1]


class Strings(nn.Module):
    text: str

    def __init__(self):
        super().__init__()
        self.text = "caf\u00e9 \u2603"

    def forward(self, x: Tensor, name: str = "a\n\t\"q\" 'r' \\ \x01\x7f") -> str:
        s = "{} of {}".format(name, x.dim())
        f = f"{name}-{x.size(0)}"
        if len(s) > 100:
            raise ValueError("too long: " + s)
        assert x.dim() > 0, f"got {x.dim()}"
        parts = s.split(" ")
        return s.upper() + f[1:-1] + "%d %s" % (1, "x") + ",".join(parts) + self.text + "\u00fc"


class Kind(enum.Enum):
    SMALL = 1
    LARGE = 2


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@torch.jit.interface
class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Adder(nn.Module):
    def __init__(self, k: int):
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        return x + self.k


@torch.jit.script
class Counter:
    def __init__(self, start: int, step: float = 0.5):
        self.value = start
        self.step = step
        self.log: List[int] = []

    def add(self, k: int) -> int:
        self.value += k
        self.log.append(k)
        return self.value


@torch.jit.script
class Scope:
    def __init__(self, name: str):
        self.name = name
        self.depth = 0

    def __enter__(self) -> int:
        self.depth += 1
        return self.depth

    def __exit__(self, a: Any, b: Any, c: Any) -> None:
        self.depth -= 1


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.arange(4.0)
        self.scale = 2.0
        self.training = False

    @torch.jit.export
    def __getstate__(self):
        return (self.w, self.scale, self.training)

    @torch.jit.export
    def __setstate__(self, state: Tuple[Tensor, float, bool]):
        self.w = state[0]
        self.scale = state[1]
        self.training = state[2]

    def forward(self, x: Tensor) -> Tensor:
        return x * self.w * self.scale


def helper(x: Tensor, n: int = 3, flag: bool = True) -> Tuple[Tensor, int]:
    if flag:
        return x * n, n
    return x, 0


class Classes(nn.Module):
    block: Block

    def __init__(self):
        super().__init__()
        self.block = Adder(2)
        self.kind = Kind.LARGE
        self.level = Level.LOW
        self.counter = Counter(3)
        self.packed = Packed()
        self.blocks = nn.ModuleDict({"one": Adder(1), "not an id": Adder(3)})

    def forward(self, x: Tensor, kind: Kind = Kind.SMALL, key: str = "one") -> Tensor:
        if kind == Kind.SMALL or self.level != Level.HIGH:
            x = self.block(x)
        c = Counter(self.kind.value, 1.5)
        n = c.add(2) + self.counter.add(1) + len(self.kind.name)
        y, m = helper(x, flag=False)
        future = torch.jit.fork(helper, y, n)
        with torch.no_grad():
            y = y * 2
        with Scope("s") as depth:
            y = y + depth
        for name, block in self.blocks.items():
            y = block(y)
        z, _ = torch.jit.wait(future)
        submodule: Block = self.blocks[key]
        y = submodule.forward(y)
        return self.packed(y[:, :4]) + z.sum()


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)
        self.b = self.a
        self.tied = nn.Linear(2, 2)
        self.tied.weight = self.a.weight
        base = torch.arange(12.0).reshape(3, 4)
        self.register_buffer("base", base)
        self.register_buffer("view", base[1:, 1:3])
        self.register_buffer("turned", base.t())
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("skipped", torch.ones(1), persistent=False)
        self.register_buffer("absent", None)

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.base[0, 0] = 7.0
        return self.b(self.a(x)) + self.tied(x) + self.view.sum()


class Dtypes(nn.Module):
    def __init__(self):
        super().__init__()
        for d in ("float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"):
            self.register_buffer("t_" + d, torch.arange(3).to(getattr(torch, d)))
        self.register_buffer("scalar", torch.tensor(1.5))
        self.register_buffer("nothing", torch.zeros(0, 3))
        self.register_buffer("complex", torch.ones(2, dtype=torch.complex64))
        self.register_buffer("quantized", torch.quantize_per_tensor(torch.ones(2), 0.5, 3, torch.qint8))
        self.where = torch.device("cuda:1")

    def forward(self, x: Tensor) -> Tensor:
        d = self.t_float16.dtype
        y = x.to(torch.float64) + self.t_float64 + self.t_int8
        return y.to(x.device, d) + torch.zeros([3], dtype=torch.uint8, device=torch.device("cpu"))


class Types(nn.Module):
    def forward(self, x: Union[Tensor, List[Tensor]], y: Any = 3, d: Optional[torch.device] = None) -> Tensor:
        if isinstance(x, list):
            t = x[0]
        else:
            t = x
        if isinstance(y, (int, float)):
            t = t + 1
        n = int(t.sum())
        f = float(t.max())
        b = bool(t.min() > 0)
        xs: List[int] = t.to(torch.int64).view(-1).tolist()
        k: int = t.numel() if b else n
        if d is None:
            raise RuntimeError("no device")
        else:
            t = t.to(d)
        r = torch.full((2, 2), float("-inf")) + torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
        big = 9223372036854775807
        small = -9223372036854775807 - 1
        return r * f + k + xs[0] + big + small + min(n, k) + max(f, 0.5) + abs(n) + 2 ** n + (n << 2 | 1)


def hook(self, args: Tuple[Tensor], result: Tensor) -> Tensor:
    return result + 1


def pre_hook(self, args: Tuple[Tensor]) -> Tuple[Tensor]:
    return (args[0] * 2,)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Adder(1)
        self.inner.register_forward_hook(hook)
        self.inner.register_forward_pre_hook(pre_hook)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 3, batch_first=True)

    def forward(self, x: Tensor, state: Optional[Tuple[Tensor, Tensor]] = None):
        return self.lstm(x, state)


class TwoWays(nn.Module):
    """Freezing inlines __init__ of classes, so that __new__ stands alone."""

    def forward(self, x: Tensor) -> int:
        c = Counter(2)
        with torch.no_grad():
            x = x + 1
        return c.add(x.size(0))


def main():
    os.makedirs(os.path.join(HERE, "good"), exist_ok=True)
    torch.manual_seed(0)
    net = randomise(Net())
    x = torch.ones(1, 1, 4, 4)
    save("traced", torch.jit.trace(net, x))
    save("scripted", torch.jit.script(net))
    save("frozen", torch.jit.freeze(torch.jit.script(net)))
    save("control", torch.jit.script(Control().eval()))
    containers = torch.jit.script(Containers().eval())
    containers.share()
    save("containers", containers)
    save("strings", torch.jit.script(Strings().eval()))
    save("classes", torch.jit.script(Classes().eval()))
    save("shared", torch.jit.script(randomise(Shared())))
    save("dtypes", torch.jit.script(Dtypes().eval()))
    save("types", torch.jit.script(Types().eval()))
    save("hooked", torch.jit.script(Hooked().eval()), _extra_files={"note.txt": "extra"})
    save("recurrent", torch.jit.script(randomise(Recurrent())))
    save("newobj", torch.jit.freeze(torch.jit.script(TwoWays().eval())))
    if SUFFIX == "113":
        from torch.utils.mobile_optimizer import optimize_for_mobile
        mobile = optimize_for_mobile(torch.jit.script(net))
        save("mobile", mobile)
        path = os.path.join(HERE, "good", f"lite_{SUFFIX}.ptl")
        mobile._save_for_lite_interpreter(path)
        print("lite", os.path.getsize(path))


if __name__ == "__main__":
    sys.exit(main())
