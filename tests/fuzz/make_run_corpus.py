# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for fuzz_runsrc: python3 tests/fuzz/make_run_corpus.py FOLDER FILE.pt...

Takes the source out of TorchScript archives: all files as one, classes renamed so that no name is
lost, with comments that say the sizes of the attributes' tensors (fuzz_runsrc.c). Needs PyTorch
for those; committed are the seeds, merged by libFuzzer (-merge=1)."""
import glob, os, re, sys, zipfile
import numpy, torch

LETTER = {torch.int64: 'i', torch.bool: 'b'}


def flat(path):
    """__torch__.a.___torch_mangle_0.B -> a____torch_mangle_0_B"""
    return path.replace('__torch__.', '', 1).replace('.', '_')


def sizes(t):
    n = 1
    out = []
    for d in t.shape[:4]:
        d = d if n * d <= 512 else 1
        n *= d or 1
        out.append(str(d))
    return LETTER.get(t.dtype, 'f') + ','.join(out)


def modules(path):
    """{class: an instance}"""
    try:
        return {m._c._type().qualified_name(): m for m in torch.jit.load(path).modules()}
    except Exception:
        return {}


def comment(module, name):
    v = getattr(module, name, None)
    if isinstance(v, torch.Tensor):
        return '  # ' + sizes(v)
    return '  # %d' % v if type(v) is int and 0 <= v < 4096 else ''


def source(path):
    z = zipfile.ZipFile(path)
    found, parts = modules(path), []
    names = [n for n in z.namelist() if n.endswith('.py')]
    root = z.namelist()[0].split('/')[0] + '/code/'
    main = None
    pkl = z.read(root.replace('code/', 'data.pkl'))
    main = re.search(rb'c(__torch__[^\n]*)\n([^\n]+)\n', pkl)
    main = main.group(1).decode() + '.' + main.group(2).decode()
    for n in names:
        module = n[len(root):-3].replace('/', '.')
        text = z.read(n).decode()
        out, cls = [], None
        for line in text.split('\n'):
            m = re.match(r'class (\w+)\((.*)\):', line)
            f = re.match(r'def (\w+)\(', line)
            if m:
                cls = module + '.' + m.group(1)
                line = 'class %s(%s):' % (flat(cls), m.group(2))
            elif f:
                line = line.replace('def ' + f.group(1), 'def ' + flat(module + '.' + f.group(1)), 1)
            a = re.match(r'  (\w+) : ', line)
            line = re.sub(r'__torch__(\.\w+)*\.(\w+)', lambda k: '__torch__.' + flat(k.group(0)), line)
            out.append(line + (comment(found.get(cls), a.group(1)) if a else ''))
        parts.append((module == main.rsplit('.', 1)[0], '\n'.join(out)))
    parts.sort()
    text = ''.join(p for _, p in parts)
    text = 'class torch_autograd_grad_mode_no_grad(Module):\n  prev : bool\n\n' * ('grad_mode_no_grad' in text) + text
    # the root class last
    at = text.index('class %s(' % flat(main))
    end = re.search(r'\n(?=\S)', text[at:])
    cut = at + end.end() if end else len(text)
    text = text[:at] + text[cut:].rstrip('\n') + '\n' + text[at:cut]
    shapes = []
    for k in range(16):
        f = '%s.in%d.npy' % (path[:-3], k)
        if not os.path.exists(f):
            break
        shapes.append(sizes(torch.from_numpy(numpy.load(f))))
    return text.strip('\n') + '\n' + ('#run forward %s\n' % ' '.join(shapes) if shapes else '')


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
for path in sys.argv[2:]:
    try:
        text = source(path)
    except Exception as e:
        print(path, e)
        continue
    if len(text) < 12288:
        name = os.path.basename(os.path.dirname(path)) + '-' + os.path.basename(path)[:-3]
        open(os.path.join(folder, name), 'w').write(text)
