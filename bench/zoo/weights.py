# SPDX-License-Identifier: BSD-2-Clause
"""Seeded weights, the same bits as bench/zoo_weights.c makes: integers and single roundings only.

Element i of the tensor `name` is mean + std * z, z about normal: the sum of the four 16-bit parts
of splitmix64's output number i, whose state begins as a hash of the name plus the seed.
"""
import numpy as np

GOLDEN = np.uint64(0x9e3779b97f4a7c15)


def splitmix64(state, n):
    with np.errstate(over='ignore'):
        z = np.uint64(state) + np.arange(1, n + 1, dtype=np.uint64) * GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        return z ^ (z >> np.uint64(31))


def parts(x):
    """The sum of the four 16-bit parts of each number."""
    shifts = np.array([0, 16, 32, 48], dtype=np.uint64)
    return ((x[:, None] >> shifts) & np.uint64(0xffff)).sum(1).astype(np.int64)


def fnv1a(text):
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return h


def tensor(name, shape, mean, std, seed=0):
    """The standard deviation of the sum of parts is 65536 / sqrt(3), about 37837."""
    state = (fnv1a(name) + seed) & (1 << 64) - 1
    z = (parts(splitmix64(state, int(np.prod(shape)))) - 2 * 65535).astype(np.float32)
    return (np.float32(mean) + np.float32(std / 37837.0) * z).reshape(shape)


def random_input(shape, seed=0):
    """What `ptm run --input @random --seed` gives a model's first argument (cmd/input_make.c)."""
    n = int(np.prod(shape))
    state = splitmix64((seed * 0x2545f4914f6cdd1d + 1) & (1 << 64) - 1, 2)[1]
    sums = parts(splitmix64(state, 3 * n)).reshape(n, 3).sum(1)
    return ((2 * sums - 12 * 65535) / 131072.0).astype(np.float32).reshape(shape)
