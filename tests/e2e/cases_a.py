#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes small TorchScript files of tensor operators with inputs and expected outputs, by real PyTorch.

usage: cases_a.py OUTDIR [--each] [--trace] [NAME...]

A group is one module: each line of it is an expression, or statements and an expression after `;`.
CASE.pt, CASE.in0.npy ..., CASE.out0.npy ...; several outputs are flattened in order. --each makes
one file of every line (GROUP.LINE), --trace traces instead of scripting; tests/e2e/a holds the
scripted groups of PyTorch 1.13, and some more by 2.13 (NAME_213) and traced (NAME_traced).
"""
import importlib.util
import os
import sys
import tempfile
import zipfile
import zlib

import numpy as np
import torch

V2 = int(torch.__version__.split(".")[0]) >= 2
GROUPS = []


def group(name, inputs, lines, new=False):
    """inputs: "x: maker, y: maker"; new: needs PyTorch 2."""
    GROUPS.append((name, inputs, [line.strip() for line in lines.strip().split("\n")], new))


def f(*dims):
    return torch.randn(*dims)


def u(*dims):
    return torch.rand(*dims)


def ints(low, high, *dims):
    return torch.randint(low, high, dims)


def bools(*dims):
    return torch.rand(*dims) > 0.4


def odd(*dims):
    """Floats with NaN, infinities and zeros among them."""
    x = torch.randn(*dims)
    flat = x.view(-1)
    special = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0])
    flat[: min(5, flat.numel())] = special[: flat.numel()]
    return x


# -- pointwise --
group("unary_same", dict(x=lambda: odd(3, 5), i=lambda: ints(-9, 9, 4), b=lambda: bools(4)), """
    -x
    torch.abs(x)
    torch.sign(x)
    torch.floor(x)
    torch.ceil(x)
    torch.round(x)
    torch.trunc(x * 3)
    torch.frac(x * 3)
    x.square()
    torch.floor(i)
    torch.abs(i)
    torch.sign(i)
    -i
    ~i
    ~b
    torch.bitwise_not(i.to(torch.uint8))
    torch.logical_not(x)
    torch.logical_not(i)
    torch.isnan(x)
    torch.isinf(x)
    torch.isfinite(x)
    torch.isposinf(x)
    torch.isneginf(x)
    torch.isnan(i)
    torch.isfinite(i)
    torch.signbit(x)
    torch.isreal(x)
    torch.nan_to_num(x)
    torch.nan_to_num(x, 1.5, 2.5, -2.5)
    torch.nan_to_num(i)
    torch.round(x * 10, decimals=1)
    torch.round(x * 100, decimals=-1)
""")
group("unary_float", dict(x=lambda: f(3, 5), p=lambda: u(3, 5) * 0.9 + 0.05, i=lambda: ints(1, 9, 4)), """
    torch.sqrt(p)
    torch.rsqrt(p)
    torch.reciprocal(x)
    torch.exp(x)
    torch.exp2(x)
    torch.expm1(x)
    torch.log(p)
    torch.log1p(p)
    torch.log2(p)
    torch.log10(p)
    torch.sin(x)
    torch.cos(x)
    torch.tan(x)
    torch.asin(p)
    torch.acos(p)
    torch.atan(x)
    torch.sinh(x)
    torch.cosh(x)
    torch.tanh(x)
    torch.asinh(x)
    torch.acosh(p + 1)
    torch.atanh(p)
    torch.erf(x)
    torch.erfc(x)
    torch.sigmoid(x)
    torch.special.expit(x)
    torch.sqrt(i)
    torch.exp(i)
    torch.rad2deg(x)
    torch.deg2rad(i)
    torch.sinc(x)
    torch.logit(p)
    torch.logit(p, 0.2)
    torch.sqrt(x.double().abs()).float()
    torch.exp(x.to(torch.bfloat16)).float()
""")
group("binary", dict(x=lambda: f(3, 4), y=lambda: f(4), i=lambda: ints(-9, 9, 3, 4), j=lambda: ints(1, 5, 4)), """
    x + y
    x - y
    x * y
    x / y
    i + j
    i * j
    i / j
    i // j
    i % j
    x // y
    x % y
    torch.fmod(x, y)
    torch.fmod(i, j)
    torch.remainder(i, 3)
    torch.remainder(x, -0.7)
    torch.remainder(-7, j)
    i // 2
    i // -2
    torch.floor_divide(torch.tensor(7), j)
    x + i
    x * 2
    i * 2.5
    i + 1
    2 - x
    1 / x
    3 - i
    1 / j
    torch.add(x, y, alpha=0.5)
    torch.add(i, j, alpha=3)
    torch.sub(x, y, alpha=2)
    torch.sub(x, 2, alpha=3)
    torch.rsub(x, y, alpha=2)
    torch.rsub(x, 1.5)
    torch.div(x, y, rounding_mode="floor")
    torch.div(x, y, rounding_mode="trunc")
    torch.div(i, j, rounding_mode="floor")
    torch.div(i, j, rounding_mode="trunc")
    torch.div(i, 3, rounding_mode="trunc")
    torch.true_divide(i, 3)
    torch.floor_divide(x, 0.3)
    x.double() + y
    x.half() + y.half()
    x.half() * 3.5
    i.to(torch.uint8) + i.to(torch.int8)
    i.to(torch.int32) + i.to(torch.int16)
    i + x.double()
    torch.tensor(2.5) * i
    torch.tensor(2.5, dtype=torch.float64) * x
    (x > 0) + (y > 0)
    (x > 0) * x
    (x > 0) * 2
