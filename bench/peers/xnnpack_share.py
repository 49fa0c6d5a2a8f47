#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""xnnpack_share.py PTM BARE: how much of ptm's time on xnnpack is not XNNPACK's, one thread.

Twice, for the zoo's mobilenet_v2 and resnet18. From outside: blocks of runs of PTM and of BARE
(`make peers`; the same net as one runtime, nothing around it) alternate on one CPU; printed are
the fastest run and the median of each, and what ptm takes more, with its range over the rounds.
BARE reads an input that lies as XNNPACK wants it: ptm's time has the reordering of the image in
it. From inside: what `ptm profile` finds outside of the operators that are XNNPACK's."""
import json
import os
import statistics
import subprocess
import sys

ROUNDS, WARM, RUNS = 11, 10, 60


def output(command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode:
        sys.exit("%s: %s" % (command[0], r.stderr.strip()))
    return r.stdout


def ptm_block(ptm, net):
    text = output([ptm, "run", "zoo:" + net, "--backend", "xnnpack", "--passes", "default",
                   "--repeat", str(WARM + RUNS), "--quiet", "--json", "-"])
    return [q["wall_ns"] / 1e6 for q in json.loads(text)["runs"]][WARM:]


def bare_block(bare, net):
    return [int(t) / 1e6 for t in output([bare, net, str(WARM + RUNS)]).split()][WARM:]


def outside(ptm, net):
    r = json.loads(output([ptm, "profile", "zoo:" + net, "--backend", "xnnpack", "--passes",
                           "default", "--quiet", "--json", "-"]))["results"][0]
    inside = sum(o["wall_ns"]["median"] for o in r["ops"] if o["backend"] == "xnnpack")
    return 100 * (1 - inside / (r["operators_ns"] + r["around_ns"] + r["unaccounted_ns"]))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    ptm, bare = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print("| ms | ptm: fastest, median | bare: fastest, median | more: fastest | more: median | "
          "outside XNNPACK's operators |")
    print("|---|---|---|---|---|---|")
    for net in "mobilenet_v2", "resnet18":
        got = {"ptm": [], "bare": []}
        for i in range(ROUNDS):
            for k in sorted(got, reverse=i % 2 == 0):
                got[k].append(ptm_block(ptm, net) if k == "ptm" else bare_block(bare, net))
        fast = {k: [min(b) for b in got[k]] for k in got}
        mid = {k: [statistics.median(b) for b in got[k]] for k in got}
        cells = ["%.3f, %.3f" % (min(fast[k]), statistics.median(mid[k])) for k in ("ptm", "bare")]
        for best in fast, mid:
            more = sorted(100 * (a / b - 1) for a, b in zip(best["ptm"], best["bare"]))
            cells.append("%+.1f %% (%+.1f to %+.1f)" % (statistics.median(more), more[0], more[-1]))
        cells.append("%.1f %%" % statistics.median(outside(ptm, net) for i in range(3)))
        print("| %s | %s |" % (net, " | ".join(cells)), flush=True)


main()
