#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""xnnpack_share.py PTM BARE MODEL.pt...: how much of ptm's time on xnnpack is not XNNPACK's.

MODEL.pt is a torchvision mobilenet_v2 or resnet18, named so. Blocks of runs of PTM and of BARE
(xnnpack_bare: the same net as one runtime, nothing around it) alternate on one CPU. Printed: the
fastest run and the median of each, and what ptm takes more, with its range over the rounds. BARE
reads an input that lies as XNNPACK wants it: ptm's time has the reordering of the image in it."""
import json
import os
import statistics
import subprocess
import sys

ROUNDS, WARM, RUNS = 11, 10, 60


def block(command, read):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode:
        sys.exit("%s: %s" % (command[0], r.stderr.strip()))
    return [t / 1e6 for t in read(r.stdout)[WARM:]]


def ptm_times(text):
    return [q["wall_ns"] for q in json.loads(text)["runs"]]


def bare_times(text):
    return [int(t) for t in text.split()]


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    ptm, bare = sys.argv[1:3]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print("| ms | ptm: fastest, median | bare: fastest, median | more: fastest | more: median |")
    print("|---|---|---|---|---|")
    for path in sys.argv[3:]:
        net = os.path.basename(path).split(".")[0]
        n = str(WARM + RUNS)
        kinds = {
            "ptm": ([ptm, "run", path, "--input-shape", "1,3,224,224", "--backend", "xnnpack",
                     "--passes", "default", "--repeat", n, "--quiet", "--json", "-"], ptm_times),
            "bare": ([bare, net, n], bare_times)}
        got = {"ptm": [], "bare": []}
        for i in range(ROUNDS):
            for k in sorted(kinds, reverse=i % 2 == 0):
                got[k].append(block(*kinds[k]))
        fast = {k: [min(b) for b in got[k]] for k in got}
        mid = {k: [statistics.median(b) for b in got[k]] for k in got}
        cells = ["%.3f, %.3f" % (min(fast[k]), statistics.median(mid[k])) for k in ("ptm", "bare")]
        for best in fast, mid:
            more = sorted(100 * (a / b - 1) for a, b in zip(best["ptm"], best["bare"]))
            cells.append("%+.1f %% (%+.1f to %+.1f)" % (statistics.median(more), more[0], more[-1]))
        print("| %s | %s |" % (net, " | ".join(cells)), flush=True)


main()