""")
group("pow", dict(x=lambda: u(3, 4) + 0.1, y=lambda: f(4), i=lambda: ints(1, 5, 4)), """
    x ** 2
    x ** 3
    x ** 0.5
    x ** -0.5
    x ** -1
    x ** -2
    x ** 1.7
    x ** y
    2 ** y
    2.5 ** i
    2 ** i
    i ** 2
    i ** i
    i ** 0.5
    i ** 2.0
    torch.float_power(i, 2).float()
    torch.float_power(x, y).float()
    torch.pow(3, i)
    (-x) ** 2
    x ** 0
    torch.ldexp(x, i)
""")
group("minmax", dict(x=lambda: odd(2, 6), y=lambda: f(2, 6), i=lambda: ints(-9, 9, 6)), """
    torch.maximum(x, y)
    torch.minimum(x, y)
    torch.max(x, y)
    torch.min(x, y)
    torch.fmax(x, y)
    torch.fmin(x, y)
    torch.maximum(i, i.flip(0))
    torch.maximum(x, i)
    torch.atan2(x, y)
    torch.atan2(i, i + 1)
    torch.hypot(y, y + 1)
    torch.copysign(y, x)
    torch.copysign(y, -2.0)
    torch.copysign(y, -0.0)
    torch.logaddexp(x, y)
    torch.logaddexp2(y, y * 2)
    torch.xlogy(y.abs(), y.abs() + 1)
    torch.xlogy(torch.zeros(6), x)
    torch.special.xlog1py(y.abs(), y.abs())
    torch.heaviside(x, torch.tensor([0.5]))
    x.clamp(-0.5, 0.5)
    x.clamp(min=0)
    x.clamp(max=0.3)
    torch.clamp_min(x, 0.1)
    torch.clamp_max(x, 0.1)
    i.clamp(-2, 3)
    i.clamp(-2.5, 3.5)
    i.clamp(min=2)
    torch.clamp(x, y - 1, y)
    torch.clamp(x, min=y)
    torch.clip(y, 1.0, -1.0)
    i.clamp(max=9007199254740993)
""")
group("compare", dict(x=lambda: odd(3, 4), y=lambda: ints(-2, 3, 3, 4).float(), i=lambda: ints(0, 4, 4)), """
    x == y
    x != y
    x < y
    x <= y
    x > y
    x >= y
    x > 0
    x.round() == 0
    i > 1.5
    i == 2
    i <= y
    2 > i
    torch.eq(i, i.flip(0))
    torch.logical_and(x > 0, y > 0)
    torch.logical_or(x, i)
    torch.logical_xor(x > 0, y)
    (x > 0) & (y > 0)
    (x > 0) | (y > 0)
    (x > 0) ^ (y > 0)
    i & 3
    i | 4
    i ^ 5
    i << 2
    (i * 7) >> 1
    torch.bitwise_left_shift(i, 3)
    torch.bitwise_and(i, i.flip(0))
    torch.isclose(y, y + 1e-7)
    torch.isclose(x, x, equal_nan=True)
    b = x > 0; b &= y > 0; b
    b = x > 0; b |= y > 0; b
    b = i + 0; b ^= 3; b
    torch.tensor(torch.equal(i, i.clone()))
    torch.tensor(torch.allclose(y, y + 1e-9))
    torch.greater_equal(y, 1)
    torch.not_equal(y, 1)
""")
group("ternary", dict(x=lambda: f(3, 4), y=lambda: f(3, 4), w=lambda: u(3, 4), i=lambda: ints(0, 4, 4)), """
    torch.where(x > 0, x, y)
    torch.where(x > 0, x, torch.tensor(0.0))
    torch.where(x > 0, x, 1.5)
    torch.where(x > 0, 2.0, y)
    torch.where(x > 0, 1, 0)
    torch.where(x > 0, i, y)
    torch.where(i > 1, x, y)
    x.masked_fill(y > 0, -1e9)
    x.masked_fill(y > 0, float("-inf"))
    i.masked_fill(i > 1, 7)
    x.masked_fill(i > 1, torch.tensor(3))
    torch.lerp(x, y, 0.3)
    torch.lerp(x, y, 0.8)
    torch.lerp(x, y, w)
    torch.addcmul(x, y, w, value=0.5)
    torch.addcmul(x, y, w)
    torch.addcdiv(x, y, w + 1, value=-2.0)
    z = x.clone(); z.masked_fill_(y > 0, 3.0); z
    z = x.clone(); z.add_(y); z.mul_(2); z
    z = x.clone(); z.add_(y, alpha=-2); z.clamp_(-1, 1); z
    z = x.clone(); z += 1; z *= y; z -= w; z /= 2; z
    z = x.clone(); z[:, 1:3].mul_(0); z
    z = x.clone(); z.t().add_(torch.arange(4).unsqueeze(1)); z
    z = i.clone(); z += 2; z.floor_divide_(2); z
    z = x.clone(); z.lerp_(y, 0.1); z.sqrt_(); z.nan_to_num_(); z
