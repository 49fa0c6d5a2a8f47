# SPDX-License-Identifier: BSD-2-Clause
"""The architectures of the zoo, as PyTorch modules.

Those that torchvision has are the same networks: equal parameters, in the same order, and with the
same weights the same output (tests/live/zoo.py checks both). Table ZOO at the end lists them all.
"""
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 1000


def conv_norm(c_in, c_out, kernel=1, stride=1, groups=1, act=nn.ReLU, eps=1e-5):
    """Convolution that keeps the size but for its stride, batch norm, activation or None."""
    layers = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(c_out, eps)]
    return nn.Sequential(*layers, *([act()] if act else []))


def multiple_of_8(channels):
    """The nearest multiple of 8, at least 8, and never below nine tenths of `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


class Pooled(nn.Module):
    """Convolutions, the mean over all positions, then a classifier of vectors."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features = features
        self.classifier = classifier

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class Residual(nn.Module):
    """body(x) + shortcut(x), then an activation (None: without)."""

    def __init__(self, body, shortcut=None, act=None):
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.act = act() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.body(x) + self.shortcut(x))


class SqueezeExcite(nn.Module):
    """Scales channels by a gate that a small network computes from their means."""

    def __init__(self, channels, squeezed, act, gate):
        super().__init__()
        self.down = nn.Conv2d(channels, squeezed, 1)
        self.up = nn.Conv2d(squeezed, channels, 1)
        self.act = act()
        self.gate = gate()

    def forward(self, x):
        return x * self.gate(self.up(self.act(self.down(F.adaptive_avg_pool2d(x, 1)))))


def inverted(c_in, c_mid, c_out, kernel, stride, act, eps=1e-5, squeeze=None):
    """MobileNet's block: widen, filter each channel, gate, narrow; residual where shapes allow."""
    layers = [conv_norm(c_in, c_mid, act=act, eps=eps)] if c_mid != c_in else []
    layers.append(conv_norm(c_mid, c_mid, kernel, stride, groups=c_mid, act=act, eps=eps))
    layers += [squeeze] if squeeze else []
    layers.append(conv_norm(c_mid, c_out, act=None, eps=eps))
    body = nn.Sequential(*layers)
    return Residual(body) if stride == 1 and c_in == c_out else body


def mobilenet_v1():
    """Howard et al. 2017, width 1."""
    layers = [conv_norm(3, 32, 3, 2)]
    c_in = 32
    for c_out, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
                          (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)]:
        layers += [conv_norm(c_in, c_in, 3, stride, groups=c_in), conv_norm(c_in, c_out)]
        c_in = c_out
    return Pooled(nn.Sequential(*layers), nn.Linear(c_in, CLASSES))


def mobilenet_v2():
    """Sandler et al. 2018, width 1."""
    layers = [conv_norm(3, 32, 3, 2, act=nn.ReLU6)]
    c_in = 32
    for widen, c_out, blocks, first_stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2),
                                               (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                               (6, 320, 1, 1)]:
        for i in range(blocks):
            stride = 1 if i else first_stride
            layers.append(inverted(c_in, widen * c_in, c_out, 3, stride, nn.ReLU6))
            c_in = c_out
    layers.append(conv_norm(c_in, 1280, act=nn.ReLU6))
    return Pooled(nn.Sequential(*layers), nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, CLASSES)))


def mobilenet_v3(rows, c_last):
    """Howard et al. 2019. Rows: kernel, widened, out, squeeze-excite?, hard swish?, stride."""
    eps = 1e-3
    layers = [conv_norm(3, 16, 3, 2, act=nn.Hardswish, eps=eps)]
    c_in = 16
    for kernel, c_mid, c_out, squeezed, hard, stride in rows:
        squeeze = SqueezeExcite(c_mid, multiple_of_8(c_mid // 4), nn.ReLU,
                                nn.Hardsigmoid) if squeezed else None
        act = nn.Hardswish if hard else nn.ReLU
        layers.append(inverted(c_in, c_mid, c_out, kernel, stride, act, eps, squeeze))
        c_in = c_out
    layers.append(conv_norm(c_in, 6 * c_in, act=nn.Hardswish, eps=eps))
    return Pooled(nn.Sequential(*layers),
                  nn.Sequential(nn.Linear(6 * c_in, c_last), nn.Hardswish(), nn.Dropout(0.2),
                                nn.Linear(c_last, CLASSES)))


def mobilenet_v3_small():
    return mobilenet_v3([(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1),
                         (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1),
                         (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2),
                         (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1)], 1024)


def mobilenet_v3_large():
    return mobilenet_v3([(3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1),
                         (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1),
                         (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1),
                         (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
                         (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1)],
                        1280)


def efficientnet_b0():
    """Tan and Le 2019."""
    layers = [conv_norm(3, 32, 3, 2, act=nn.SiLU)]
    c_in = 32
    for widen, kernel, first_stride, c_out, blocks in [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2),
                                                       (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
                                                       (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
                                                       (6, 3, 1, 320, 1)]:
        for i in range(blocks):
            c_mid = widen * c_in
            squeeze = SqueezeExcite(c_mid, c_in // 4, nn.SiLU, nn.Sigmoid)
            stride = 1 if i else first_stride
            layers.append(inverted(c_in, c_mid, c_out, kernel, stride, nn.SiLU, squeeze=squeeze))
            c_in = c_out
    layers.append(conv_norm(c_in, 4 * c_in, act=nn.SiLU))
    return Pooled(nn.Sequential(*layers),
                  nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * c_in, CLASSES)))


def basic(c_in, width, stride):
    return nn.Sequential(conv_norm(c_in, width, 3, stride), conv_norm(width, width, 3, act=None))


def bottleneck(c_in, width, stride):
    return nn.Sequential(conv_norm(c_in, width), conv_norm(width, width, 3, stride),
                         conv_norm(width, 4 * width, act=None))


def resnet(block, widen, depths):
    """He et al. 2015, the stride of a bottleneck in its 3x3 convolution."""
    layers = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = 64
    for stage, depth in enumerate(depths):
        width = 64 << stage
        for i in range(depth):
            stride = 2 if stage and not i else 1
            c_out = widen * width
            shortcut = conv_norm(c_in, c_out, 1, stride, act=None) if c_in != c_out else None
            layers.append(Residual(block(c_in, width, stride), shortcut, nn.ReLU))
            c_in = c_out
    return Pooled(nn.Sequential(*layers), nn.Linear(c_in, CLASSES))


def resnet18():
    return resnet(basic, 1, [2, 2, 2, 2])


def resnet50():
    return resnet(bottleneck, 4, [3, 4, 6, 3])


class Fire(nn.Module):
    """SqueezeNet's block: few channels, then as many 1x1 as 3x3 filters of them."""

    def __init__(self, c_in, squeezed, widened):
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeezed, 1)
        self.widen1 = nn.Conv2d(squeezed, widened, 1)
        self.widen3 = nn.Conv2d(squeezed, widened, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.widen1(x)), F.relu(self.widen3(x))], 1)


