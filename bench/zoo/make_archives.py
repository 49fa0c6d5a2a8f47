# SPDX-License-Identifier: BSD-2-Clause
"""Makes the zoo's archives and expected outputs: `make zoo-archives`, with Debian's torch.

usage: make_archives.py ARCHIVES EXPECTED [NAME]    (folders)

Each NAME.pt.zst is what torch.jit.save writes, without its tensors' data (and without the debug
records, which name files of the machine), and with weights.txt: a line "mean std name" per tensor.
"""
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import torch
from torch import nn

import models
import weights

FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def first_guess(name, t):
    """Mean and deviation that trained networks have, about."""
    if name.endswith('running_var'):
        return 1, 0.14  # 0.5 to 1.5: z reaches 3.46 deviations
    if t.dim() == 1 and name.endswith('weight'):
        return 1, 0.1  # of a norm
    if t.dim() == 1:
        return 0, 0.1
    if name.endswith(('token', 'embedding')):
        return 0, 0.1
    return 0, t[0].numel() ** -0.5


def load(model, scales, seed=0):
    own = model.state_dict()
    for name, (mean, std) in scales.items():
        own[name].copy_(torch.from_numpy(weights.tensor(name, own[name].shape, mean, std, seed)))


def balance(model, scales, x):
    """Scales each convolution and linear layer so that what it gives has deviation 1, the last one
    2: with that, activations stay in range through any depth, and logits between 1 and 10."""
    names = {m: n + '.weight' for n, m in model.named_modules()
             if isinstance(m, (nn.Conv2d, nn.Linear))}
    last = list(names.values())[-1]

    def after(m, inputs, y):
        name = names[m]
        std = scales[name][1] * (2 if name == last else 1) / float(y.double().std())
        scales[name] = 0, float(f'{std:.2g}')
        load(model, {name: scales[name]})
        hooks[m].remove()
        return m(*inputs)
    hooks = {m: m.register_forward_hook(after) for m in names}
    model(x)


def archive(traced, name, scales):
    saved = io.BytesIO()
    torch.jit.save(traced, saved)
    out = io.BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, 'w') as new:
        members = {m.split('/', 1)[1]: old.read(m) for m in old.namelist()}
        members['weights.txt'] = ''.join(f'{mean} {std} {key}\n' for key, (mean, std)
                                         in scales.items()).encode()
        for member in sorted(members):
            if member.startswith('data/') or member.endswith('.debug_pkl'):
                continue
            new.writestr(zipfile.ZipInfo(name + '/' + member, FIXED_TIME), members[member])
    return out.getvalue()


def make(make_model, shape, archives, expected):
    name = make_model.__name__
    model = make_model().eval()
    scales = {k: first_guess(k, t) for k, t in model.state_dict().items() if t.is_floating_point()}
    scales = {k: (mean, float(f'{std:.2g}')) for k, (mean, std) in scales.items()}
    load(model, scales)
    x = torch.from_numpy(weights.random_input(shape))
    balance(model, scales, x)
    zipped = archive(torch.jit.trace(model, x), name, scales)
    with open(os.path.join(archives, name + '.pt.zst'), 'wb') as f:
        f.write(subprocess.run(['zstd', '-19', '--ultra', f'--stream-size={len(zipped)}'],
                               input=zipped, stdout=subprocess.PIPE, check=True).stdout)
    np.save(os.path.join(expected, name + '.npy'), model(x).numpy())


def main():
    archives, expected, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for make_model, shape in models.ZOO.items():
        name = make_model.__name__
        if not names:  # in a process of its own: torch numbers the classes of a process
            subprocess.run([sys.executable, __file__, archives, expected, name], check=True)
        elif name in names:
            with torch.no_grad():
                make(make_model, shape, archives, expected)


main()