""")
group("cast", dict(x=lambda: f(2, 3, 2, 2) * 3, i=lambda: ints(-3, 4, 5), b=lambda: bools(4)), """
    x.to(torch.float64).to(torch.float32)
    x.half().float()
    x.to(torch.bfloat16).float()
    x.int()
    x.long()
    x.to(torch.uint8)
    x.to(torch.bool)
    i.float()
    i.to(torch.bool)
    b.float()
    b.long()
    i.to(torch.int8)
    i.type_as(x)
    x.to(i)
    x.to(x.dtype)
    x.to("cpu")
    x.to(torch.device("cpu"), torch.float64).float()
    x.cpu()
    x.clone()
    x.contiguous()
    x.detach()
    x.contiguous(memory_format=torch.channels_last)
    x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).view(-1)
    x.to(memory_format=torch.channels_last).clone().permute(0, 2, 3, 1).view(8, 3)
    x.contiguous(memory_format=torch.channels_last).relu().add(1).permute(0, 2, 3, 1).view(8, 3)
    torch.zeros_like(x.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1).view(8, 3)
    x.transpose(0, 1).clone().transpose(0, 1).view(-1)
    y = torch.zeros(3, 2, 2); y.copy_(x[0]); y
    y = torch.zeros(2, 2); y.copy_(torch.tensor([1, 2])); y
    y = torch.zeros(4, dtype=torch.int64); y.copy_(x.view(-1)[:4]); y
    y = x.detach(); z = x.clone(); y = z.detach(); y.add_(1); z
    x.requires_grad_(False) + 0
""")

# -- reductions --
group("reduce", dict(x=lambda: f(2, 3, 4), i=lambda: ints(-4, 5, 3, 4), b=lambda: bools(3, 4)), """
    x.sum()
    x.sum(1)
    x.sum([0, 2])
    x.sum([-1, 0], keepdim=True)
    i.sum()
    i.sum(0)
    b.sum()
    b.sum(1)
    i.sum(1, dtype=torch.float32)
    x.half().sum(dtype=torch.float32)
    x.mean()
    x.mean(-1)
    x.mean([0, 1], keepdim=True)
    i.mean(dtype=torch.float32)
    x.prod()
    x.prod(1)
    i.prod(0)
    x.amax()
    x.amax(1)
    x.amax([0, 2], keepdim=True)
    x.amin(-1)
    torch.aminmax(x, dim=1)[0]
    torch.aminmax(x)[1]
    x.max()
    x.min()
    i.max()
    x.max(1)[0]
    x.max(1)[1]
    x.min(-1, keepdim=True)[0]
    x.min(-1, keepdim=True)[1]
    i.max(0)[1]
    x.argmax()
    x.argmax(1)
    x.argmin(-1, keepdim=True)
    i.argmax(0)
    b.any()
    b.all()
    b.any(1)
    b.all(0)
    i.any()
    x.all(-1)
    i.to(torch.uint8).any(0)
    torch.count_nonzero(i)
    torch.count_nonzero(i, 1)
    torch.count_nonzero(i, [0, 1])
    x.sum(()) if x.dim() > 9 else x.sum(0)
    torch.zeros(0, 3).sum()
    torch.zeros(0, 3).sum(0)
    torch.zeros(2, 0).mean(0)
    torch.tensor(3.0).sum(0)
    torch.tensor(3.0).max(0)[1]
    torch.tensor(2.5).amax()
""")
group("variance", dict(x=lambda: f(2, 3, 4)), """
    x.var()
    x.var(1)
    x.var(1, unbiased=False)
    x.var([0, 2], unbiased=True, keepdim=True)
    torch.var(x, [1], correction=0)
    x.std()
    x.std(2)
    x.std(-1, unbiased=False, keepdim=True)
    torch.var_mean(x, 1)[0]
    torch.var_mean(x, 1)[1]
    torch.std_mean(x)[0]
    torch.std_mean(x, [0, 1], unbiased=False)[1]
    torch.std_mean(x, [0, 1], unbiased=False)[0]
    torch.norm(x)
    torch.norm(x, 2, 1)
    torch.norm(x, 1, [0, 2], True)
    torch.norm(x, 3.0)
    x.norm(p=2, dim=-1, keepdim=True)
    x.norm(float("inf"))
    torch.norm(x, "fro")
    torch.linalg.norm(x)
    torch.linalg.norm(x, 2.0, dim=1)
    torch.linalg.norm(x[0])
    torch.linalg.norm(x[0], float("inf"))
    torch.linalg.norm(x[0], 1)
    torch.linalg.norm(x[0], -1)
    torch.linalg.vector_norm(x, 3.0)
    torch.linalg.vector_norm(x, 0, dim=[0, 1])
    torch.linalg.vector_norm(x, float("-inf"), dim=1, keepdim=True)
    torch.linalg.matrix_norm(x)
    torch.linalg.matrix_norm(x, float("inf"))
    torch.linalg.matrix_norm(x, 1, keepdim=True)
    torch.nn.functional.normalize(x, dim=1)
    torch.dist(x, x * 0.5)
    torch.dist(x, x * 0.5, 1.0)
    torch.renorm(x, 2, 0, 1.5)
