#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpora of fuzz_zip, fuzz_npy, fuzz_image, fuzz_registry: tests/fuzz/corpus/FMT/.

Only the standard library, numpy and Pillow. Files that fuzzing found lie beside the seeds, under
names that begin with find-; this script does not touch them.
"""
import io
import os
import struct
import zipfile

import numpy as np
from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def write(fmt, name, data):
    assert len(data) < 4096, (fmt, name, len(data))
    os.makedirs(os.path.join(HERE, fmt), exist_ok=True)
    with open(os.path.join(HERE, fmt, name), "wb") as f:
        f.write(data)


def make_zip(members, force64=False, comment=b""):
    """members: (name, data, deflate, bytes of padding in the local extra field)"""
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        for name, data, deflate, pad in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            if pad:
                info.extra = struct.pack("<2sH", b"FB", pad) + b"Z" * pad
            with z.open(info, "w", force_zip64=force64) as m:
                m.write(data)
        z.comment = comment
    return f.getvalue()


def saved(array, order="C", version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, np.asarray(array, order=order), version=version)
    return f.getvalue()


def encoded(image, kind, **kw):
    f = io.BytesIO()
    image.save(f, kind, **kw)
    return f.getvalue()


code = b"class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return torch.relu(x)\n"
torch_like = [
    ("net/data.pkl", b"\x80\x02c__torch__\nNet\nq\x00)\x81}q\x01b.", False, 20),
    ("net/code/__torch__.py", code * 3, True, 3),
    ("net/constants.pkl", b"\x80\x02).", False, 7),
    ("net/data/0", bytes(range(64)), False, 25),
    ("net/version", b"3\n", False, 0),
]
state = [("archive/data.pkl", b"\x80\x02}q\x00.", False, 0), ("archive/data/0", b"1234", False, 0)]
zips = {
    "torch.zip": make_zip(torch_like),
    "torch64.zip": make_zip(torch_like, force64=True),
    "state.zip": make_zip(state),
    "empty.zip": make_zip([]),
    "comment.zip": make_zip(state, comment=b"PK\x05\x06 is no end record"),
    "folders.zip": make_zip([("a/", b"", False, 0), ("a/b/", b"", False, 0), ("c", b"", True, 0)]),
    "bomb.zip": make_zip([("a/zeros", bytes(1 << 20), True, 0)]),
}
for name, data in zips.items():
    write("zip", name, data)

f4 = np.arange(6, dtype="<f4").reshape(2, 3)
for dtype in ["<f2", "<f4", "<f8", "u1", "i1", "<i2", "<i4", "<i8", "?", ">f4", ">i2", "<c8"]:
    write("npy", "dtype_%s.npy" % dtype.translate(str.maketrans("<>?", "lbB")),
          saved(np.arange(6).reshape(3, 2).astype(dtype)))
write("npy", "fortran.npy", saved(np.arange(24, dtype=">i4").reshape(2, 3, 4), order="F"))
write("npy", "scalar.npy", saved(np.float32(1.5)))
write("npy", "empty.npy", saved(np.zeros((0, 5), "f4")))
write("npy", "v2.npy", saved(f4, version=(2, 0)))
write("npy", "v3.npy", saved(f4, version=(3, 0)))
write("npy", "record.npy", saved(np.zeros(2, dtype=[("a", "<f4"), ("b", "u1")])))

ys, xs = np.mgrid[0:9, 0:13]
rgb = Image.fromarray(np.stack([xs * 19, ys * 28, xs * ys * 2], -1).astype(np.uint8))
grey = rgb.convert("L")
alpha = rgb.copy()
alpha.putalpha(grey)
images = {
    "rgb.png": encoded(rgb, "PNG"),
    "alpha.png": encoded(alpha, "PNG"),
    "palette.png": encoded(rgb.quantize(8), "PNG", transparency=1),
    "grey.png": encoded(grey, "PNG"),
    "bit.png": encoded(grey.convert("1"), "PNG"),
    "deep.png": encoded(Image.fromarray((np.asarray(grey).astype(np.uint16) * 257)), "PNG"),
    "rgb.jpg": encoded(rgb, "JPEG", quality=50),
    "444.jpg": encoded(rgb, "JPEG", quality=50, subsampling=0),
    "progressive.jpg": encoded(rgb, "JPEG", quality=50, progressive=True),
    "grey.jpg": encoded(grey, "JPEG", quality=50),
    "cmyk.jpg": encoded(rgb.convert("CMYK"), "JPEG", quality=50),
}
for name, data in images.items():
    write("image", name, data)

for name in ["torch.zip", "state.zip", "empty.zip"]:
    write("registry", name, zips[name])
kinds = {
    "pt2.zip": make_zip([("m/archive_format", b"pt2", False, 0)]),
    "old.zip": make_zip([("serialized_exported_program.json", b"{}", False, 0)]),
    "whole.zip": make_zip([("m/data.pkl", b"\x80\x02c__main__\nNet\nq\x00.", True, 0)]),
    "legacy.pth": bytes.fromhex("80028a0a6cfc9c46f9206aa850192e"),
    "bare.pkl": b"\x80\x04\x95\x00",
    "a.onnx": b"\x08\x08\x12\x07pytorch\x1a\x062.13.0:\x02\x0a\x00",
    "a.pte": b"\x1c\0\0\0ET12" + bytes(8),
    "a.ptl": b"\x1c\0\0\0PTMF" + bytes(8),
    "a.safetensors": struct.pack("<Q", 16) + b'{"a":[1,2,3,4]} ',
    "lfs": b"version https://git-lfs.github.com/spec/v1\n",
    "page.html": b" \n<!DOCTYPE html>\n",
    "text": b"hello\n",
    "a.tar": b"x".ljust(257, b"\0") + b"ustar\x0000",
    "nothing": b"",
}
for name, data in kinds.items():
    write("registry", name, data)
