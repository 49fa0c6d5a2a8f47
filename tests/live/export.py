#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""export.py OUT NAME KIND: saves one model with the PyTorch of this interpreter, random weights
and randomised batch-norm statistics, as OUT/model.pt, its input as in0.npy and PyTorch's outputs
as out0.npy ... KIND is traced, scripted, frozen or mobile. Exit 77: cannot be made here."""
import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")
import numpy as np
import torch
from torch import nn

NEW = int(torch.__version__.split(".")[0]) >= 2
SKIP = 77


def torchvision_models():
    """torchvision without its C++ operators: they are declared so that the Python models import."""
    try:
        import torchvision
        return torchvision.models
    except (ImportError, RuntimeError):
        pass
    lib = torch.library.Library("torchvision", "DEF")
    lib.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in ("roi_align", "qnms", "ps_roi_align", "ps_roi_pool", "roi_pool", "deform_conv2d",
                 "_roi_align_backward", "_roi_pool_backward", "_ps_roi_align_backward",
                 "_ps_roi_pool_backward", "_deform_conv2d_backward"):
        lib.define(name + "(Tensor x) -> Tensor")
    torchvision_models.keep = lib
    for name in [m for m in sys.modules if m.startswith("torchvision")]:
        del sys.modules[name]
    import torchvision
    return torchvision.models


class First(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        return self.m(x)[0]


def build(name):
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(1)
    if name == "transformer_encoder":
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
        return nn.TransformerEncoder(layer, 2), torch.randn(2, 10, 64, generator=gen)
    if name == "lstm":
        return First(nn.LSTM(16, 32, 2, batch_first=True, bidirectional=True)), \
            torch.randn(2, 7, 16, generator=gen)
    if name == "gru":
        return First(nn.GRU(16, 32, 2)), torch.randn(7, 2, 16, generator=gen)
    tv = torchvision_models()
    side = 299 if name == "inception_v3" else 224
    x = torch.randn(1, 3, side, side, generator=gen)
    if name in ("inception_v3", "googlenet"):
        return getattr(tv, name)(init_weights=False, weights=None, aux_logits=True), x
    if name.endswith("_segmentation"):
        make = getattr(tv.segmentation, name[:-len("_segmentation")])
        return make(weights=None, weights_backbone=None), x
    return getattr(tv, name)(weights=None), x


def flatten(y, out):
    if isinstance(y, torch.Tensor):
        out.append(y)
    elif isinstance(y, dict):
        for v in y.values():
            flatten(v, out)
    elif isinstance(y, (list, tuple)):
        for v in y:
            flatten(v, out)
    return out


def main():
    out, name, kind = sys.argv[1:4]
    m, x = build(name)
    gen = torch.Generator().manual_seed(2)
    for mod in m.modules():
        if isinstance(mod, nn.modules.batchnorm._BatchNorm):
            mod.running_mean.copy_(torch.randn(mod.running_mean.shape, generator=gen) * 0.1)
            mod.running_var.copy_(torch.rand(mod.running_var.shape, generator=gen) + 0.5)
        if isinstance(mod, nn.Linear) and not mod.weight.any():
            mod.weight.data.copy_(torch.randn(mod.weight.shape, generator=gen) * 0.02)
    m.eval()
    with torch.no_grad():
        try:
            if kind == "traced":
                s = torch.jit.trace(m, x, check_trace=False, strict=False)
            else:
                s = torch.jit.script(m)
        except Exception as e:
            print(str(e).strip().splitlines()[-1][:120])
            sys.exit(SKIP)
        if kind == "frozen":
            s = torch.jit.freeze(s)
        if kind == "mobile":
            from torch.utils.mobile_optimizer import optimize_for_mobile
            try:
                s = optimize_for_mobile(s)
            except RuntimeError as e:
                print(str(e).strip().splitlines()[0][:120])
                sys.exit(SKIP)
        torch.jit.save(s, os.path.join(out, "model.pt"))
        np.save(os.path.join(out, "in0.npy"), x.numpy())
        for i, y in enumerate(flatten(s(x), [])):
            np.save(os.path.join(out, "out%d.npy" % i), y.numpy())


main()