""")
group("softmax", dict(x=lambda: f(2, 3, 4), i=lambda: ints(-4, 5, 3, 4), n=lambda: odd(2, 6)), """
    torch.softmax(x, 1)
    torch.softmax(x, -1)
    torch.softmax(x.half(), -1, dtype=torch.float32)
    torch.softmax(i, 0, dtype=torch.float32)
    torch.log_softmax(x, 0)
    torch.nn.functional.softmin(x, dim=1)
    torch.softmax(torch.tensor(2.0), 0)
    torch.logsumexp(x, 1)
    torch.logsumexp(x, [0, 2], keepdim=True)
    torch.logsumexp(x * 1000, -1)
    torch.cumsum(x, 1)
    torch.cumsum(i, 0)
    torch.cumsum(i > 0, 1)
    torch.cumsum(i, 0, dtype=torch.float32)
    torch.cumprod(x, -1)
    torch.cumsum(torch.tensor(3), 0)
    torch.cummax(x, 1)[0]
    torch.cummax(i, 1)[1]
    torch.cummin(x, 0)[0]
    torch.cummin(i, 0)[1]
    torch.nansum(n)
    torch.nansum(n, 1)
    torch.nanmean(n[:, 3:], 1)
    torch.median(x)
    torch.median(x, 1)[0]
    torch.median(x, 2)[1]
    torch.kthvalue(x, 2, 1)[0]
    torch.kthvalue(x, 3, -1, keepdim=True)[1]
    torch.quantile(x, 0.3)
    torch.quantile(x, 0.5, 1)
    torch.quantile(x, torch.tensor([0.1, 0.7]), 2)
    torch.quantile(x, torch.tensor([0.1, 0.7, 1.0]), 0, keepdim=True)
    torch.quantile(x, 0.4, 1, interpolation="lower")
    torch.quantile(x, 0.4, 1, interpolation="nearest")
    torch.quantile(x, 0.4, 1, interpolation="midpoint")
    torch.trace(x[0])
    torch.trace(i)
    torch.diff(x)
    torch.diff(x, 2, 1)
    torch.diff(i, dim=0, prepend=i[:1])
    torch.diff(i > 0)
    torch.trapz(x)
    torch.trapezoid(x, dx=0.5, dim=1)
    torch.trapezoid(x, torch.tensor([0.0, 1.0, 3.0, 4.0]))
    torch.cumulative_trapezoid(x, dim=1)
    x.amax(0).softmax(-1)
""")

group("more", dict(x=lambda: f(3, 8), n=lambda: odd(2, 6), p=lambda: u(3, 4), s=lambda: f(2, 64)), """
    torch.angle(n)
    torch.special.entr(p - 0.2)
    torch.special.ndtr(x)
    torch.nanmedian(n)
    torch.nanmedian(n, 1)[0]
    torch.cov(x)
    torch.cov(x[0])
    torch.cov(x, correction=0)
    torch.corrcoef(x)
    x.sum_to_size([1, 8])
    x.sum_to_size([8])
    torch.vander(p[0])
    torch.vander(p[0], 3, True)
    torch.combinations(p[0])
    torch.combinations(p[0], 3)
    torch.combinations(p[0, :3], 2, True)
    torch.nn.utils.rnn.pad_sequence([x[0], x[1, :3], x[2, :5]])
    torch.nn.utils.rnn.pad_sequence([p, p[:2]], True, -1.0)
    torch._VF.stft(s, 16, None, None, None, False, None, False)
    torch._VF.stft(s[0], 16, 8, 12, torch.hann_window(12), True, True, False)
    x.clone().log_normal_(0.0, 0.1).min() > 0
    x.clone().geometric_(0.5).min() >= 1
    x.clone().cauchy_().isfinite().all()
    y = x[:, :1].expand(3, 4); y.fill_(2); x[:, :2]
""")

# -- creation --
group("create", dict(x=lambda: f(2, 3)), """
    torch.zeros(2, 3)
    torch.zeros([2], dtype=torch.int64)
    torch.ones(2, 2, dtype=torch.float64).float()
    torch.full([2, 2], 3)
    torch.full([2, 2], 2.5)
    torch.full([2], 1, dtype=torch.bool)
    torch.full([2], 3, dtype=torch.float32)
    torch.zeros_like(x)
    torch.ones_like(x, dtype=torch.int64)
    torch.full_like(x, 1.5)
    torch.zeros_like(x.t()).t().reshape(-1)
    x.new_zeros(3)
    x.new_ones([2, 2], dtype=torch.int32)
    x.new_full([2], 7)
    torch.empty(0, 3)
    torch.empty_like(x).fill_(2)
    x.new_empty([2]).zero_()
    torch.arange(5)
    torch.arange(2, 9, 3)
    torch.arange(5, 0, -2)
    torch.arange(0.0, 1.0, 0.3)
    torch.arange(3.0)
    torch.arange(4, dtype=torch.float32)
    torch.arange(x.size(0), x.size(1) + 4)
    torch.arange(0, 1, 0.1, dtype=torch.float64).float()
    torch.linspace(0, 1, 5)
    torch.linspace(-2.0, 3.0, 8)
    torch.linspace(3.0, 3.0, 1)
    torch.linspace(0, 10, 4, dtype=torch.int64)
    torch.logspace(0, 2, 5)
    torch.logspace(0, 2, 5, base=2.0)
    torch.eye(3)
    torch.eye(2, 4, dtype=torch.int64)
    torch.tensor([1, 2, 3])
    torch.tensor([[1.0, 2.0], [3.0, 4.5]])
    torch.tensor([True, False])
    torch.tensor(3)
    torch.tensor(2.5)
    torch.tensor([1, 2], dtype=torch.float32)
    torch.tensor([x.size(0), x.size(1)])
    torch.as_tensor([1.5, 2.5])
    torch.scalar_tensor(3)
    torch.tril(x)
    torch.triu(x, 1)
    torch.tril(torch.ones(3, 3), -1)
    torch.triu(torch.full([4, 4], float("-inf")), 1)
    torch.tril_indices(3, 3)
    torch.triu_indices(3, 4, 1)
    torch.nn.functional.one_hot(torch.tensor([0, 2, 1]), 4)
    torch.nn.functional.one_hot(torch.tensor([[0], [3]]))
    torch.meshgrid([torch.arange(2), torch.arange(3)])[0]
    torch.meshgrid([torch.arange(2), torch.arange(3)], indexing="xy")[1]
    torch.meshgrid([torch.arange(2), torch.arange(3)], indexing="xy")[0]
    torch.cartesian_prod(torch.arange(2), torch.arange(3))
    torch.hann_window(8)
    torch.hann_window(7, periodic=False)
    torch.hamming_window(6)
    torch.hamming_window(6, False, 0.5, 0.4)
    torch.blackman_window(6)
    torch.bartlett_window(6)
    torch.kaiser_window(6)
    torch.kaiser_window(6, False, 4.0)
    y = torch.zeros(3, 3); y.fill_diagonal_(2); y
    y = torch.zeros(2, 3); y[:, 1] = 4; y
    y = torch.ones(3); y[1:].zero_(); y
    torch.range(0, 4, 2)
