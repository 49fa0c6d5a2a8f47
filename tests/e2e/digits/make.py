#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes digits.pt: a narrow MobileNetV2-like net, trained on scikit-learn's handwritten digits.

Run with Debian's python3-torch, python3-sklearn and python3-pil; the files it writes here are
committed. Prints the accuracy on the fifth of the digits that it was not trained on.
"""
import os
import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)


class Block(nn.Module):
    """Inverted residual: 1x1 up, 3x3 per channel, 1x1 down."""

    def __init__(self, cin, cout, stride, up):
        super().__init__()
        mid = cin * up
        self.skip = stride == 1 and cin == cout
        self.body = nn.Sequential(
            nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(inplace=True),
            nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid),
            nn.ReLU6(inplace=True), nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU6(inplace=True),
            Block(12, 16, 2, 4), Block(16, 16, 1, 4), Block(16, 24, 2, 4), Block(24, 24, 1, 4))
        self.drop = nn.Dropout(0.1)
        self.classifier = nn.Linear(24, 10)

    def forward(self, x):
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(self.drop(torch.flatten(x, 1)))


def picture(pixels):
    """8x8 of 0..16, dark on white, as a 32x32 RGB image."""
    grey = (255 - pixels * 255 / 16).round().astype(np.uint8)
    return Image.fromarray(grey).resize((32, 32), Image.BILINEAR).convert("RGB")


def tensor(image):
    x = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
    return (x - 0.5) / 0.5


data = load_digits()
pictures = [picture(p) for p in data.images]
x = torch.stack([tensor(p) for p in pictures])
y = torch.from_numpy(data.target).long()
order = torch.randperm(len(x))
test, train = order[:len(x) // 5], order[len(x) // 5:]

net = Digits()
optimiser = torch.optim.Adam(net.parameters(), 4e-3)
epochs = 25
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
for epoch in range(epochs):
    net.train()
    for batch in train[torch.randperm(len(train))].split(64):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
        optimiser.step()
    schedule.step()
net.eval()
with torch.no_grad():
    right = net(x[test]).argmax(1) == y[test]
    print(f"{int(right.sum())} of {len(test)} unseen digits right")
    seven = int(next(i for i in test if y[i] == 7))
    pictures[seven].save(os.path.join(HERE, "seven.png"))
    torch.jit.script(net).save(os.path.join(HERE, "digits.pt"))
    sample = x[[seven, int(test[0]), int(test[1])]]
    np.save(os.path.join(HERE, "digits.in0.npy"), sample.numpy())
    np.save(os.path.join(HERE, "digits.out0.npy"), net(sample).numpy())
with open(os.path.join(HERE, "digits.txt"), "w") as f:
    f.write("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n")
