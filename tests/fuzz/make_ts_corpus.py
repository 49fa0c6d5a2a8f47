#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpora of fuzz_pickle, fuzz_tsparse and fuzz_torchscript from the fixtures of
tests/formats. Files that fuzzing found lie beside the seeds, named find-*; they are left alone."""
import os
import re
import shutil
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
FORMATS = os.path.join(HERE, "..", "formats")
sys.path.insert(0, FORMATS)
import make_bad  # noqa: E402


def write(fmt, name, data):
    folder = os.path.join(HERE, "corpus", fmt)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def main():
    for name in ("classes", "containers", "dtypes", "shared"):
        z = zipfile.ZipFile(os.path.join(FORMATS, "good", name + "_213.pt"))
        data = z.read(f"{name}_213/data.pkl")
        write("pickle", name, re.sub(rb"c__torch__[^\n]*\n[^\n]+\n", b"c__torch__\nM\n", data))
    for name, row in make_bad.PICKLES.items():
        if len(row[0]) < 500:
            write("pickle", "bad-" + name, row[0])
    state = b"\x80\x02c__torch__\nM\n)\x81}(X\x01\0\0\0ac__torch__\nS\n)\x81N]q\0(K\x01e\x86bu"
    write("pickle", "set-state", state + b"b.")
    write("pickle", "enum", b"\x80\x02c__torch__\nM\n)\x81}(X\x01\0\0\0ac__torch__\nE\nK\x02Rub.")
    for name in ("control", "containers", "classes", "strings", "types", "hooked", "recurrent"):
        z = zipfile.ZipFile(os.path.join(FORMATS, "good", name + "_213.pt"))
        for member in z.namelist():
            if member.endswith(".py"):
                text = re.sub(rb"class \w+\(Module\)", b"class M(Module)", z.read(member), count=1)
                write("tsparse", name + "-" + member.split("/code/")[1].replace("/", "-"), text)
    for name, row in make_bad.SOURCES.items():
        text = row[0] if isinstance(row[0], bytes) else row[0].encode()
        if len(text) < 3000:
            write("tsparse", "bad-" + name, text)
    for name in ("types_213.pt", "mobile_113.pt", "lite_113.ptl", "shared_213.pt"):
        shutil.copy(os.path.join(FORMATS, "good", name), os.path.join(HERE, "corpus", "torchscript", name))
    for name in ("cut", "deep", "cycle"):
        write("torchscript", "bad-" + name, make_bad.archive(make_bad.PICKLES[name][0]))


if __name__ == "__main__":
    os.makedirs(os.path.join(HERE, "corpus", "torchscript"), exist_ok=True)
    main()