""")
group("random", dict(x=lambda: f(400, 3)), """
    torch.rand(50).lt(1).all()
    torch.rand(4000).mean().sub(0.5).abs() < 0.05
    torch.randn(4000).std().sub(1).abs() < 0.1
    torch.randn_like(x).shape[0] + torch.zeros(1)
    torch.randint(3, 7, [200]).min()
    torch.randint(5, [200]).max()
    torch.randperm(7).sort()[0]
    torch.bernoulli(torch.full([4000], 0.3)).mean().sub(0.3).abs() < 0.05
    x.clone().bernoulli_(0.7).mean().sub(0.7).abs() < 0.1
    x.clone().normal_(2.0, 0.5).mean().sub(2).abs() < 0.1
    x.clone().uniform_(1.0, 2.0).min() >= 1
    x.clone().exponential_(2.0).mean().sub(0.5).abs() < 0.1
    torch.normal(torch.full([2000], 3.0), 1.0).mean().sub(3).abs() < 0.1
    torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 1)
    torch.multinomial(torch.ones(5), 5).sort()[0]
    torch.multinomial(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 3, replacement=True)
    (torch.rand(5) == torch.rand(5)).any()
    torch.rand_like(x).amax() < 1
    torch.normal(0.0, 1.0, [3, 2]).size(1) + torch.zeros(1)
""")

# -- views --
group("views", dict(x=lambda: f(2, 3, 4), o=lambda: f(1, 3, 1)), """
    x.view(6, 4)
    x.view(-1)
    x.view(2, -1)
    x.reshape(4, 6)
    x.transpose(0, 1).reshape(-1)
    x.flatten()
    x.flatten(1)
    x.flatten(0, 1)
    x.unflatten(2, [2, 2])
    x.unflatten(2, [-1, 2])
    o.squeeze()
    o.squeeze(0)
    o.squeeze(1)
    o.squeeze(-1)
    x.unsqueeze(0)
    x.unsqueeze(-1)
    x.transpose(0, 2)
    x[0].t()
    x[0].T
    x.mT
    x.permute(2, 0, 1)
    x.movedim(0, 2)
    x.movedim([0, 1], [2, 0])
    x.swapaxes(0, 1)
    o.expand(2, 3, 4)
    o.expand(-1, -1, 2)
    o.expand(5, 2, 3, 4)
    o.expand_as(x)
    torch.broadcast_to(o, [2, 3, 4])
    torch.broadcast_tensors(o, x)[0]
    x.view_as(x.permute(0, 1, 2))
    x.reshape_as(x.view(4, 6))
    x.narrow(1, 1, 2)
    x.narrow(-1, -2, 2)
    x.select(1, 2)
    x.select(-1, -1)
    x[1]
    x[:, 1]
    x[:, -2:]
    x[..., 1:3]
    x[:, :, ::2]
    x[:, :, 1::2]
    x[:, :, -3:-1]
    x[:, 5:]
    x[:, 2:1]
    x[None]
    x[:, None, 1]
    x[0, 1, 2]
    x.diagonal(0, 1, 2)
    x[0].diagonal(1)
    x[0].diagonal(-1)
    torch.diagonal(x, 0, 0, 2)
    x.unfold(2, 2, 1)
    x.unfold(1, 2, 1)
    x.unfold(2, 3, 2)
    x.as_strided([2, 2], [1, 2])
    x.as_strided([2, 3], [4, 1], 3)
    torch.atleast_1d(torch.tensor(3.0))
    torch.atleast_2d(torch.tensor([3.0, 4.0]))
    torch.atleast_3d(x[0])
    torch.ravel(x)
    y = x.clone(); y.squeeze_(); y.unsqueeze_(0); y.transpose_(1, 2); y
    y = x[0].clone(); y.t_(); y.add_(1); y
    torch.select_scatter(x, torch.zeros(2, 4), 1, 1)
    torch.slice_scatter(x, torch.zeros(2, 3, 2), 2, 1, 3)
    torch.slice_scatter(x, torch.zeros(2, 3, 2), 2, 0, 4, 2)
    torch.diagonal_scatter(x[0, :3, :3], torch.ones(3))
    y = x.clone(); y.diagonal(0, 1, 2).fill_(9); y
    y = x.clone(); y.unfold(2, 2, 2)[0].zero_(); y
    y = x.clone(); y[:, 1:, ::2] = 5; y
    y = x.clone(); y[0, :, 1:3] += 10; y
    y = x.clone(); z = y.view(-1); z[3:7] = 1; y
    y = x.clone(); z = y.permute(2, 0, 1)[1]; z.mul_(0); y
    y = x.clone(); z = y.narrow(1, 1, 1); y.add_(1); z
    y = torch.empty(0); y.resize_(2, 2); y.fill_(3); y
