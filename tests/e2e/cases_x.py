#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes small models that once failed here, with inputs and outputs by real PyTorch.

usage: cases_x.py [NAME...]     writes tests/e2e/x/CASE.pt, CASE.in0.npy ..., CASE.out0.npy ...
The files there are PyTorch 1.13's.
"""
import enum
import os
import sys
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "x")


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor, k: int) -> Tensor:
        pass


class Plus(nn.Module):
    def forward(self, x: Tensor, k: int) -> Tensor:
        return x + k


class Times(nn.Module):
    def forward(self, x: Tensor, k: int) -> Tensor:
        return x * k


class Containers(nn.Module):
    """Modules picked by number and by name, through an interface."""

    def __init__(self):
        super().__init__()
        self.list = nn.ModuleList([Plus(), Times()])
        self.dict = nn.ModuleDict({"plus": Plus(), "times": Times()})

    def forward(self, x):
        names = ["times", "plus"]
        for i in range(2):
            a: Layer = self.list[i]
            b: Layer = self.dict[names[i]]
            x = b.forward(a.forward(x, i + 3), 2)
        return x


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Enums(nn.Module):
    def __init__(self):
        super().__init__()
        self.color = Color.BLUE

    def weigh(self, c: Color):
        return 2 if c == Color.RED else 5

    def forward(self, x):
        if self.color != Color.RED:
            x = x + 1
        return x * self.weigh(self.color) + self.color.value


class Strides(nn.Module):
    """Memory orders that view() and is_contiguous() show."""

    def forward(self, x):
        y = x.transpose(0, 1)
        filled = y.masked_fill(y > 0, 0.5).view(-1)
        rows = torch.relu(x[:1].expand(x.size(0), -1, -1)).view(-1)
        product = torch.einsum("abc,adc->adb", y, y).contiguous().view(-1)
        hot = F.one_hot(y.abs().long() % 3, 3).view(-1)
        mixed = (y * torch.ones(x.size(2))).stride() + (x[:, :1] + y[:1].transpose(0, 1)).stride()
        image = x.unsqueeze(0).contiguous(memory_format=torch.channels_last)
        both = torch.cat([image, F.pad(image, [1, 0])[..., 1:]], 1)
        return filled, rows, product, hot, torch.tensor(mixed), both.permute(0, 2, 3, 1).view(-1)


class Solve(nn.Module):
    def forward(self, x, b):
        a = x @ x.transpose(-1, -2) + torch.eye(x.size(-1))
        sign, log = torch.slogdet(x)
        return (torch.inverse(x), torch.linalg.inv(a), torch.det(x), torch.logdet(a), sign, log,
                torch.linalg.solve(x, b), torch.linalg.cholesky(a))


class Denoise(nn.Module):
    """A mask on a spectrogram, and back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(16))

    def forward(self, x):
        z = torch.stft(x, 16, 4, 16, self.window, return_complex=True)
        mask = torch.sigmoid(torch.log1p(z.abs()))
        y = torch.istft(z * mask, 16, 4, 16, self.window, length=x.size(-1))
        return y, torch.istft(torch.polar(z.abs() * mask, z.angle()), 16, 4, 16, self.window)


class Fourier(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(3, 4, 2, 3, dtype=torch.cfloat))

    def forward(self, x):
        z = torch.fft.rfft2(x)
        y = torch.zeros(x.size(0), 4, x.size(-2), x.size(-1) // 2 + 1, dtype=torch.cfloat)
        y[:, :, :2, :3] = torch.einsum("bixy,ioxy->boxy", z[:, :, :2, :3], self.w)
        mixed = torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2, n=5).real
        back = torch.fft.irfft(torch.fft.rfft(x, norm="ortho"), n=x.size(-1), norm="ortho")
        return torch.fft.irfft2(y, s=(x.size(-2), x.size(-1))), mixed, back


class Rotary(nn.Module):
    def __init__(self):
        super().__init__()
        t = torch.outer(torch.arange(8.0), 0.1 ** torch.arange(4.0))
        self.register_buffer("turn", torch.polar(torch.ones_like(t), t))

    def forward(self, x):
        z = torch.view_as_complex(x.reshape(x.size(0), x.size(1), 4, 2))
        z = z * self.turn[:x.size(1)]
        return torch.view_as_real(z).flatten(2), (z.conj() / (z + 3)).imag, z.sum(1).angle()


def boxes(n):
    a = torch.rand(n, 2) * 20 - 2
    return torch.cat([torch.zeros(n, 1), a, a + torch.rand(n, 2) * 30], 1)


class Align(nn.Module):
    def forward(self, x, rois):
        return (torch.ops.torchvision.roi_align(x, rois, 0.5, 3, 5, 2, True),
                torch.ops.torchvision.roi_align(x, rois, 0.25, 2, 2, 1, False))


def save(name, module, *inputs):
    """Deflated, without the tables that lead back to this file."""
    path = os.path.join(HERE, name + ".pt")
    module = torch.jit.script(module.eval())
    torch.jit.save(module, path + ".tmp")
    with zipfile.ZipFile(path + ".tmp") as old, \
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for item in old.infolist():
            if not item.filename.endswith(".debug_pkl"):
                info = zipfile.ZipInfo(item.filename.replace(name + ".pt", name, 1))
                new.writestr(info, old.read(item), zipfile.ZIP_DEFLATED)
    os.unlink(path + ".tmp")
    with torch.no_grad():
        out = torch.jit.load(path)(*[x.clone() for x in inputs])
    for i, x in enumerate(inputs):
        np.save(os.path.join(HERE, "%s.in%d.npy" % (name, i)), x.numpy())
    for i, y in enumerate([out] if isinstance(out, Tensor) else out):
        np.save(os.path.join(HERE, "%s.out%d.npy" % (name, i)), y.numpy())


def main():
    os.makedirs(HERE, exist_ok=True)
    torch.manual_seed(0)
    cases = {
        "containers": (Containers(), torch.randn(2, 3)), "enums": (Enums(), torch.randn(3)),
        "strides": (Strides(), torch.randn(3, 4, 6)),
        "solve": (Solve(), torch.randn(2, 4, 4), torch.randn(2, 4, 3)),
        "denoise": (Denoise(), torch.randn(2, 65)), "fourier": (Fourier(), torch.randn(2, 3, 6, 7)),
        "rotary": (Rotary(), torch.randn(2, 5, 8)),
        "align": (Align, torch.randn(1, 3, 12, 16), boxes(6)),
    }
    for name, (module, *inputs) in cases.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        if name == "align":
            import torchvision  # noqa: F401: declares its operators
            module = module()
        save(name, module, *inputs)


main()
