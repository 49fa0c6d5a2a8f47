#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Narrow variants of well-known networks for the graph passes: tests/e2e/passes/NAME.KIND.pt with
.in0.npy, .out0.npy and .args (run with the passes).

Run: OMP_NUM_THREADS=1 /usr/bin/python3 tests/e2e/passes_cases.py     (PyTorch 1.13, torchvision)
KIND: traced, scripted, frozen (of scripted), mobile (optimize_for_mobile of that).
"""
import io
import math
import os
import zipfile
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import nn
from torch.utils.mobile_optimizer import optimize_for_mobile
from torchvision.models.densenet import DenseNet
from torchvision.models.efficientnet import EfficientNet, MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops.misc import Conv2dNormActivation

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'passes')


def mobilenet_v2():
    m = tv.MobileNetV2(num_classes=10, inverted_residual_setting=[
        [1, 8, 1, 1], [6, 8, 2, 2], [6, 16, 2, 2]])
    m.features[0] = Conv2dNormActivation(3, 8, stride=2, norm_layer=nn.BatchNorm2d,
                                         activation_layer=nn.ReLU6)
    m.features[1].conv[0] = Conv2dNormActivation(8, 8, groups=8, norm_layer=nn.BatchNorm2d,
                                                 activation_layer=nn.ReLU6)
    m.features[1].conv[1] = nn.Conv2d(8, 8, 1, bias=False)
    m.features[-1] = Conv2dNormActivation(16, 24, kernel_size=1, norm_layer=nn.BatchNorm2d,
                                          activation_layer=nn.ReLU6)
    m.classifier[1] = nn.Linear(24, 10)
    return m


def mobilenet_v3():
    conf = partial(InvertedResidualConfig, width_mult=1.0)
    return MobileNetV3([conf(8, 3, 8, 8, True, 'RE', 2, 1), conf(8, 3, 24, 8, False, 'RE', 1, 1),
                        conf(8, 5, 32, 16, True, 'HS', 2, 1),
                        conf(16, 5, 32, 16, True, 'HS', 1, 1)],
                       last_channel=32, num_classes=10)


class NarrowResNet(ResNet):
    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(block, planes // 8, blocks, stride, dilate)


def resnet():
    m = NarrowResNet(BasicBlock, [2, 1, 1, 0], num_classes=10)
    m.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
    m.layer4 = nn.Identity()
    m.fc = nn.Linear(32, 10)
    return m


def shufflenet():
    return tv.ShuffleNetV2([2, 2, 1], [8, 16, 32, 32, 32], num_classes=10)


def efficientnet():
    conf = partial(MBConvConfig, width_mult=1.0, depth_mult=1.0)
    return EfficientNet([conf(1, 3, 1, 8, 8, 1), conf(4, 3, 2, 8, 16, 2)], dropout=0.1,
                        last_channel=32, num_classes=10)


def densenet():
    return DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8, num_classes=10)


def vit():
    m = tv.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2,
                             hidden_dim=16, mlp_dim=32, num_classes=10)
    nn.init.uniform_(m.heads.head.weight, -1, 1)
    return m


class Spelled(nn.Module):
    """What people write out."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm1d(8)
        self.up = nn.ConvTranspose1d(8, 8, 2, stride=2)
        self.bn2 = nn.BatchNorm1d(8)
        self.pre = nn.BatchNorm1d(8)
        self.point = nn.Conv1d(8, 6, 1)
        self.w = nn.Parameter(torch.randn(6, 10))
        self.b = nn.Parameter(torch.randn(10))
        self.gamma = nn.Parameter(torch.rand(8, 1))
        self.l = nn.Linear(10, 10)
        self.bn3 = nn.BatchNorm1d(10)

    def forward(self, x):
        x = x.flatten(2)[:, :, :64]
        x = F.relu(F.batch_norm(self.conv(x), self.bn.running_mean, self.bn.running_var,
                                self.bn.weight, self.bn.bias, False, 0.1, 1e-5))
        x = self.conv.weight.mean() * 0 + x
        x = torch.clamp(self.bn2(self.up(x)), 0., 6.)
        x = self.point(self.pre(x * torch.sigmoid(x)) * self.gamma)
        x = x * F.relu6(x + 3) / 6
        x = x.mean(2)
        x = torch.addmm(self.b, x, self.w)
        x = 0.5 * x * (1 + torch.erf(x / math.sqrt(2.0)))
        x = self.bn3(self.l(x))
        x = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))
        q = x.reshape(1, 2, 5)
        x = torch.softmax(torch.matmul(q, q.transpose(1, 2)) / math.sqrt(5.0), -1).matmul(q)
        return F.relu(x.reshape(1, 10) * 20 + 1)


def repack(data):
    """Deflated, without the debug tables."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as a, zipfile.ZipFile(out, 'w') as b:
        for name in a.namelist():
            if not name.endswith('.debug_pkl'):
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                b.writestr(info, a.read(name))
    return out.getvalue()


def save(name, kind, module, x):
    base = os.path.join(OUT, f'{name}.{kind}')
    buf = io.BytesIO()
    torch.jit.save(module, buf)
    with open(base + '.pt', 'wb') as f:
        f.write(repack(buf.getvalue()))
    with torch.no_grad():
        np.save(base + '.out0.npy', module(x).numpy())
    np.save(base + '.in0.npy', x.numpy())
    with open(base + '.args', 'w') as f:
        f.write('--passes default\n')


def main():
    os.makedirs(OUT, exist_ok=True)
    all_kinds = ('traced', 'scripted', 'frozen', 'mobile')
    for name, make, kinds in (('mobilenet_v2', mobilenet_v2, all_kinds),
                              ('mobilenet_v3', mobilenet_v3, ('scripted', 'mobile')),
                              ('resnet', resnet, ('traced', 'mobile')),
                              ('shufflenet', shufflenet, ('scripted', 'mobile')),
                              ('efficientnet', efficientnet, ('traced', 'frozen')),
                              ('densenet', densenet, ('traced',)),
                              ('vit', vit, ('scripted',)),
                              ('spelled', Spelled, ('scripted', 'traced'))):
        torch.manual_seed(1)
        m = make().eval()
        for b in m.modules():
            if isinstance(b, nn.modules.batchnorm._BatchNorm):
                n = b.num_features
                b.running_mean.copy_(torch.randn(n) * 0.3)
                b.running_var.copy_(torch.rand(n) + 0.5)
                nn.init.uniform_(b.weight, 0.5, 1.5)
                nn.init.uniform_(b.bias, -0.5, 0.5)
        torch.manual_seed(2)
        x = torch.randn(1, 3, 32, 32)
        for kind in kinds:
            if kind == 'traced':
                j = torch.jit.trace(m, x)
            else:
                j = torch.jit.script(m)
            if kind in ('frozen', 'mobile'):
                j = torch.jit.freeze(j.eval())
            if kind == 'mobile':
                j = optimize_for_mobile(torch.jit.script(m).eval())
            save(name, kind, j, x)


main()