""")
group("split", dict(x=lambda: f(5, 6), y=lambda: f(2, 4, 6)), """
    x.split(2)
    x.split(4, 1)
    x.split([1, 3, 1])
    torch.split(x, [2, 4], 1)
    torch.split_with_sizes(x, [2, 3])
    x.chunk(2)
    x.chunk(3, 1)
    x.chunk(4)
    torch.tensor_split(x, 3)
    torch.tensor_split(x, [1, 4])
    torch.tensor_split(x, [2], dim=1)
    x.unbind(1)
    torch.unbind(x)
    torch.hsplit(x, 2)
    torch.vsplit(x, [1, 3])
    torch.dsplit(y, 2)
    a, b = x.chunk(2, dim=1); a * torch.sigmoid(b)
    a, b = x.clone().split([2, 3]); a += 1; a
    y.split(2, dim=1)[1]
""")
group("move", dict(x=lambda: f(2, 3), y=lambda: f(2, 3), i=lambda: ints(0, 9, 2, 3), c=lambda: f(1, 8, 2, 4)), """
    torch.cat([x, y])
    torch.cat([x, y], 1)
    torch.cat([x, y, x], -1)
    torch.cat([x, i], 0)
    torch.cat([x, torch.zeros(0)], 0)
    torch.cat([x, torch.zeros(0, 3)], 0)
    torch.concat([x, y])
    torch.stack([x, y])
    torch.stack([x, y], 1)
    torch.stack([x, y], -1)
    torch.stack([x[0, 0], y[0, 0]])
    torch.hstack([x, y])
    torch.hstack([x[0], y[0]])
    torch.vstack([x[0], y[0]])
    torch.dstack([x, y])
    torch.column_stack([x[0], y[0]])
    torch.block_diag(x, y[0], torch.tensor(2.0))
    x.repeat(2, 2)
    x.repeat(2, 1, 1)
    x.repeat(1, 1)
    x[:, :1].repeat(1, 4)
    x[:1].repeat(3, 2)
    x.repeat(0, 1)
    x.tile([2])
    x.tile([2, 1, 2])
    x.repeat_interleave(2)
    x.repeat_interleave(2, 1)
    x.repeat_interleave(3, dim=0)
    x.repeat_interleave(torch.tensor([1, 3]), dim=0)
    torch.repeat_interleave(torch.tensor([1, 0, 2]))
    torch.flip(x, [0])
    torch.flip(x, [0, 1])
    torch.fliplr(x)
    torch.flipud(x)
    torch.roll(x, 1)
    torch.roll(x, 1, 0)
    torch.roll(x, [1, -1], [0, 1])
    torch.roll(x, 5, 1)
    torch.rot90(x)
    torch.rot90(x, 2)
    torch.rot90(x, -1, [0, 1])
    torch.pixel_shuffle(c, 2)
    torch.pixel_unshuffle(c, 2)
    torch.channel_shuffle(c, 4)
    torch.diag(x[0])
    torch.diag(x)
    torch.diag(x[0], 1)
    torch.diag_embed(x)
    torch.diag_embed(x, -1, 0, 2)
    torch.diagflat(x)
""")

# -- indexing --
group("index", dict(x=lambda: f(4, 5, 3), i=lambda: ints(0, 4, 2), j=lambda: ints(-5, 5, 2), k=lambda: ints(0, 3, 2, 2)), """
    x[i]
    x[:, j]
    x[i, j]
    x[i, :, torch.tensor([2, 0])]
    x[:, :, k]
    x[k, k]
    x[k]
    x[:, :, k - 3]
    x[1, i]
    x[i][:, j]
    x[i, 1]
    x[i, 1:3]
    x[1:3, j]
    x[i, None]
    x[torch.tensor([0, 2])]
    x[[0, 2]]
    x[i.to(torch.int32).long()]
    x[torch.tensor(2)]
    x[x > 0]
    x[x[:, 0, 0] > 0]
    x[:, x[0, :, 0] > 0]
    x[i, :, torch.tensor([True, False, True])]
    x.index_select(0, i)
    x.index_select(1, torch.tensor([4, 0, 0]))
    torch.index_select(x, 2, torch.tensor(1))
    x.gather(2, torch.zeros(4, 5, 1, dtype=torch.int64))
    x.gather(1, torch.tensor([[[0, 4, 2]], [[1, 1, 1]], [[2, 3, 4]], [[0, 0, 0]]]))
    torch.take(x, torch.tensor([0, 7, -1]))
    torch.take_along_dim(x, x.argsort(1), 1)
    torch.take_along_dim(x, torch.tensor([[[0], [1]]]), 1)
    torch.masked_select(x, x > 0.5)
    torch.nonzero(x > 0.5)
    torch.argwhere(x[0] > 0)
    torch.where(x[0] > 0)[0]
    torch.where(x[0] > 0)[1]
    torch.nonzero(torch.tensor([0, 3, 0, 1]))
    torch.nonzero(torch.tensor(1.0))
    x.masked_scatter(x > 0, torch.arange(60.0))
    torch.nn.functional.embedding(i, x[:, :, 0])
    torch.nn.functional.embedding(k, x[:, :, 0], padding_idx=0)
