#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes tests/cli/fixtures with Debian's python3-torch 1.13. The files are committed."""
import os
import sys
import types
from typing import Dict, List, NamedTuple, Optional, Tuple
import numpy as np
import torch
import torch.utils.bundled_inputs
from PIL import Image
from torch import nn, Tensor

if __name__ == "__main__":
    # once more as a module with a relative name, so that the files name no path of this machine
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    module = sys.modules["fixtures"] = types.ModuleType("fixtures")
    module.__file__ = "make_fixtures.py"
    with open(module.__file__) as source:
        exec(compile(source.read(), module.__file__, "exec"), module.__dict__)
    sys.exit()

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
os.makedirs(OUT, exist_ok=True)
torch.manual_seed(0)


def path(name):
    return os.path.join(OUT, name)


def save(name, module):
    scripted = torch.jit.script(module)
    scripted.save(path(name))
    return scripted


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).mean([2, 3]))


class Literals(nn.Module):
    """One method for each kind of argument; each tells what it was given."""

    def forward(self, x: int = 7, scale: float = 0.5) -> str:
        return "int {} float {}".format(x, scale)

    @torch.jit.export
    def flag(self, on: bool) -> bool:
        return not on

    @torch.jit.export
    def text(self, s: str) -> str:
        return s + "!"

    @torch.jit.export
    def ints(self, v: List[int]) -> Tuple[int, int]:
        return len(v), sum(v)

    @torch.jit.export
    def maybe(self, v: Optional[int]) -> int:
        return -1 if v is None else v

    @torch.jit.export
    def pair(self, v: Tuple[int, str]) -> str:
        return v[1] + str(v[0])

    @torch.jit.export
    def table(self, d: Dict[str, float]) -> float:
        return d["a"] + d["b"]

    @torch.jit.export
    def tensors(self, v: List[Tensor]) -> Tensor:
        return torch.cat(v)

    @torch.jit.export
    def tensor(self, x: Tensor) -> Tensor:
        return x + x

    @torch.jit.export
    def two(self, first: Tensor, second: Tensor, times: int = 1) -> Tensor:
        return first - second * times


class State(nn.Module):
    total: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(2))
        self.calls: int = 0

    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        self.calls += 1
        self.total += x
        if self.calls > 100:
            raise ValueError("too many calls")
        return self.total, self.calls

    @torch.jit.export
    def fail(self, x: Tensor) -> Tensor:
        self.calls = 1000
        if x.numel() > 1:
            raise RuntimeError("x has {} elements, at most 1".format(x.numel()))
        return x

    @torch.jit.export
    def check(self, n: int) -> int:
        assert n > 0, "n must be positive"
        return n


class Point(NamedTuple):
    x: Tensor
    y: Tensor


class Containers(nn.Module):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        return {"out": x * 2, "aux": x.sum()}

    @torch.jit.export
    def nested(self, x: Tensor) -> Tuple[List[Tensor], int, Optional[Tensor], str]:
        return [x, x + 1], 3, None, "text"

    @torch.jit.export
    def named(self, x: Tensor) -> Point:
        return Point(x, -x)


class Loop(nn.Module):
    def forward(self, n: int) -> int:
        i = 0
        while n != i % 3 + 5:
            i += 1
        return i


class Drop(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.drop(self.norm(x))


class Dusty(nn.Module):
    """For lint: a float64 weight, an unused one, one with NaN."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Parameter(torch.ones(4, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(100))
        self.bad = nn.Parameter(torch.tensor([1.0, float("nan")]))

    def forward(self, x):
        return x + self.wide.sum().float() + self.bad[0]


class Missing(nn.Module):
    def forward(self, x):
        y = torch.linalg.eigvals(x)
        return torch.linalg.eigvals(x + 1).abs() + y.abs() + torch.digamma(x).sum()


class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor, n: int) -> Tensor:
        for i in range(n):
            x = self.conv(x)
        return x


class Scores(nn.Module):
    def forward(self, x):
        return x


class ImageMean(nn.Module):
    def forward(self, x):
        return x.mean([2, 3])


conv = Conv().eval()
conv.norm.running_mean.normal_()
conv.norm.running_var.uniform_(0.5, 2)
x = torch.randn(1, 3, 8, 8)
with torch.no_grad():
    np.save(path("x.npy"), x.numpy())
    np.save(path("y.npy"), conv(x).numpy())
    np.save(path("wrong.npy"), conv(x).numpy() + np.float32(0.25) * np.eye(1, 5, 2, dtype=np.float32))
    np.save(path("x2.npy"), torch.randn(2, 3, 6, 6).numpy())
np.save(path("x4.npy"), np.zeros((1, 4, 8, 8), np.float32))
np.save(path("x64.npy"), x.numpy().astype(np.float64))
np.save(path("short.npy"), np.zeros(5, np.int64))
np.save(path("scores.npy"), np.array([[0.5, 3, -1, 2], [1, 1, 4, 0]], np.float32))
save("conv.pt", conv)
torch.jit.trace(conv, x).save(path("conv.traced.pt"))
save("literals.pt", Literals().eval())
save("state.pt", State().eval())
save("containers.pt", Containers().eval())
save("loop.pt", Loop().eval())
save("training.pt", Drop())
save("dusty.pt", Dusty().eval())
save("slow.pt", Slow().eval())
save("missing.pt", Missing().eval())
save("scores.pt", Scores().eval())
save("image.pt", ImageMean().eval())
bundled = torch.jit.script(Scores().eval())
torch.utils.bundled_inputs.augment_model_with_bundled_inputs(
    bundled, [(torch.tensor([1.0, 2.0]),), (torch.tensor([3.0]),)])
bundled.save(path("bundled.pt"))
torch.save(conv.state_dict(), path("state_dict.pth"))
grid = np.add.outer(np.arange(12) * 20, np.arange(16) * 2)
Image.fromarray(np.stack([grid, grid // 2, 255 - grid], 2).astype(np.uint8)).save(path("image.png"))
with open(path("labels.txt"), "w") as f:
    f.write("ant\nbee\ncat\ndog\n")


class Aux(nn.Module):
    """Heads that only training needs, options, a loop, state that hides nothing."""
    skip: Optional[int]

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)
        self.aux = nn.Linear(8, 300)
        self.extra = nn.Linear(8, 200)
        self.scale = True
        self.skip = None
        self.steps = 0

    def forward(self, x):
        y = self.body(x)
        aux: Optional[torch.Tensor] = None
        if self.training and self.scale:
            aux = self.aux(y)
        if self.skip is not None:
            y = y + self.extra(x).sum()
        flag = self.training
        for i in range(2):
            if flag:
                y = y + self.extra(y).mean()
            flag = not flag
        if not self.training:
            self.steps += 1
        if aux is None:
            return self.head(y), aux
        else:
            return self.head(y) + aux.mean(), aux


save("aux.pt", Aux())
