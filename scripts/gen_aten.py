#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes libcore/aten.inc, the operator schemas, from real PyTorch.

Step 1, once per PyTorch, oldest first (needs that PyTorch):
    /usr/bin/python3 scripts/gen_aten.py dump /tmp/aten-1.13.txt
    /opt/pt2/bin/python scripts/gen_aten.py dump /tmp/aten-2.13.txt
Step 2, merge (needs plain Python only):
    python3 scripts/gen_aten.py merge /tmp/aten-1.13.txt /tmp/aten-2.13.txt > libcore/aten.inc

A row is one overload: name.overload(TYPE name=default, *, ...) -> number of results.
Types are PyTorch's, less what ptm does not tell apart: SymInt is int, type variables
are t, custom classes Class, Dict(K, V) is Dict.K, a tuple (A, B) is Tuple.A; a final !
is an argument that is written. Rows are sorted by name; overloads of a name are in the
order in which PyTorch tries them (the newest's; those that only older ones have, last).
"""
import re
import sys

NAMESPACES = {"aten", "prim", "prims", "prepacked", "quantized", "_quantized"}
# Training, other devices and layouts, tests, and what only PyTorch's own executor inserts.
DROP = re.compile(
    r"backward|sparse|mkldnn|MKLDNN|cudnn|miopen|mps|_foreach|_fused_|cufft|nested|_test|_amp_"
    r"|triton|flash|efficient_attention|_cslt|coalesce|nnpack|ctc_loss|_sobol|symeig|rpc_|Cuda"
    r"|Fusion|_thnn|_fw_primal|_dual|_batch_dim|_cufft|TensorExpr|Bailout|BailOut|StaticRuntime"
    r"|StaticSubgraph|profile|PythonOp|FallbackGraph|MMTree|MMBatch|DifferentiableGraph|TypeCheck"
    r"|_foobar|_standard_gamma|_dirichlet|_cuda_|_saturate_weight|_rowwise_prune|fbgemm"
    r"|_histogramdd|_spdiags|align_t|has_torch_function|RequiresGradCheck|AddStatValue|_csr|_csc"
    r"|_bsr|_bsc|_dyn_quant|_int4pack|_int8pack|_jagged|_padded_dense|_fake_quantize_learnable"
    r"|_grad_sum_to|bessel|_scaled_mm|_grouped_mm|_chunk_cat|_fsdp|hermite|chebyshev|legendre"
    r"|laguerre|_ormqr|_lobpcg|ConstantMKL|_sym_constrain|_functional_|_assert_async"
)
KEEP = {"prim::is_sparse", "prim::is_mkldnn", "prim::is_mps", "aten::_thnn_fused_lstm_cell",
        "prim::is_sparse_csr", "aten::is_coalesced", "prim::is_nested", "aten::_assert_async",
        "aten::_nested_tensor_from_mask", "aten::_nested_tensor_from_mask_left_aligned"}
DROP_OVERLOAD = re.compile(r"names|Dimname|dimname|named|complex|generator_|enum|sparse")
DROP_TYPE = re.compile(r"\bcomplex\b|RRef|Stream|AnyEnum|\bAnyClassType\b|Dimname")
BASE = {"Tensor", "int", "float", "bool", "Scalar", "str", "Device", "ScalarType", "Layout",
        "MemoryFormat", "Generator", "Storage", "Any", "t"}
# Behaviour of older operator versions: libcore/schema.c says when a file means these.
OLD = [
    "ptm::gelu_0_9(Tensor self) -> Tensor",
    "ptm::gelu_0_9_(Tensor! self) -> Tensor",
    "ptm::gelu_0_9.out(Tensor self, *, Tensor! out) -> Tensor",
    "ptm::linspace_0_7(Scalar start, Scalar end, int? steps=None, *, ScalarType? dtype=None, "
    "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    "ptm::linspace_0_7.out(Scalar start, Scalar end, int? steps=None, *, Tensor! out) -> Tensor",
    "ptm::logspace_0_8(Scalar start, Scalar end, int? steps=None, float base=10.0, *, ScalarType? "
    "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    "ptm::logspace_0_8.out(Scalar start, Scalar end, int? steps=None, float base=10.0, *, "
    "Tensor! out) -> Tensor",
]
OLD_NAME = {"aten::div": "ptm::div_0_3", "aten::div_": "ptm::div_0_3_", "aten::full": "ptm::full_0_4"}


def dump(path):
    import torch

    with open(path, "w") as f:
        for s in torch._C._jit_get_all_schemas():
            f.write(str(s).replace("\n", "\\n") + "\n")


def split_args(text):
    """Splits at commas outside brackets and quotes."""
    out, depth, quote, start, i = [], 0, False, 0, 0
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == '"':
                quote = False
        elif c == '"':
            quote = True
        elif c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "," and depth == 0:
            out.append(text[start:i].strip())
            start = i + 1
        i += 1
    if text[start:].strip():
        out.append(text[start:].strip())
    return out


def close_paren(text, at):
    depth, quote, i = 0, False, at
    while True:
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == '"':
                quote = False
        elif c == '"':
            quote = True
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if depth == 0:
                return i
        i += 1


def simple_type(t):
    write = bool(re.search(r"\([a-z|]*!", t))
    t = re.sub(r"\((?:[a-z](?:\|[a-z])*)?!?(?: -> \*)?\)|\(\*\)", "", t)  # alias annotations
    t = t.replace("SymInt", "int")
    m = re.match(r"Dict\((\w+), \w+(?:\[\])?\)(.*)$", t)
    if m:
        return "Dict." + ("t" if m.group(1) == "tKey" else m.group(1)) + m.group(2) + "!" * write
    m = re.match(r"\((\w+), \w+\)(.*)$", t)
    if m:
        return "Tuple." + ("t" if m.group(1) == "tKey" else m.group(1)) + m.group(2) + "!" * write
    m = re.match(r"([\w.]+)(.*)$", t)
    base, rest = m.group(1), m.group(2)
    if base in ("t1", "t2", "tVal", "tKey"):
        base = "t"
    elif base == "Future":
        base, rest = "Any", ""
    elif base not in BASE:
        base = "Class"
    if "][" in rest or rest.startswith("("):
        base, rest = "Any", "[]"
    return base + rest + "!" * write


def default(text, kind):
    if re.match(r"-?[\d.]+(e[-+]?\d+)?$", text) and re.search(r"[.e]", text):
        text = repr(float(text))
    n = re.search(r"\[(\d+)\]", kind)
    if n and not text.startswith("[") and text != "None":
        text = "[" + ", ".join([text] * int(n.group(1))) + "]"
    return text


def parse(line):
    """(name, overload, [(type, name, default or None, kwarg_only)], results, vararg)"""
    at = line.index("(")
    end = close_paren(line, at)
    name, _, overload = line[:at].partition(".")
    args, kwonly, vararg = [], False, False
    for a in split_args(line[at + 1:end]):
        if a == "*":
            kwonly = True
        elif a == "...":
            vararg = True
        else:
            head, eq, dflt = a.partition("=")
            kind, _, arg = head.rpartition(" ")
            if DROP_TYPE.search(kind):
                return None
            kind = simple_type(kind)
            args.append((kind, arg, default(dflt, kind) if eq else None, kwonly))
    ret = line[end + 1:].split("->", 1)[1].strip()
    if ret.startswith("(") and close_paren(ret, 0) == len(ret) - 1:
        n = len(split_args(ret[1:-1]))
    else:
        n = 1
    return name, overload, args, n, vararg


def widens(new, old):
    return (new.rstrip("!") == old.rstrip("!") or new == old + "?" or
            new.replace("Scalar", "int") == old or new.rstrip("!") in ("Any", "t"))


def still_binds(new, old):
    """Every call that fits `old` fits `new` and means the same."""
    by_name = {a[1]: a for a in new[2]}
    for i, a in enumerate(old[2]):
        b = by_name.pop(a[1], None)
        if b is None or not widens(b[0], a[0]):
            return False
        if not a[3] and (b[3] or new[2].index(b) != i):
            return False
        if a[2] is not None and a[2] != b[2]:
            return False
    return all(a[2] is not None for a in by_name.values())


def load(path):
    rows = []
    for line in open(path):
        name = re.split(r"[.(]", line)[0]
        if name.split("::")[0] not in NAMESPACES or (DROP.search(name) and name not in KEEP):
            continue
        row = parse(line.rstrip("\n"))
        if row and not DROP_OVERLOAD.search(row[1]):
            rows.append(row)
    return rows


def text(row):
    name, overload, args, n, vararg = row
    parts, star = [], False
    for kind, arg, dflt, kwonly in args:
        if kwonly and not star:
            parts.append("*")
            star = True
        parts.append(kind + " " + arg + ("" if dflt is None else "=" + dflt))
    if vararg:
        parts.append("...")
    return "%s%s(%s) -> %d" % (name, "." + overload if overload else "", ", ".join(parts), n)


def merge(paths):
    rows = []
    for path in reversed(paths):  # newest first
        known = {}
        for r in rows:
            known.setdefault(r[:2], []).append(r)
        for r in load(path):
            if not any(still_binds(k, r) for k in known.get(r[:2], [])):
                rows.append(r)
    rows += [(OLD_NAME[r[0]],) + r[1:] for r in rows if r[0] in OLD_NAME]
    rows += [parse(line) for line in OLD]
    rows.sort(key=lambda r: r[0])
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/* Operator schemas of PyTorch 1.13 and 2.13. Made by scripts/gen_aten.py: do not edit. */")
    for r in rows:
        print('"%s",' % text(r).replace("\\", "\\\\").replace('"', '\\"'))
    names = {r[0] for r in rows}
    print("%d overloads of %d operators" % (len(rows), len(names)), file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "dump":
        dump(sys.argv[2])
    elif len(sys.argv) >= 3 and sys.argv[1] == "merge":
        merge(sys.argv[2:])
    else:
        sys.exit(__doc__)