""")
group("index_put", dict(x=lambda: f(4, 5), i=lambda: torch.tensor([2, 0, 2]), v=lambda: f(3, 5)), """
    y = x.clone(); y[1] = 0; y
    y = x.clone(); y[torch.tensor([0, 2])] = 1.0; y
    y = x.clone(); y[:, torch.tensor([1, 3])] = v[:, :2].sum(); y
    y = x.clone(); y[torch.tensor([3, 0]), torch.tensor([1, 4])] = torch.tensor([7.0, 8.0]); y
    y = x.clone(); y[y > 0] = 0; y
    y = x.clone(); y[y[:, 0] > 0] = 2.5; y
    y = x.clone(); y[y[:, 0] > 0] = v[0]; y
    y = x.clone(); y[:, y[0] > 0] = -1; y
    y = x.clone(); y[y > 0] = torch.arange(20.0)[: int((y > 0).sum())]; y
    y = x.clone(); y[y < 0] *= -1; y
    y = x.clone(); y[1:3, torch.tensor([0, 1])] = 3; y
    x.index_put([torch.tensor([1, 3])], v[:2])
    x.index_put([torch.tensor([1, 3])], torch.tensor(2.0))
    x.index_put([i], v, accumulate=True)
    y = x.clone(); y.index_put_([i, i], torch.tensor([1.0, 2.0, 3.0]), accumulate=True); y
    x.index_add(0, i, v)
    x.index_add(0, i, v, alpha=0.5)
    x.index_copy(0, torch.tensor([3, 0, 1]), v)
    x.index_fill(1, torch.tensor([0, 2]), -1)
    x.index_fill(0, torch.tensor([1]), 2.5)
    y = x.clone(); y.index_fill_(0, torch.tensor([1, 2]), 0); y
    x.put(torch.tensor([0, -1]), torch.tensor([5.0, 6.0]))
    x.scatter(0, torch.tensor([[0, 1, 2, 3, 0]]), v)
    x.scatter(1, torch.tensor([[0, 1], [2, 3]]), 9.0)
    x.scatter(1, torch.tensor([[0, 1], [2, 3]]), v, reduce="add")
    x.scatter(1, torch.tensor([[0, 1], [2, 3]]), 2.0, reduce="multiply")
    x.scatter_add(0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v)
    y = torch.zeros(3, 5); y.scatter_(0, torch.tensor([[0, 1, 2, 0, 0]]), x); y
    y = torch.zeros(2, 4); y.scatter_(1, torch.tensor([[1], [3]]), 1.0); y
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "sum")
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "amax", include_self=False)
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "mean")
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "mean", include_self=False)
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "prod")
    torch.scatter_reduce(x, 0, torch.tensor([[0, 1, 2, 0, 0], [0, 1, 2, 1, 2]]), v, "amin")
    x.index_reduce(0, i, v, "amax")
    torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2, 3, 1]), x, torch.tensor([0, 2]))
    torch.nn.functional.embedding_bag(torch.tensor([[0, 1], [2, 3]]), x, mode="sum")
    torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2, 3, 1]), x, torch.tensor([0, 2, 2]), mode="max")
    torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2, 3]), x, torch.tensor([0, 2]), mode="sum", per_sample_weights=v[0, :4])
    torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2, 3]), x, torch.tensor([0, 2]), mode="mean", padding_idx=1)
""")
group("sort", dict(x=lambda: f(3, 5), i=lambda: ints(0, 5, 2, 6), n=lambda: odd(7)), """
    x.sort()[0]
    x.sort()[1]
    x.sort(0, True)[0]
    x.sort(0, True)[1]
    torch.sort(i, dim=1, stable=True)[1]
    torch.sort(i, dim=1, descending=True, stable=True)[1]
    n.sort()[0]
    n.sort(descending=True)[0]
    x.argsort()
    x.argsort(0, descending=True)
    torch.msort(x)
    x.topk(2)[0]
    x.topk(2)[1]
    x.topk(2, 0, largest=False)[0]
    x.topk(3, -1, False, True)[1]
    torch.unique(i)
    torch.unique(i, return_inverse=True)[1]
    torch.unique(i, return_counts=True)[1]
    torch.unique(i, dim=1)
    torch.unique_consecutive(i)
    torch.unique_consecutive(i, return_counts=True)[1]
    torch.bincount(i.view(-1))
    torch.bincount(i.view(-1), minlength=9)
    torch.bincount(i[0], x.view(-1)[:6])
    torch.histc(x, 4, -1.0, 1.0)
    torch.histc(x, 5)
    torch.searchsorted(torch.tensor([0.0, 0.5, 1.0]), x)
    torch.searchsorted(torch.tensor([1, 2, 3]), i, right=True)
    torch.searchsorted(torch.tensor([1, 2, 3]), 2)
    torch.searchsorted(x.sort(1)[0], x)
    torch.bucketize(x, torch.tensor([0.0, 0.5]))
    torch.bucketize(i, torch.tensor([1, 3]), right=True)
    torch.bucketize(i, torch.tensor([1, 3]), out_int32=True)
    torch.isin(i, torch.tensor([1, 4]))
    torch.isin(i, 2)
    torch.isin(i, torch.tensor([1, 4]), invert=True)
    torch.tensor(3.0).sort()[0]
    torch.tensor([2.0]).topk(1)[1]
