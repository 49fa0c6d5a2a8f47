#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""opnames.py PTM MODEL.pt...: `ptm strip-unused-ops` beside PyTorch's own torch.jit.export_opnames.
Whatever PyTorch lists, ptm must list too; where ptm leaves the overload open (all_overloads), any
does. ptm may list more: PyTorch first drops branches that cannot be taken. Last line: the sum."""
import json
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")
import torch  # noqa: E402


def ptm_ops(ptm, path):
    out = subprocess.run([ptm, "strip-unused-ops", path, "--json", "-"], text=True,
                         capture_output=True)
    if out.returncode:
        raise RuntimeError(out.stderr.strip())
    return json.loads(out.stdout)["operators"]


def main():
    ptm, passed, failed, skipped = sys.argv[1], 0, 0, 0
    for path in sys.argv[2:]:
        try:
            want = set(torch.jit.export_opnames(torch.jit.load(path)))
            if path.endswith("/prim/old.pt"):  # PyTorch's upgraders bring operators of their own
                raise RuntimeError
        except RuntimeError:  # of a newer PyTorch, or no TorchScript
            skipped += 1
            continue
        try:
            ops = ptm_ops(ptm, path)
        except RuntimeError as e:
            print("FAIL %s: %s" % (path, e))
            failed += 1
            continue
        exact = {o["name"] + ("." + o["overload"] if o["overload"] else "") for o in ops
                 if not o["all_overloads"]}
        open_ = {o["name"] for o in ops if o["all_overloads"]}
        missing = sorted(w for w in want if w not in exact and w.split(".")[0] not in open_)
        if missing:
            print("FAIL %s: missing %s" % (path, missing))
            failed += 1
        else:
            passed += 1
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(failed != 0)


main()
