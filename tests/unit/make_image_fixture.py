#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/unit/image_fixture.inc: tiny images, and what Pillow and torchvision make of them."""
import io
import os

import numpy as np
from PIL import Image
from torchvision import transforms as T

W, H = 13, 9
ys, xs = np.mgrid[0:H, 0:W]
rgb = np.stack([xs * 19, ys * 28, (xs * ys * 7) % 256], -1).astype(np.uint8)
image = Image.fromarray(rgb)


def save(im, kind, **kw):
    f = io.BytesIO()
    im.save(f, kind, **kw)
    return f.getvalue()


def declare(name, data, kind="uint8_t", per_line=18):
    items = [repr(float(x)) + "f" if kind == "float" else str(int(x)) for x in data]
    lines = [", ".join(items[i:i + per_line]) for i in range(0, len(items), per_line)]
    return f"static const {kind} {name}[] = {{\n    " + ",\n    ".join(lines) + ",\n};\n"


def bytes_of(im):
    return np.asarray(im.convert("RGB")).tobytes()


rgba = image.copy()
rgba.putalpha(Image.fromarray((255 - xs * 10).astype(np.uint8)))
palette = image.quantize(16)
grey = image.convert("L")
files = {
    "rgb_png": save(image, "PNG"),
    "rgba_png": save(rgba, "PNG"),
    "palette_png": save(palette, "PNG", transparency=3),
    "grey_png": save(grey, "PNG"),
    "rgb_jpg": save(image, "JPEG", quality=80),
    "progressive_jpg": save(image, "JPEG", quality=60, progressive=True),
    "grey_jpg": save(grey, "JPEG", quality=80),
    "cmyk_jpg": save(image.convert("CMYK"), "JPEG", quality=80),
}
out = ["/* SPDX-License-Identifier: BSD-2-Clause */\n"
       "/* Made by tests/unit/make_image_fixture.py. */\n"
       f"enum {{ FIXTURE_WIDTH = {W}, FIXTURE_HEIGHT = {H} }};\n"]
for name, data in files.items():
    out.append(declare(name, data))
    if name != "cmyk_jpg":
        out.append(declare(name + "_pixels", bytes_of(Image.open(io.BytesIO(data)))))
for w, h in [(5, 4), (29, 17), (13, 3), (1, 1)]:
    out.append(declare(f"resized_{w}_{h}", bytes_of(image.resize((w, h), Image.BILINEAR))))
norm = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
for resize, crop in [(6, 4), (7, 10)]:
    t = T.Compose([T.Resize(resize), T.CenterCrop(crop), T.ToTensor(), norm])(image)
    out.append(declare(f"tensor_{resize}_{crop}", t.numpy().ravel(), "float", 4))
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "image_fixture.inc")
open(path, "w").write("".join(out))
