#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes small TorchScript files of nn layers with inputs and expected outputs, by real PyTorch.

usage: cases_b.py OUTDIR [NAME...]      (run it with each PyTorch; NAMEs: only those cases)

CASE.pt, CASE.in0.npy ..., CASE.out0.npy ...; several outputs are flattened in order. With PyTorch
1.13 the cases are called CASE_113. With `--commit` first, only what tests/e2e/b holds is written:
the smaller cases of 2.13, and those that 1.13 writes in another way.
"""
import os
import re
import sys
import zipfile
import zlib
from typing import List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

V2 = int(torch.__version__.split(".")[0]) >= 2
CASES = []


def case(name, fn, *inputs, script=False, train=False, want=True, grad=False):
    """grad: exported with gradients on, so that fused inference paths are not taken."""
    if want:
        CASES.append((name, fn, inputs, script, train, grad))


def f(*dims):
    return lambda: torch.randn(*dims)


def u(*dims):
    return lambda: torch.rand(*dims)


def ints(high, *dims):
    return lambda: torch.randint(0, high, dims)


def bools(*dims):
    return lambda: torch.rand(*dims) > 0.4


# -- activations --
case("act_relu_family", lambda x: (F.relu(x), F.relu6(3 * x), F.hardtanh(x, -0.5, 0.7)), f(2, 9))
case("act_smooth", lambda x: (F.silu(x), F.mish(x), F.softplus(x, 2.0, 5.0), F.logsigmoid(x),
                              torch.sigmoid(x), torch.tanh(x)), f(3, 7))
case("act_hard", lambda x: (F.hardswish(x), F.hardsigmoid(x), F.hardshrink(x, 0.3),
                            F.softshrink(x, 0.2), F.threshold(x, 0.1, -2.0)), lambda: 4 * torch.randn(3, 7))
case("act_gelu", lambda x: (F.gelu(x), F.gelu(x, approximate="tanh")), f(4, 5))
case("act_exp", lambda x: (F.elu(x, 0.7), F.selu(x), F.celu(x, 1.3), F.leaky_relu(x, 0.2),
                           F.rrelu(x), F.tanhshrink(x), F.softsign(x)), f(4, 5))
case("act_glu", lambda x: (F.glu(x), F.glu(x, 0)), f(4, 6))
case("act_prelu", nn.Sequential(nn.PReLU(3, 0.3), nn.PReLU()), f(2, 3, 4))
case("act_inplace", nn.Sequential(nn.ReLU(True), nn.Hardswish(True), nn.LeakyReLU(0.1, True),
                                  nn.ELU(inplace=True), nn.Dropout(0.5, True)), f(2, 5))
case("act_int", lambda x: (torch.sigmoid(x), torch.tanh(x), F.relu(x)), lambda: torch.arange(-3, 4))
case("dropout_eval", nn.Sequential(nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()),
     f(2, 3, 4, 4))


# -- losses and distances --
class Losses(nn.Module):
    def forward(self, x, y):
        p = torch.sigmoid(x)
        return (F.mse_loss(x, y), F.l1_loss(x, y, reduction="sum"), F.smooth_l1_loss(x, y, beta=0.5),
                F.huber_loss(x, y, delta=0.7), F.binary_cross_entropy(p, y), F.soft_margin_loss(x, y),
                F.binary_cross_entropy_with_logits(x, y, pos_weight=y + 1, reduction="none"),
                F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction="batchmean"),
                F.kl_div(x, y, reduction="sum", log_target=True))


case("loss_pairs", Losses(), f(3, 4), u(3, 4))
case("loss_pairs_script", Losses(), f(3, 4), u(3, 4), script=True)
case("loss_class", lambda x, y, w: (F.cross_entropy(x, y), F.cross_entropy(x, y, w, reduction="none"),
                                    F.cross_entropy(x, y, w, label_smoothing=0.1, ignore_index=1),
                                    F.nll_loss(F.log_softmax(x, 1), y, w),
                                    F.cross_entropy(x, F.softmax(x * 2, 1), w)),
     f(5, 4), ints(4, 5), u(4))
case("loss_more", lambda x, y, s: (F.poisson_nll_loss(x, y), F.poisson_nll_loss(x.abs(), y, log_input=False, full=True), F.hinge_embedding_loss(x, s),
                                   F.margin_ranking_loss(x, y, s, 0.2), F.cosine_similarity(x, y, 0), F.cosine_similarity(x[:1], y, dim=-1)),
     f(3, 4), lambda: torch.rand(3, 4) * 4, lambda: torch.randint(0, 2, (3, 4)).float() * 2 - 1)
case("loss_class_2d", lambda x, y: (F.cross_entropy(x, y, ignore_index=2), F.nll_loss(x, y, reduction="none")),
     f(2, 4, 3, 3), ints(4, 2, 3, 3))
case("loss_distance", lambda a, b, c: (F.cosine_similarity(a, b), F.pairwise_distance(a, b), F.normalize(a),
                                       F.pairwise_distance(a, b, 1.0, keepdim=True),
                                       F.triplet_margin_loss(a, b, c, swap=True),
                                       torch.cdist(a, b), torch.cdist(a, b, 1.0)), f(4, 6), f(4, 6), f(4, 6))

# -- pads --
case("pad_constant", lambda x: (F.pad(x, (1, 2)), F.pad(x, (0, 1, 2, 0), value=1.5), F.pad(x, (-1, 2, 1, -1))),
     f(2, 3, 4, 5))
case("pad_reflect", lambda x: (F.pad(x, (2, 1), mode="reflect"), F.pad(x, (1, -1), mode="reflect"),
                               nn.ReflectionPad1d(2)(x[0])), f(2, 3, 6))
case("pad_reflect_2d", lambda x: (F.pad(x, (2, 1, 0, 3), mode="reflect"), nn.ReflectionPad2d(1)(x)), f(1, 2, 4, 5))
case("pad_replicate", lambda x: (F.pad(x, (2, 1, 4, 0), mode="replicate"), nn.ReplicationPad2d((-1, 2, 0, 1))(x)),
     f(1, 2, 4, 5))
case("pad_circular", lambda x: (F.pad(x, (2, 1, 0, 3), mode="circular"), F.pad(x, (-1, 2, 1, 0), mode="circular")),
     f(1, 2, 4, 5))
case("pad_3d", lambda x: (nn.ReplicationPad3d(1)(x), nn.ReflectionPad3d(1)(x)), f(1, 2, 3, 3, 2))
case("pad_shuffle", lambda x: (F.pixel_shuffle(x, 2), F.pixel_unshuffle(x, 2), F.channel_shuffle(x, 4)), f(1, 8, 4, 6))

# -- convolutions --
case("conv1d", nn.Sequential(nn.Conv1d(3, 4, 3, 2, 1), nn.Conv1d(4, 4, 2, dilation=2, groups=2, bias=False)), f(2, 3, 17))
case("conv2d", nn.Conv2d(3, 4, (3, 2), (2, 1), (1, 0), (1, 2)), f(2, 3, 8, 7))
case("conv2d_script", nn.Conv2d(4, 6, 3, padding=1, groups=2), f(1, 4, 5, 6), script=True)
case("conv2d_depthwise", nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, groups=4), nn.Conv2d(4, 8, 1), nn.ReLU6()), f(1, 4, 6, 6))
case("conv2d_unbatched", nn.Conv2d(2, 3, 3), f(2, 5, 6))
case("conv2d_same", nn.Sequential(nn.Conv2d(2, 3, (4, 3), padding="same", dilation=(1, 2)), nn.Conv2d(3, 2, 2, padding="valid")),
     f(1, 2, 7, 8))
case("conv1d_same_script", nn.Conv1d(2, 3, 4, padding="same"), f(2, 9), script=True)
case("conv2d_reflect", nn.Conv2d(2, 3, 3, padding=2, padding_mode="reflect"), f(1, 2, 6, 6))
case("conv2d_circular", nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), f(1, 2, 6, 6), script=True)
case("conv3d", nn.Sequential(nn.Conv3d(2, 3, (2, 3, 1), padding=(0, 1, 0)), nn.ConvTranspose3d(3, 1, 2, 2)), f(1, 2, 3, 4, 3))
case("convt1d", nn.Sequential(nn.ConvTranspose1d(3, 4, 4, 2, 1), nn.ConvTranspose1d(4, 2, 3, 3, output_padding=2, groups=2)), f(2, 3, 5))
case("convt2d", nn.ConvTranspose2d(4, 6, (3, 4), (2, 1), (1, 2), (1, 0), groups=2, dilation=(1, 2)), f(2, 4, 4, 5))
case("convt2d_script", nn.ConvTranspose2d(3, 2, 3, 2), f(3, 3, 4), script=True)
case("conv_tbc", lambda x, w, b: torch.conv_tbc(x, w, b, 1), f(6, 2, 3), f(3, 3, 4), f(4))
case("conv_functional", lambda x, w: (F.conv2d(x, w, stride=2), F.conv2d(x, w, padding=(1, 2)), F.conv_transpose2d(x, w.transpose(0, 1), stride=2)),
     f(1, 3, 6, 5), f(2, 3, 3, 3))
case("conv_channels_last", lambda x, w: F.conv2d(x, w).permute(0, 2, 3, 1).reshape(-1), lambda: torch.randn(1, 3, 5, 5).contiguous(memory_format=torch.channels_last), f(2, 3, 3, 3))
case("unfold_fold", lambda x: (F.unfold(x, (2, 3), padding=1, stride=(2, 1)), F.fold(F.unfold(x, 3, 1, 1, 2), (6, 5), 3, 1, 1, 2)),
     f(2, 3, 6, 5))

# -- pools --
case("pool_max", lambda x: (F.max_pool2d(x, 3, 2, 1), F.max_pool2d(x, (2, 3), ceil_mode=True), F.max_pool2d(x, 2, 1, dilation=2)), f(2, 2, 7, 8))
case("pool_max_indices", nn.MaxPool2d(2, 2, ceil_mode=True, return_indices=True), f(2, 5, 7))
case("pool_max_1d_3d", lambda x, y: (F.max_pool1d(x, 3, 2), F.max_pool3d(y, 2, 1, 1), F.max_pool1d(x[0], 2)), f(2, 3, 8), f(1, 2, 3, 4, 3))
case("pool_avg", lambda x: (F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False, ceil_mode=True),
                            F.avg_pool2d(x, 2, ceil_mode=True), F.avg_pool2d(x, 2, divisor_override=3)), f(2, 2, 7, 8))
case("pool_avg_1d_3d", lambda x, y: (F.avg_pool1d(x, 3, 2, 1, True), F.avg_pool3d(y, 2, 1)), f(2, 3, 8), f(1, 2, 3, 4, 3))
case("pool_lp", lambda x: F.lp_pool2d(x, 2.0, 2), u(1, 2, 6, 6))
case("pool_adaptive", lambda x: (F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool2d(x, (3, 5)), F.adaptive_avg_pool2d(x, (None, 2)),
                                 F.adaptive_max_pool2d(x, (3, 4))), f(2, 2, 7, 8))
case("pool_adaptive_1d_3d", lambda x, y: (F.adaptive_avg_pool1d(x, 3), F.adaptive_max_pool1d(x, 5, return_indices=True), F.adaptive_avg_pool3d(y, 2)),
     f(2, 3, 8), f(1, 2, 3, 4, 3))


class Adaptive(nn.Module):
    def forward(self, x):
        return F.adaptive_avg_pool2d(x, [x.size(-2) - 1, 3])


case("pool_adaptive_script", Adaptive(), f(2, 5, 7), script=True)


class Unpool(nn.Module):
    def forward(self, x):
        y, i = F.max_pool2d(x, 2, 2, return_indices=True)
        return F.max_unpool2d(y, i, 2, 2)


case("pool_unpool", Unpool(), f(1, 2, 4, 6), script=True)

# -- resampling --
R = dict(recompute_scale_factor=False)
case("up_nearest", lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, size=(7, 3)), F.interpolate(x, scale_factor=(1.7, 0.6))), f(1, 2, 4, 5))
case("up_nearest_exact", lambda x: (F.interpolate(x, size=(7, 3), mode="nearest-exact"), F.interpolate(x, scale_factor=1.7, mode="nearest-exact")), f(1, 2, 4, 5))
case("up_bilinear", lambda x: (F.interpolate(x, scale_factor=2, mode="bilinear"), F.interpolate(x, size=(7, 3), mode="bilinear", align_corners=True),
                               F.interpolate(x, scale_factor=1.7, mode="bilinear"), F.interpolate(x, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True)), f(1, 2, 4, 5))
case("up_bicubic", lambda x: (F.interpolate(x, scale_factor=2, mode="bicubic"), F.interpolate(x, size=(7, 3), mode="bicubic", align_corners=True),
                              F.interpolate(x, scale_factor=1.7, mode="bicubic")), f(1, 2, 4, 5))
case("up_1d", lambda x: (F.interpolate(x, scale_factor=2.5), F.interpolate(x, 9, mode="linear"), F.interpolate(x, 9, mode="linear", align_corners=True)), f(1, 2, 5))
case("up_3d", lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, (2, 5, 3), mode="trilinear"), F.interpolate(x, (4, 5, 3), mode="trilinear", align_corners=True)), f(1, 1, 2, 3, 3))
case("up_antialias", lambda x: (F.interpolate(x, (3, 4), mode="bilinear", antialias=True), F.interpolate(x, (3, 12), mode="bicubic", antialias=True)), f(1, 2, 8, 9))
case("up_area", lambda x: F.interpolate(x, (3, 4), mode="area"), f(1, 2, 8, 9))


class Up(nn.Module):
    def forward(self, x):
        size = [x.size(2) * 2, x.size(3) + 1]
        return (F.interpolate(x, size=size, mode="bilinear", align_corners=False), F.interpolate(x, scale_factor=[1.5, 2.0], mode="nearest"),
                F.interpolate(x, scale_factor=1.5, mode="bicubic", align_corners=False))


case("up_script", Up(), f(1, 2, 4, 5), script=True)
case("up_module_script", nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.UpsamplingNearest2d(scale_factor=2)), f(1, 1, 3, 4), script=True)
case("grid_sample", lambda x, g: (F.grid_sample(x, g, align_corners=False), F.grid_sample(x, g, mode="nearest", padding_mode="border", align_corners=True),
                                  F.grid_sample(x, g, mode="bicubic", padding_mode="reflection", align_corners=False)), f(1, 2, 5, 6), lambda: torch.rand(1, 3, 4, 2) * 2.4 - 1.2)
case("affine_grid", lambda t: (F.affine_grid(t, [2, 1, 3, 4], align_corners=False), F.affine_grid(t, [2, 1, 3, 4], align_corners=True)), f(2, 2, 3))


# -- normalisation --
def norm_stats(m):
    for b in m.modules():
        if getattr(b, "running_mean", None) is not None:
            b.running_mean.normal_()
            b.running_var.uniform_(0.5, 2)
        if isinstance(getattr(b, "weight", None), Tensor) and b.weight.dim() == 1:
            b.weight.data.uniform_(0.5, 1.5)
            b.bias.data.normal_()
    return m


case("bn", lambda: norm_stats(nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False), nn.Flatten(2), nn.BatchNorm1d(3))), f(2, 3, 4, 5))
case("bn_functional", lambda x, m, v, w: (F.batch_norm(x, m, v, w, None), F.batch_norm(x, None, None, w, w, True)), f(4, 3), f(3), u(3), f(3))
case("bn_train", lambda: norm_stats(nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))), f(4, 2, 3, 3), train=True)
case("bn_train_script", lambda: norm_stats(nn.BatchNorm1d(3)), f(4, 3), train=True, script=True)


class TrainStats(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(3)
        self.inst = nn.InstanceNorm1d(3, track_running_stats=True)

    def forward(self, x):
        y = self.inst(self.bn(x))
        y = self.inst(self.bn(y * 2 + 1))
        m, v = self.bn.running_mean, self.inst.running_var
        assert m is not None and v is not None
        return y, m, v


case("bn_train_stats", TrainStats(), f(4, 3, 5), train=True, script=True)
case("instance_norm", lambda: norm_stats(nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.InstanceNorm2d(3))), f(2, 3, 4, 5))
case("instance_norm_stats", lambda: norm_stats(nn.InstanceNorm1d(3, affine=True, track_running_stats=True)), f(2, 3, 5))
case("group_norm", lambda: norm_stats(nn.GroupNorm(2, 4)), f(2, 4, 3, 3))
case("group_norm_script", lambda: norm_stats(nn.Sequential(nn.GroupNorm(4, 4), nn.GroupNorm(1, 4))), f(2, 4, 5), script=True)
case("layer_norm", lambda: norm_stats(nn.Sequential(nn.LayerNorm(5), nn.LayerNorm((3, 5)))), f(2, 3, 5))
case("layer_norm_functional", lambda x: (F.layer_norm(x, (4,)), F.layer_norm(x, (3, 4), eps=0.1)), f(2, 3, 4))
case("rms_norm", lambda: nn.Sequential(nn.RMSNorm(5), nn.RMSNorm((3, 5), eps=1e-3)), f(2, 3, 5), want=V2)
case("local_response", nn.LocalResponseNorm(2), f(2, 5, 4, 4))
case("local_response_script", nn.LocalResponseNorm(3), f(2, 5, 4), script=True)
case("weight_norm", lambda: nn.Sequential(torch.nn.utils.weight_norm(nn.Conv1d(2, 3, 2)), torch.nn.utils.weight_norm(nn.Linear(4, 2), dim=None)), f(2, 2, 5))


# -- recurrent layers --
case("lstm", nn.LSTM(4, 5, 2), f(6, 2, 4))
case("lstm_bi", nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True, dropout=0.3), f(2, 5, 4))
case("lstm_script", lambda: Rnn(nn.LSTM(3, 4, batch_first=True)), f(2, 5, 3), script=True)
case("lstm_proj", nn.LSTM(4, 5, 2, proj_size=3, bidirectional=True), f(4, 2, 4))
case("lstm_no_bias", nn.LSTM(4, 3, bias=False), f(4, 2, 4))
case("gru", nn.GRU(4, 3, 2, bidirectional=True), f(5, 2, 4))
case("gru_script", lambda: Rnn(nn.GRU(4, 3, batch_first=True)), f(2, 5, 4), script=True)
case("rnn", lambda: Branches(nn.RNN(4, 3), nn.RNN(4, 3, 2, nonlinearity="relu", bidirectional=True)), f(5, 2, 4))
case("cells", lambda: Branches(nn.LSTMCell(4, 3), nn.GRUCell(4, 3), nn.RNNCell(4, 3), nn.RNNCell(4, 3, nonlinearity="relu", bias=False)), f(2, 4))
case("rnn_unbatched", nn.GRU(4, 3), f(5, 4))


class Rnn(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x):
        return self.rnn(x)


class Branches(nn.Module):
    def __init__(self, *m):
        super().__init__()
        self.m = nn.ModuleList(m)

    def forward(self, x):
        return tuple(m(x) for m in self.m)


class Packed(nn.Module):
    def __init__(self, rnn, total: Optional[int] = None, enforce_sorted: bool = True):
        super().__init__()
        self.rnn = rnn
        self.total = total
        self.enforce_sorted = enforce_sorted

    def forward(self, x, lengths):
        p = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=self.enforce_sorted)
        y, h = self.rnn(p)
        y, n = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, padding_value=-1.0, total_length=self.total)
        return y, n, h


L = lambda: torch.tensor([5, 3, 3, 1])
case("packed_lstm", lambda: Packed(nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True)), f(4, 5, 3), L)
case("packed_gru", lambda: Packed(nn.GRU(3, 4, batch_first=True), 7, False), f(4, 6, 3), lambda: torch.tensor([2, 5, 1, 4]))
case("packed_gru_script", lambda: Packed(nn.GRU(3, 4, bidirectional=True, batch_first=True), None, False), f(4, 6, 3), lambda: torch.tensor([2, 5, 1, 4]), script=True)
case("packed_proj", lambda: Packed(nn.LSTM(3, 4, proj_size=2, bidirectional=True, batch_first=True)), f(4, 5, 3), L)


class CellLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 4)
        self.gru = nn.GRUCell(4, 4)

    def forward(self, x):
        h = torch.zeros(x.size(1), 4)
        c = torch.zeros(x.size(1), 4)
        g = torch.zeros(x.size(1), 4)
        out: List[Tensor] = []
        for i in range(x.size(0)):
            h, c = self.cell(x[i], (h, c))
            g = self.gru(h, g)
            out.append(g)
        return torch.stack(out), (h, c)


case("cell_loop", CellLoop(), f(4, 2, 3), script=True)


# -- attention --
class HandAttention(nn.Module):
    def __init__(self, d=8, heads=2):
        super().__init__()
        self.emb = nn.Embedding(10, d, padding_idx=0)
        self.pos = nn.Parameter(torch.randn(1, 6, d))
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        self.heads = heads

    def forward(self, ids):
        x = self.emb(ids) + self.pos[:, :ids.size(1)]
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = q @ k.transpose(-2, -1) / (d // self.heads) ** 0.5
        a = a.masked_fill(torch.tril(torch.ones(t, t)) == 0, float("-inf"))
        y = F.softmax(a, dim=-1) @ v
        return self.out(y.transpose(1, 2).reshape(b, t, d)).softmax(-1)


case("attention_by_hand", HandAttention(), ints(10, 2, 5))
case("attention_by_hand_script", HandAttention(), ints(10, 2, 5), script=True)
if V2:
    S = F.scaled_dot_product_attention
    case("sdpa", lambda q, k, v, m: (S(q, k, v), S(q, k, v, m), S(q, k, v, m > 0), S(q, q, q, is_causal=True), S(q, k, v, scale=0.3)),
         f(2, 2, 3, 4), f(2, 2, 5, 4), f(2, 2, 5, 6), f(3, 5))
    case("sdpa_gqa", lambda q, k, v: S(q, k, v, enable_gqa=True), f(1, 4, 3, 4), f(1, 2, 5, 4), f(1, 2, 5, 4))
    case("sdpa_all_masked", lambda q, m: S(q, q, q, m), f(1, 2, 2, 4), lambda: torch.tensor([[True, False], [False, False]]))
else:
    S = torch._C._nn._scaled_dot_product_attention
    case("sdpa", lambda q, k, v, m: (S(q, k, v, None, 0.0, True)[0], *S(q, k, v, m, 0.0, True), S(q, k, v, m > 0, 0.0, False)[0],
                                     S(q, q, q, None, 0.0, False, True)[0]), f(2, 2, 3, 4), f(2, 2, 5, 4), f(2, 2, 5, 6), f(3, 5))


class SelfMHA(nn.Module):
    def __init__(self, **kw):
        super().__init__()
        self.mha = nn.MultiheadAttention(4, 2, **kw)

    def forward(self, x):
        return self.mha(x, x, x)


class CrossMHA(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.mha = nn.MultiheadAttention(4, 2, kdim=6, vdim=5, batch_first=True)
        self.weights = weights

    def forward(self, q, k, v, pad):
        return self.mha(q, k, v, key_padding_mask=pad, need_weights=self.weights)[0]


case("mha", SelfMHA(batch_first=True), f(2, 4, 4))
case("mha_grad", SelfMHA(), f(4, 2, 4), grad=True)
case("mha_script", SelfMHA(batch_first=True), f(2, 4, 4), script=True)
case("mha_cross", CrossMHA(True), f(2, 3, 4), f(2, 4, 6), f(2, 4, 5), lambda: torch.tensor([[False] * 4, [False, False, True, True]]))
case("mha_cross_no_weights", CrossMHA(False), f(2, 3, 4), f(2, 4, 6), f(2, 4, 5), lambda: torch.tensor([[False] * 4, [False, False, True, True]]))
case("mha_bias_kv", SelfMHA(add_bias_kv=True, add_zero_attn=True), f(4, 2, 4))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)

    def forward(self, x, mask, pad):
        return self.layer(x, src_mask=mask), self.layer(x, src_key_padding_mask=pad)


case("encoder_layer", nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), f(2, 4, 4))
case("encoder_layer_gelu_first", nn.TransformerEncoderLayer(4, 2, 6, activation="gelu", norm_first=True, batch_first=True), f(2, 4, 4))
case("encoder_layer_grad", nn.TransformerEncoderLayer(4, 2, 6), f(4, 2, 4), grad=True)
case("encoder_layer_script", nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), f(2, 4, 4), script=True)
case("encoder_layer_masks", Masked(), f(2, 4, 4), lambda: torch.triu(torch.ones(4, 4), 1) > 0,
     lambda: torch.tensor([[False] * 4, [False, False, True, True]]))
case("encoder", nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), 2), f(2, 4, 4))
case("encoder_script", nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), 2), f(2, 4, 4), script=True)


class PaddedEncoder(nn.Module):
    def __init__(self, norm_first=False):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4))

    def forward(self, x, pad):
        return self.encoder(x, src_key_padding_mask=pad)


PAD = lambda: torch.tensor([[False] * 4, [False, False, True, True]])
case("encoder_padded", PaddedEncoder(), f(2, 4, 4), PAD)
case("encoder_padded_short", PaddedEncoder(True), f(2, 4, 4), lambda: torch.tensor([[False, False, True, True], [False] * 3 + [True]]))
case("encoder_padded_script", PaddedEncoder(), f(2, 4, 4), PAD, script=True)
case("encoder_padded_inside", PaddedEncoder(), f(2, 4, 4), lambda: ~PAD(), script=True)
case("decoder_layer", nn.TransformerDecoderLayer(4, 2, 6), f(3, 2, 4), f(4, 2, 4))
case("transformer", nn.Transformer(4, 2, 1, 1, 6, batch_first=True), f(2, 4, 4), f(2, 3, 4))


# -- linear algebra --
case("linear", lambda x, w, b, y: (F.linear(x, w, b), F.linear(y, w), F.linear(x[0, 0], w, b), F.linear(x, w[0])), f(2, 3, 4), f(5, 4), f(5), f(6, 4))
case("linear_int", lambda x, w: (x @ w, F.linear(x, w.t()), torch.mm(x, w)), ints(9, 3, 4), ints(9, 4, 2))
case("matmul", lambda a, m, b, n: (a @ a, m @ a, a @ n, b @ n, b @ a, m @ b.transpose(-2, -1)[:, :, :4, :], a @ b.transpose(-1, -2)),
     f(4), f(3, 4), f(2, 1, 5, 4), f(4, 6))
case("mm_family", lambda m, n, v, b, c: (torch.mm(m, n), torch.mv(m, v), torch.dot(v, v), torch.bmm(b, c), torch.outer(v, v[:2]),
                                         torch.inner(m, n.t()), torch.vdot(v, v)), f(3, 4), f(4, 5), f(4), f(2, 3, 4), f(2, 4, 2))
case("addmm_family", lambda s, m, n, v, b, c: (torch.addmm(s, m, n), torch.addmm(s, m, n, beta=0.5, alpha=2), torch.addmv(v[:3], m, v, alpha=0.3),
                                               torch.baddbmm(s[:, :2], b, c, beta=2), torch.addbmm(s[:, :2], b, c), torch.addr(m, v[:3], v, beta=0.5)),
     f(3, 5), f(3, 4), f(4, 5), f(4), f(2, 3, 4), f(2, 4, 2))
case("einsum_two", lambda a, b, q: (torch.einsum("bhqd,bhkd->bhqk", q, q), torch.einsum("ij,jk", a, b), torch.einsum("ij,jk->ki", a, b),
                                    torch.einsum("bhqd,de->bhqe", q, b), torch.einsum("i...,i...->...", a, a), torch.einsum("ij,kl->ijkl", a, b)),
     f(3, 4), f(4, 5), f(2, 2, 3, 4))
case("einsum_one", lambda a, s: (torch.einsum("ij->ji", a), torch.einsum("ij->", a), torch.einsum("ii->i", s), torch.einsum("ii", s),
                                 torch.einsum("...j->...", a), torch.einsum("ba", a)), f(3, 4), f(3, 3))
case("einsum_many", lambda a, b, c: (torch.einsum("bn,anm,bm->ba", a, b, c), torch.einsum("...n,anm,...m->...a", a, b, c),
                                     torch.einsum("bn,anm,bm->nm", a, b, c)), f(2, 5), f(3, 5, 4), f(2, 4))


class EinsumScript(nn.Module):
    def forward(self, x, w):
        return torch.einsum("nchw,oc->nohw", [x, w]), torch.einsum("nctv,vw->nctw", x, w[:, :3].t() @ w)


case("einsum_script", EinsumScript(), f(1, 4, 2, 3), f(3, 4), script=True)
case("tensordot", lambda a, b: (torch.tensordot(a, b, dims=2), torch.tensordot(a, b, dims=([1], [0])), torch.kron(a[0], b[0]),
                                torch.tensordot(a, b.transpose(0, 1), dims=([2, 1], [0, 1]))), f(2, 3, 4), f(3, 4, 2))
case("bilinear", nn.Bilinear(3, 4, 5), f(2, 6, 3), f(2, 6, 4))
case("cross_power", lambda a, m: (torch.cross(a, a.flip(0), dim=1), torch.linalg.cross(a, a + 1), torch.matrix_power(m, 3), torch.matrix_power(m, 0),
                                  torch.linalg.multi_dot([m, m, a[:3]]), torch.chain_matmul(m, m)), f(4, 3), f(3, 3))
case("linalg_norms", lambda a: (torch.norm(a), torch.norm(a, 1, 1), torch.linalg.norm(a, dim=1), torch.linalg.vector_norm(a, 3, 0, True), a.norm(float("inf"))), f(3, 4))


# -- a few together --
class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.ModuleList([nn.Conv1d(4, 8, 3, padding=2 ** i, dilation=2 ** i) for i in range(3)])
        self.norm = nn.GroupNorm(1, 4)

    def forward(self, x):
        for c in self.conv:
            x = x + F.glu(c(self.norm(x)), 1)
        return x


class SE(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.fc1 = nn.Conv2d(8, 2, 1)
        self.fc2 = nn.Conv2d(2, 8, 1)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = F.hardswish(self.bn(self.conv(x)))
        s = F.hardsigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))
        x = self.drop(x * s)
        return torch.flatten(F.max_pool2d(x, 2, ceil_mode=True), 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1)
        self.mid = nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = F.relu(self.down(x))
        b = self.up(F.relu(self.mid(F.max_pool2d(a, 2))))
        pad = [0, a.size(3) - b.size(3), 0, a.size(2) - b.size(2)]
        return self.out(torch.cat([a, F.pad(b, pad)], 1)).argmax(1)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 6)
        self.rnn = nn.LSTM(6, 4, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, ids, state: Optional[Tuple[Tensor, Tensor]] = None):
        y, state = self.rnn(self.emb(ids), state)
        return F.log_softmax(self.head(y), -1), state


case("net_gated", Gated(), f(1, 4, 12))
case("net_gated_script", Gated(), f(1, 4, 12), script=True)
case("net_se", lambda: norm_stats(SE()), f(1, 3, 12, 12))
case("net_unet_script", UNet(), f(1, 1, 7, 9), script=True)
case("net_tagger_script", Tagger(), ints(12, 2, 5), script=True)


# -- operators as exporters and decompositions name them --
A = torch.ops.aten


class NativeNorms(nn.Module):
    def forward(self, x, w, b, m, v):
        g = torch.native_group_norm(x, w, b, 2, 3, 16, 3, 1e-5)
        n = torch.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-5)
        e = torch.native_batch_norm(x, w, b, m, v, False, 0.1, 1e-5)
        return torch.native_layer_norm(x, [4], w[:1].expand(4), None, 1e-5), g, n, e[0], torch.norm_except_dim(x, 2, 1)


case("op_norms", NativeNorms(), f(2, 3, 4, 4), f(3), f(3), f(3), u(3), script=True)
case("op_norms_2", lambda x, w, b, m, v: (A._native_batch_norm_legit(x, w, b, m, v, False, 0.1, 1e-5)[0], *A._native_batch_norm_legit.no_stats(x, w, b, True, 0.1, 1e-5),
                                          A._native_batch_norm_legit_no_training(x, w, b, m, v, 0.1, 1e-5)[0],
                                          *A._native_batch_norm_legit_functional(x, w, b, m, v, True, 0.1, 1e-5),
                                          *A._weight_norm_interface(x, x[:1, :1, :1] + 1, 3)), f(2, 3, 4, 4), f(3), f(3), f(3), u(3), want=V2)
case("op_convolution", lambda x, w, b: (A.convolution(x, w, b, [2], [1], [1], False, [0], 1), A.convolution(x, w, None, [2, 1], [0, 1], [1, 1], True, [1, 0], 1),
                                        A._convolution(x, w, b, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, True, True),
                                        A.slow_conv_dilated2d(x, w, [2, 2], b, [1, 1], [0, 1], [2, 1]), A.thnn_conv2d(x, w, [2, 2], b),
                                        A._convolution_mode(x, w, b, [1, 1], "same", [1, 1], 1)), f(2, 3, 5, 6), f(3, 3, 2, 2), f(3))
case("op_pads", lambda x: (A._pad_enum(x, [1, 2], 0), A._pad_enum(x, [1, 2], 3, 0.5), A._pad_circular(x, [1, 2]), A.constant_pad_nd(x, [1, -1, 0, 1], 2),
                           A.reflection_pad1d(x, [2, -1]), A.replication_pad1d(x, [-2, 3])), f(2, 3, 5))
case("op_upsample", lambda x: (A.upsample_nearest2d(x, [7, 3]), A.upsample_nearest2d(x, [7, 3], 1.8, 0.7), A.upsample_bilinear2d(x, [6, 8], False, 1.6, 1.7),
                               A.upsample_bilinear2d(x, [6, 8], False), A.upsample_bicubic2d(x, [3, 8], True), A.upsample_bicubic2d.vec(x, None, False, [1.3, 2.1]),
                               A._upsample_nearest_exact2d(x, [5, 11]), A.upsample_bilinear2d.vec(x, [3, 9], False, None), A._upsample_bilinear2d_aa(x, [3, 2], False)),
     f(1, 2, 4, 5))
case("op_interpolate", lambda x: (A.__interpolate(x, None, 1.7, "bilinear", False), A.__interpolate(x, None, [1.7, 1.2], "nearest", None, False),
                                  A.__interpolate(x, [3, 7], None, "bicubic", True), A.__interpolate(x, 6, None, "area")), f(1, 2, 4, 5))
case("op_misc_nn", lambda x, y: (A._add_relu(x, y, alpha=0.5), A.im2col(x[0], [2, 2], [1, 1], [0, 1], [1, 2]), *A.log_sigmoid_forward(x)[:1],
                                 *A.max_pool2d_with_indices(x[0], [2, 3], [], [1, 1], [1, 1], True), *A.adaptive_max_pool2d(x[0], [2, 2]), A._adaptive_avg_pool2d(x, [2, 3]),
                                 *A.native_dropout(x, 0.5, False), A.threshold(x, 0, 1), A.pixel_shuffle(x, 2)), f(2, 4, 4, 5), f(2, 4, 4, 5))
case("op_matrix", lambda s, m, n: (A._addmm_activation(s, m, n), A._cdist_forward(m, n.t(), 2.0, None), A._euclidean_dist(m, n.t()), A.linalg_vecdot(m, m),
                                   A.linalg_matmul(m, n), A.__matmul__(m, n) if hasattr(A, "__matmul__") else m), f(3, 5), f(3, 4), f(4, 5))
case("op_masked_softmax", lambda x, m, p: (A._masked_softmax(x, m, 3, 0), A._masked_softmax(x, p, 3, 1), A._masked_softmax(x, m.expand(2, 2, 3, 3).contiguous(), 3, 2)),
     f(2, 2, 3, 3), lambda: torch.triu(torch.ones(3, 3), 1) > 0, lambda: torch.tensor([[False] * 3, [False, False, True]]), want=V2)
case("op_native_mha", lambda x, w, b, o, p: (*A._native_multi_head_attention(x, x, x, 4, 2, w, b, o, p, None, True, True),
                                             A._native_multi_head_attention(x, x, x, 4, 2, w, b, o, p, None, True, False)[1],
                                             *A._transform_bias_rescale_qkv(x @ w.t(), b, 2)), f(2, 3, 4), f(12, 4), f(12), f(4, 4), f(4))
case("op_cells", lambda x, h, c, wi, wh, bi, bh: (*A.lstm_cell(x, [h, c], wi, wh, bi, bh), A.gru_cell(x, h, wi[:9], wh[:9], bi[:9], bh[:9]),
                                                  A.rnn_tanh_cell(x, h, wi[:3], wh[:3]), A.rnn_relu_cell(x, h, wi[:3], wh[:3], bi[:3], bh[:3]),
                                                  A._thnn_fused_lstm_cell(x @ wi.t(), h @ wh.t(), c, bi, bh)[0] if False else h),
     f(2, 4), f(2, 3), f(2, 3), f(12, 4), f(12, 3), f(12), f(12))
case("half_layers", lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)).to(torch.bfloat16),
     lambda: torch.randn(1, 2, 5, 5).to(torch.bfloat16), want=False)
case("double_layers", lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.GELU(), nn.Linear(4, 2), nn.LayerNorm(2)).double(), lambda: torch.randn(2, 2, 6).double())
case("empty_batch", nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)), f(0, 2, 6, 6))
case("in_view", lambda x, y: (torch.add(x[:, 1:3].relu_(), y[:, :2]), F.relu_(y[0]), x, y), f(2, 4), f(2, 4))
case("dropout_train_off_p0", lambda x: (F.dropout(x, 0.0, True), F.dropout(x, 1.0, True), F.alpha_dropout(x, 0.3, False)), f(3, 4))


def mobile(m):
    """The module after optimize_for_mobile: prepacked:: operators. Only where XNNPACK is built in."""
    from torch.utils.mobile_optimizer import optimize_for_mobile
    return optimize_for_mobile(m)


def prepack_inside(m):
    """The same operators, packed at each call."""
    m = torch.jit.freeze(m)
    torch._C._jit_pass_insert_prepacked_ops(m._c)
    return m


M = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, 2), nn.Hardtanh(-0.5, 0.4), nn.Flatten(), nn.Linear(2 * 8 * 8, 5), nn.ReLU6())
case("mobile", M, f(1, 3, 4, 4), want=not V2)
case("mobile_prepack", M, f(1, 3, 4, 4), want=not V2)
AFTER = {"mobile": mobile, "mobile_prepack": prepack_inside}


# -- writing --
def flatten(v, out):
    if isinstance(v, Tensor):
        out.append(v.detach().contiguous().numpy())
    elif isinstance(v, (list, tuple)):
        for e in v:
            flatten(e, out)
    elif isinstance(v, (bool, int, float)):
        out.append(np.array(v))
    return out


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, *x):
        return self.fn(*x)


DROP = re.compile(r"\.debug_pkl$|/traced_inputs|/\.data/serial|/\.storage_alignment|/byteorder")


def slim(path):
    """Drops what running needs not (debug tables, traced inputs) and keeps data aligned to 64 bytes."""
    with zipfile.ZipFile(path) as z:
        parts = [("m/" + i.filename.split("/", 1)[1], z.read(i), i.compress_type) for i in z.infolist()
                 if not DROP.search(i.filename)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        for name, data, how in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = how  # code is deflated, data is not
            if re.search(r"/\d+$", name):
                pad = -(z.fp.tell() + 30 + len(name) + 4) % 64
                info.extra = b"FB" + pad.to_bytes(2, "little") + b"Z" * pad
            z.writestr(info, data)


def write(out, name, fn, inputs, script, train, grad):
    torch.manual_seed(zlib.crc32(name.encode()))
    inputs = [i() for i in inputs]
    if not isinstance(fn, nn.Module):
        fn = fn() if not inputs or fn.__code__.co_argcount == 0 else Fn(fn)
    fn.train(train)
    saved = [i.clone() for i in inputs]  # in-place layers change theirs
    with torch.set_grad_enabled(grad):
        m = torch.jit.script(fn) if script else torch.jit.trace(fn, tuple(i.clone() for i in inputs), check_trace=False)
        m = AFTER.get(name, lambda x: x)(m)
        name += "" if V2 else "_113"
        path = os.path.join(out, name + ".pt")
        torch.jit.save(m, path)
        slim(path)
        outs = flatten(torch.jit.load(path)(*inputs), [])
    for i, x in enumerate(saved):
        np.save(os.path.join(out, f"{name}.in{i}.npy"), x.detach().numpy() if x.is_contiguous() else x.detach().contiguous().numpy())
    for i, x in enumerate(outs):
        np.save(os.path.join(out, f"{name}.out{i}.npy"), x)


# Cases that tests/e2e/b holds no file of: large, and much like another one.
LARGE = {"encoder", "encoder_script", "encoder_padded", "encoder_padded_short", "encoder_padded_inside", "transformer",
         "encoder_layer_grad", "encoder_layer_gelu_first", "encoder_layer_script", "decoder_layer", "mha_cross_no_weights", "mha_bias_kv",
         "lstm_proj", "lstm_bi", "packed_gru_script", "packed_proj", "net_tagger_script", "net_gated_script", "attention_by_hand_script",
         "loss_pairs_script", "up_module_script", "op_norms_2", "net_se", "rnn", "lstm_script", "empty_batch", "double_layers",
         "bn", "gru", "op_misc_nn", "mha_grad", "conv2d_depthwise", "convt2d"}
# Cases that 1.13 writes or computes in another way.
OTHER_113 = ("mobile", "mobile_prepack", "sdpa", "encoder_layer", "mha_script", "up_bilinear", "op_norms", "lstm", "bn_train_stats",
             "act_gelu", "local_response", "dropout_eval")


def main():
    import warnings
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    args = sys.argv[1:]
    commit = args[:1] == ["--commit"]
    out, names = args[commit], args[commit + 1:]
    if commit:
        names = [c[0] for c in CASES if (c[0] not in LARGE if V2 else c[0] in OTHER_113)]
    os.makedirs(out, exist_ok=True)
    for c in CASES:
        if not names or c[0] in names:
            try:
                write(out, *c)
            except Exception as e:
                print(f"{c[0]}: {type(e).__name__}: {str(e)[:300]}", file=sys.stderr)
    print(len(names or CASES), "cases")


if __name__ == "__main__":
    main()