def squeezenet1_1():
    """Iandola et al. 2016, release 1.1."""
    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)
    layers = [nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64),
              pool(), Fire(128, 32, 128), Fire(256, 32, 128), pool(), Fire(256, 48, 192),
              Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256), nn.Dropout(),
              nn.Conv2d(512, CLASSES, 1), nn.ReLU()]
    return Pooled(nn.Sequential(*layers), nn.Identity())


class Shuffle(nn.Module):
    """ShuffleNetV2's unit: one half of the channels passes (or, with a stride, is filtered), the
    other goes through three convolutions; then both are dealt like cards."""

    def __init__(self, c_in, c_out, stride):
        super().__init__()
        half = c_out // 2
        self.split = stride == 1
        self.left = nn.Identity() if self.split else nn.Sequential(
            conv_norm(c_in, c_in, 3, stride, groups=c_in, act=None), conv_norm(c_in, half))
        self.right = nn.Sequential(conv_norm(half if self.split else c_in, half),
                                   conv_norm(half, half, 3, stride, groups=half, act=None),
                                   conv_norm(half, half))

    def forward(self, x):
        a, b = x.chunk(2, 1) if self.split else (x, x)
        x = torch.cat([self.left(a), self.right(b)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2():
    """Ma et al. 2018, width 1."""
    layers = [conv_norm(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = 24
    for c_out, units in [(116, 4), (232, 8), (464, 4)]:
        for i in range(units):
            layers.append(Shuffle(c_in, c_out, 1 if i else 2))
            c_in = c_out
    layers.append(conv_norm(c_in, 1024))
    return Pooled(nn.Sequential(*layers), nn.Linear(1024, CLASSES))


class Attention(nn.Module):
    """Multi-head self-attention, one matrix for queries, keys and values."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, positions, width = x.shape
        qkv = self.qkv(x).view(n, positions, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q * (width // self.heads) ** -0.5 @ k.transpose(-2, -1)).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, positions, width))


class Positions(nn.Module):
    """Adds a learned vector to each position."""

    def __init__(self, positions, width):
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(1, positions, width))

    def forward(self, x):
        return x + self.embedding


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2020: patches as words, a class token, blocks with the norm first."""

    def __init__(self, width, heads, depth, patch=16, image=224):
        super().__init__()
        def norm():
            return nn.LayerNorm(width, 1e-6)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.positions = Positions((image // patch) ** 2 + 1, width)
        self.blocks = nn.Sequential(*[nn.Sequential(
            Residual(nn.Sequential(norm(), Attention(width, heads))),
            Residual(nn.Sequential(norm(), nn.Linear(width, 4 * width), nn.GELU(),
                                   nn.Linear(4 * width, width)))) for _ in range(depth)])
        self.norm = norm()
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.positions(torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1))
        return self.classifier(self.norm(self.blocks(x))[:, 0])


def vit_tiny():
    """Touvron et al. 2020 (DeiT-Ti): width 192, 3 heads, 12 blocks, patches of 16."""
    return VisionTransformer(192, 3, 12)


class Lstm(nn.Module):
    """Frames of features to one score per class and frame."""

    def __init__(self, features, hidden, layers, classes):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.classifier(self.lstm(x)[0])


def lstm_small():
    return Lstm(64, 128, 2, 32)


IMAGE = (1, 3, 224, 224)
ZOO = {  # in the order in which `ptm zoo` shows them; each with the input that it is traced with
    mobilenet_v1: IMAGE,
    mobilenet_v2: IMAGE,
    mobilenet_v3_small: IMAGE,
    mobilenet_v3_large: IMAGE,
    resnet18: IMAGE,
    resnet50: IMAGE,
    squeezenet1_1: IMAGE,
    shufflenet_v2: IMAGE,
    efficientnet_b0: IMAGE,
    vit_tiny: IMAGE,
    lstm_small: (1, 50, 64),
}
