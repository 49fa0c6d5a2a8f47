# SPDX-License-Identifier: BSD-2-Clause
"""The zoo against torchvision (equal parameters in the same order; with the same weights the same
output), and its committed archives against archives made again."""
import os
import subprocess
import sys
import tempfile

import numpy as np

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
ZOO = os.path.join(TOP, 'bench', 'zoo')
sys.path.insert(0, ZOO)
try:
    import torch
    import torchvision
    import models
    import weights
except ImportError as why:
    print(f'{why}\n0 passed, 0 failed, 1 skipped')
    sys.exit()

THEIRS = {
    'mobilenet_v2': torchvision.models.mobilenet_v2,
    'mobilenet_v3_small': torchvision.models.mobilenet_v3_small,
    'mobilenet_v3_large': torchvision.models.mobilenet_v3_large,
    'resnet18': torchvision.models.resnet18,
    'resnet50': torchvision.models.resnet50,
    'squeezenet1_1': torchvision.models.squeezenet1_1,
    'shufflenet_v2': torchvision.models.shufflenet_v2_x1_0,
    'efficientnet_b0': torchvision.models.efficientnet_b0,
    'vit_tiny': lambda: torchvision.models.VisionTransformer(224, 16, 12, 3, 192, 768),
}
counts = [0, 0]


def check(what, ok):
    counts[not ok] += 1
    if not ok:
        print('FAIL', what)


def compare(make, shape):
    name = make.__name__
    ours, theirs = make().eval(), THEIRS[name]().eval()
    own = ours.state_dict()
    check(name + ': shapes', [t.shape for t in own.values()] ==
          [t.shape for t in theirs.state_dict().values()])
    for (key, mine), other in zip(own.items(), theirs.state_dict().values()):
        if mine.is_floating_point():  # positive for variances, of any size for a comparison
            mean, std = (1, 0.1) if mine.dim() == 1 else (0, mine[0].numel() ** -0.5)
            mine.copy_(torch.from_numpy(weights.tensor(key, mine.shape, mean, std)))
            other.copy_(mine)
    x = torch.from_numpy(weights.random_input(shape))
    a, b = ours(x), theirs(x)
    check(name + ': output', bool(b.std() > 0) and float((a - b).abs().max() / b.abs().max()) < 1e-5)


def unpack(path):
    return subprocess.run(['zstd', '-dc', path], stdout=subprocess.PIPE, check=True).stdout


with torch.no_grad():
    for make, shape in models.ZOO.items():
        if make.__name__ in THEIRS:
            compare(make, shape)
if torch.__version__.startswith('1.13'):  # that made the committed ones
    with tempfile.TemporaryDirectory() as again:
        subprocess.run([sys.executable, '-W', 'ignore', os.path.join(ZOO, 'make_archives.py'),
                        again, again], check=True)
        for make in models.ZOO:
            name = make.__name__
            file = name + '.pt.zst'
            check(file, unpack(os.path.join(ZOO, file)) == unpack(os.path.join(again, file)))
            old = np.load(os.path.join(TOP, 'tests', 'e2e', 'zoo', name + '.npy'))
            new = np.load(os.path.join(again, name + '.npy'))
            check(name + '.npy', np.abs(old - new).max() <= 1e-5 * np.abs(old).max())
print(f'{counts[0]} passed, {counts[1]} failed, 0 skipped')
sys.exit(counts[1] > 0)
