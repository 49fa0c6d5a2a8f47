#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""silero.py PTM silero_vad.jit: the speech model of the PyPI package silero-vad, as found in the
wild. Three consecutive calls in one session at both rates, and audio_forward on ten seconds, must
equal PyTorch's within 1e-3. (pip download --no-deps silero-vad; the wheel is a zip.)"""
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import torch

LIMIT = 1e-3


def speech(n, rate, seed):
    """Something with pitch and pauses: a buzz of changing frequency under an envelope."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    x = sum(np.sin(k * phase) / k for k in range(1, 12))
    envelope = np.clip(np.sin(2 * np.pi * 1.3 * t), 0, 1) ** 0.5
    return (0.2 * x * envelope + 0.003 * rng.standard_normal(n)).astype(np.float32)


def main():
    ptm, path = sys.argv[1:3]
    passed = failed = 0

    def check(what, args, want):
        nonlocal passed, failed
        with tempfile.TemporaryDirectory() as out:
            r = subprocess.run([ptm, "run", path, *args, "--output", out], capture_output=True,
                               text=True)
            files = sorted(os.path.join(d, f) for d, _, fs in os.walk(out) for f in fs
                           if f.endswith(".npy"))
            got = [np.load(f) for f in files]
        ok = r.returncode == 0 and len(got) == len(want)
        worst = max((float(np.abs(a.reshape(-1) - b.reshape(-1)).max())
                     for a, b in zip(got, want)), default=float("nan")) if ok else float("nan")
        ok = ok and worst <= LIMIT
        print("%s %s: %d results, max |difference| %.2g%s" %
              ("ok  " if ok else "FAIL", what, len(got), worst, "" if ok else " " + r.stderr.strip()))
        passed, failed = passed + ok, failed + (not ok)

    with tempfile.TemporaryDirectory() as d:
        for rate, size in ((16000, 512), (8000, 256)):
            model = torch.jit.load(path)
            audio = speech(3 * size, rate, rate)
            files, want = [], []
            for i in range(3):
                x = audio[None, i * size:(i + 1) * size].copy()
                files.append(os.path.join(d, "%d_%d.npy" % (rate, i)))
                np.save(files[-1], x)
                with torch.no_grad():
                    want.append(model(torch.from_numpy(x), rate).numpy())
            check("three calls at %d Hz" % rate,
                  ["--input", ",".join(files), "--input", str(rate)], want)
            audio = speech(10 * rate, rate, rate + 1)[None]
            np.save(os.path.join(d, "long.npy"), audio)
            with torch.no_grad():
                want = torch.jit.load(path).audio_forward(torch.from_numpy(audio), rate).numpy()
            check("audio_forward, ten seconds at %d Hz" % rate,
                  ["--method", "audio_forward", "--input", os.path.join(d, "long.npy"), "--input",
                   str(rate)], [want])
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    sys.exit(failed > 0)


main()
