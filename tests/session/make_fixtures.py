#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Modules with state, for tests/unit/test_session.c. Run with any PyTorch; writes *.pt here."""
import os
from typing import Dict, List, Optional

import torch
from torch import nn


class Counter(nn.Module):
    """An int attribute that changes on every call and takes part in arithmetic."""
    count: int

    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, x):
        self.count = self.count + 1
        return x + self.count

    @torch.jit.export
    def reset(self):
        self.count = 0
        return self.count


class Cache(nn.Module):
    """A ring of slots written at a position that moves on: a KV cache in small."""
    pos: int

    def __init__(self):
        super().__init__()
        self.register_buffer("cache", torch.zeros(16, 3))
        self.pos = 0

    def forward(self, x):
        n = x.size(0)
        if self.pos + n > 16:
            raise RuntimeError("cache is full at " + str(self.pos))
        self.cache[self.pos:self.pos + n] = x
        self.pos += n
        return self.cache.sum(0), self.pos


class Hidden(nn.Module):
    """A tensor attribute that is replaced, and one that is None at first."""
    last: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.h = torch.zeros(1, 4)
        self.last = None

    def forward(self, x):
        self.h = torch.tanh(self.lin(x) + self.h)
        out = self.h * 2
        last = self.last
        if last is not None:
            out = out + last
        self.last = x
        return out


class Containers(nn.Module):
    """List and dict attributes that grow and change."""
    seen: List[torch.Tensor]
    named: Dict[str, torch.Tensor]

    def __init__(self):
        super().__init__()
        self.seen = [torch.zeros(2)]
        self.named = {"a": torch.zeros(2)}

    def forward(self, x):
        if len(self.seen) > 2:
            self.seen.pop(0)
        self.seen.append(x)
        self.named["a"] = self.named["a"] + x
        s = torch.zeros(2)
        for t in self.seen:
            s = s + t
        return s, self.named["a"]


class Branch(nn.Module):
    """Reads tensor data to decide, and to size a result."""

    def forward(self, x):
        if bool(torch.all(x > 0)):
            y = x * 2
        else:
            y = x - 1
        n = int(x.sum().item())
        return y, torch.nonzero(x > 1), torch.ones(max(n, 0))


class Raises(nn.Module):
    n: int

    def __init__(self):
        super().__init__()
        self.n = 0
        self.register_buffer("b", torch.zeros(2))

    def forward(self, x):
        self.n += 1
        self.b += 1
        if x.size(0) != 2:
            raise ValueError("wanted two rows, got " + str(x.size(0)))
        assert x.size(1) == 2, "wanted two columns"
        return x + self.b, self.n


class Sizes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x))).mean([2, 3])


class Alias(nn.Module):
    """Two names for one tensor, views written in place, an argument that must not change."""

    def __init__(self):
        super().__init__()
        self.a = torch.zeros(2, 3)
        self.b = self.a

    def forward(self, x):
        self.a[0] += x
        row = self.b[1]
        row.fill_(float(self.b.size(0)))
        x.add_(1)
        return self.a, self.b, x


class Loop(nn.Module):
    """A long loop: pieces split at its back edge and are shared."""

    def forward(self, x):
        h = torch.zeros(4)
        for i in range(x.size(0)):
            h = torch.tanh(h * 0.5 + x[i]) + h * x[i].sigmoid()
        return h


class Endless(nn.Module):
    def forward(self, x):
        n = 0
        while n >= 0:
            n = (n + 1) % 7
        return x


class Nested(nn.Module):
    """Every kind of argument and result."""

    def forward(self, a: List[torch.Tensor], d: Dict[str, int], t: Optional[torch.Tensor],
                n: int = 3, f: float = 0.5, s: str = "mean", flag: bool = True):
        x = a[0] * d["k"] + n
        if t is not None:
            x = x + t
        if s == "mean":
            y = x.mean()
        else:
            y = x.sum()
        if not flag:
            y = -y
        return {"x": x, "y": y * f}, [x, x + 1], (n * 2, s + "!", f)


class Training(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.bn(x), self.drop(torch.ones(1000)).sum()


class Table(nn.Module):
    """Rows written one at a time: where they lie, when nobody needs the old contents."""
    last: List[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.register_buffer("rows", torch.zeros(16, 3))
        self.last = []

    def forward(self, x, row: int, pick):
        self.rows[row] = x
        self.last = [x + 1]
        return torch.index_select(self.rows, 0, pick)

    @torch.jit.export
    def before(self, x):
        was = self.rows.sum(0)
        self.rows[2:8:2] = x
        return was, self.rows.sum(0)

    @torch.jit.export
    def whole(self, x):
        self.rows[3] = x
        return self.rows

    @torch.jit.export
    def move(self, x):
        self.rows[1:] = self.rows[:15].clone()
        self.rows[0] = x
        return self.rows.sum(0)

    @torch.jit.export
    def look(self):
        return self.rows * 1, self.last


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    torch.manual_seed(1)
    for cls in (Counter, Cache, Hidden, Containers, Branch, Raises, Sizes, Alias, Loop, Endless,
                Nested, Training, Table):
        m = cls()
        if cls is not Training:
            m.eval()
        torch.jit.save(torch.jit.script(m), os.path.join(here, cls.__name__.lower() + ".pt"))


main()