""")
# sizes, positions and counters that change
group("control", dict(x=lambda: f(4, 6), n=lambda: torch.tensor(2)), """
    x[: int(n)]
    x[int(n)]
    x[:, int(n) : int(n) + 2]
    x.narrow(0, int(n), 1)
    torch.zeros(int(n), 3)
    torch.arange(int(n), int(n) + 3)
    x.select(1, int(n))
    x * int(n)
    torch.full([2], int(n))
    x[n]
    x[:, n]
    x.index_select(0, n)
    y = x.clone(); y[int(n)] = 1; y
    y = x.clone(); y[:, n] = 2; y
    torch.zeros(3).index_fill_(0, n, 1.0)
    x.view(int(n), -1)
    x.split(int(n))
    y = x.clone(); y[n] = 5; y
    x + n
    x.sum() if bool((n > 1).all()) else x.mean()
""")
group("new_in_2", dict(x=lambda: f(1, 3, 1), y=lambda: odd(2, 3)), """
    x.squeeze([0, 2])
    torch.concatenate([x, x], 1)
    torch.all(y, [0, 1])
    torch.any(y > 0, [0])
    torch.var(y[:, 1:], dim=[1], correction=0)
    torch.sum(y[1:], dim=[0, 1])
    torch.linspace(torch.tensor(0.0), 2.0, 5)
    x.unflatten(1, [3, 1])
    torch.nn.functional.scaled_dot_product_attention(x, x, x)
    torch.argsort(y, dim=1, stable=True)
    torch.index_reduce(y[1:], 1, torch.tensor([0, 0]), y[1:, :2], "mean")
    torch.nn.functional.one_hot(torch.tensor([1, 0]), 3)
""", new=True)

HEAD = """import torch
from typing import List, Tuple, Optional
class M(torch.nn.Module):
    def forward(self, {args}):
{body}
        return ({names},)
"""


def module(folder, name, args, lines, each=None):
    body = []
    for k, line in enumerate(lines):
        *statements, last = line.split("; ")
        # names of a line are its own: TorchScript wants one type for each
        text = [s for s in statements] + [f"r{k} = {last}"]
        for v in ("y", "z", "a", "b"):
            if v not in args:
                import re
                text = [re.sub(rf"(?<![\w.\"]){v}(?![\w(\"])", f"{v}{k}", s) for s in text]
        body += ["        " + s for s in text]
    names = ", ".join(f"r{k}" for k in range(len(lines)))
    path = os.path.join(folder, name.replace(".", "_") + ".py")
    with open(path, "w") as out:
        out.write(HEAD.format(args=", ".join(args), body="\n".join(body), names=names))
    spec = importlib.util.spec_from_file_location("m_" + name.replace(".", "_"), path)
    m = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(m)
    return m.M().eval()


def flatten(v, out):
    if isinstance(v, torch.Tensor):
        out.append(v.detach().numpy())
    else:
        for e in v:
            flatten(e, out)
    return out


def slim(path):
    """Drops the debug tables, which are most of such a file; data stays aligned to 64 bytes."""
    with zipfile.ZipFile(path) as z:
        parts = [(i.filename, z.read(i), i.compress_type) for i in z.infolist()
                 if not i.filename.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        for name, data, how in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            pad = -(z.fp.tell() + 30 + len(name) + 4) % 64
            info.compress_type = how
            info.extra = b"FB" + pad.to_bytes(2, "little") + b"Z" * pad
            z.writestr(info, data)


def write(out, folder, name, inputs, lines, trace):
    torch.manual_seed(zlib.crc32(name.split(".")[0].encode()))
    values = {k: v() for k, v in inputs.items()}
    m = module(folder, name, list(values), lines)
    args = tuple(values.values())
    copies = tuple(a.clone() for a in args)
    with torch.no_grad():
        s = torch.jit.trace(m, args, check_trace=False) if trace else torch.jit.script(m)
        path = os.path.join(out, name + ".pt")
        torch.jit.save(s, path)
        slim(path)
        outs = flatten(torch.jit.load(path)(*copies), [])
    for i, x in enumerate(args):
        np.save(os.path.join(out, f"{name}.in{i}.npy"), x.numpy())
    for i, x in enumerate(outs):
        np.save(os.path.join(out, f"{name}.out{i}.npy"), x)


def main():
    import warnings
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    words = [w for w in sys.argv[1:] if not w.startswith("--")]
    out, only = words[0], words[1:]
    each, trace = "--each" in sys.argv, "--trace" in sys.argv
    os.makedirs(out, exist_ok=True)
    suffix = ("_traced" if trace else "") + ("_213" if V2 else "")
    with tempfile.TemporaryDirectory() as folder:
        for name, inputs, lines, new in GROUPS:
            if (only and name not in only) or (new and not V2):
                continue
            jobs = [(f"{name}{suffix}.{k:02d}", [line]) for k, line in enumerate(lines)] if each \
                else [(name + suffix, lines)]
            for job, some in jobs:
                try:
                    write(out, folder, job, inputs, some, trace)
                except Exception as e:  # noqa: BLE001  (a line that this PyTorch refuses)
                    print(f"{job}: {some[0] if each else ''}: {str(e).strip().splitlines()[-1][:150]}")


if __name__ == "__main__":
    main()
