#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pytorch_mobile.py PTM [--backend xnnpack,cpu] [--rounds N] [--fastest] [MODEL...]: one thread,
side by side with this interpreter's PyTorch after optimize_for_mobile (Debian's 1.13: XNNPACK
inside).

Blocks of runs alternate (A B ... B A) in one go, pinned to one CPU: each ptm block is a fresh
process (its first runs are warm-up), PyTorch keeps one process. Printed: median milliseconds, and
the ratio PyTorch / ptm as median and range over the rounds. ptm's outputs are checked against
PyTorch's on the same input (1e-4 of the largest). --fastest takes the fastest run of each block,
not its median: for a machine that is busy with other work."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
MODELS = ["mobilenet_v2", "mobilenet_v3_large", "squeezenet1_1", "resnet18", "shufflenet_v2_x1_0",
          "efficientnet_b0", "vit", "lstm"]
WARM, RUNS = 5, 15


def build(name):
    import torch
    from torch import nn
    gen = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    if name == "lstm":
        class First(nn.Module):
            def __init__(self):
                super().__init__()
                self.m = nn.LSTM(64, 128, 2, batch_first=True)

            def forward(self, x):
                return self.m(x)[0]
        return First().eval(), torch.randn(1, 50, 64, generator=gen)
    if name == "vit":
        layer = nn.TransformerEncoderLayer(192, 3, 768, batch_first=True, norm_first=True)
        return nn.TransformerEncoder(layer, 6).eval(), torch.randn(1, 197, 192, generator=gen)
    import torchvision
    m = getattr(torchvision.models, name)(weights=None)
    for mod in m.modules():
        if isinstance(mod, nn.modules.batchnorm._BatchNorm):
            mod.running_mean.copy_(torch.randn(mod.running_mean.shape, generator=gen) * 0.1)
            mod.running_var.copy_(torch.rand(mod.running_var.shape, generator=gen) + 0.5)
    return m.eval(), torch.randn(1, 3, 224, 224, generator=gen)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("ptm")
    p.add_argument("--backend", default="xnnpack,cpu")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--fastest", action="store_true")
    p.add_argument("models", nargs="*", default=MODELS)
    a = p.parse_intermixed_args()
    backends = a.backend.split(",")
    of_block = min if a.fastest else statistics.median
    try:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    except (AttributeError, OSError):
        pass
    import numpy as np
    import torch
    from torch.utils.mobile_optimizer import optimize_for_mobile
    torch.set_num_threads(1)
    print("PyTorch %s, %d rounds of %d runs%s, one thread" % (
        torch.__version__, a.rounds, RUNS, " (the fastest of each)" if a.fastest else ""))
    print("| model | PyTorch mobile ms | " + " | ".join("ptm %s ms | ratio (range)" % b
                                                        for b in backends) + " |")
    print("|---|---|" + "---|---|" * len(backends))
    with tempfile.TemporaryDirectory() as d:
        for name in a.models:
            m, x = build(name)
            path, npy, want = (os.path.join(d, f) for f in ("m.pt", "x.npy", "y.npy"))
            with torch.no_grad():
                try:
                    s = torch.jit.script(m)
                except Exception:
                    s = torch.jit.trace(m, x)
                s.save(path)
                np.save(npy, x.numpy())
                y = s(x)
                np.save(want, y.numpy())
                mobile = optimize_for_mobile(s)

                def torch_block():
                    times = []
                    for i in range(WARM + RUNS):
                        t = time.perf_counter_ns()
                        mobile(x)
                        times.append(time.perf_counter_ns() - t)
                    return times[WARM:]

                def ptm_block(backend):
                    cmd = [a.ptm, "run", path, "--input", npy, "--backend", backend, "--passes",
                           "default", "--repeat", str(WARM + RUNS), "--quiet", "--json", "-",
                           "--expect", want]
                    r = subprocess.run(cmd, capture_output=True, text=True)
                    if r.returncode:
                        sys.exit("%s %s: %s" % (name, backend, r.stderr.strip()))
                    return [q["wall_ns"] for q in json.loads(r.stdout)["runs"]][WARM:]

                kinds = ["torch"] + backends
                got = {k: [] for k in kinds}
                for i in range(a.rounds):
                    for k in kinds if i % 2 == 0 else kinds[::-1]:
                        block = torch_block() if k == "torch" else ptm_block(k)
                        got[k].append(of_block(block) / 1e6)
            row = "| %s | %.2f |" % (name, statistics.median(got["torch"]))
            for b in backends:
                ratio = sorted(t / q for t, q in zip(got["torch"], got[b]))
                row += " %.2f | %.2f (%.2f-%.2f) |" % (statistics.median(got[b]),
                                                       statistics.median(ratio), ratio[0],
                                                       ratio[-1])
            print(row, flush=True)


main()
