#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the hostile and broken TorchScript archives of tests/formats/bad, and expected.txt: for
each file the status code and a part of the message. Standard library only."""
import io
import os
import struct
import zipfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bad")
CODE = """class M(Module):
  __parameters__ = []
  __buffers__ = []
  a : Any
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    return torch.add(x, 1)
"""


def archive(data, code=CODE, extra=(), drop=()):
    members = {"data.pkl": data, "code/__torch__.py": code.encode() if isinstance(code, str) else code,
               "constants.pkl": b"\x80\x02).", "version": b"3\n"}
    members.update(extra)
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        for name, content in members.items():
            if name not in drop:
                z.writestr(zipfile.ZipInfo("m/" + name, (1980, 1, 1, 0, 0, 0)), content)
    return f.getvalue()


def s(text):
    b = text.encode()
    return b"X" + struct.pack("<I", len(b)) + b


def i(v):
    return b"\x8a\x08" + struct.pack("<q", v)


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def module(value, cls="M"):
    return b"\x80\x02" + glob("__torch__", cls) + b")\x81}(" + s("a") + value + b"ub."


def storage(key="0", kind="FloatStorage", numel=i(4)):
    return b"(" + s("storage") + glob("torch", kind) + s(key) + s("cpu") + numel + b"tQ"


def tensor(store=None, offset=i(0), sizes=(2, 2), strides=(2, 1)):
    pack = lambda v: b"(" + b"".join(i(x) for x in v) + b"t"
    return (glob("torch._utils", "_rebuild_tensor_v2") + b"(" + (store or storage()) + offset + pack(sizes) +
            pack(strides) + b"\x89" + glob("collections", "OrderedDict") + b")RtR")


def bomb(levels):
    """[[..], [..]] with both elements the same list, again and again"""
    out = b"]q\x00"
    for k in range(levels):
        out += b"](h" + bytes([k]) + b"h" + bytes([k]) + b"eq" + bytes([k + 1])
    return out


def method(body, head="class M(Module):\n  a : Any\n"):
    return head + "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n" + "".join(
        "    " + line + "\n" for line in body.split("\n"))


FOUR = {"data/0": bytes(16)}
OK = module(b"N")
PICKLES = {
    "cut": (OK[:20], 30, "data.pkl: byte"),
    "empty": (b"", 30, "not a pickle"),
    "no_stop": (OK[:-1], 30, "ends without a stop"),
    "os_system": (b"\x80\x02" + glob("os", "system") + s("echo owned") + b"\x85R.", 40,
                  "byte 2: global 'os.system' is not one"),
    "builtins_eval": (module(glob("builtins", "eval") + s("1") + b"\x85R"), 40, "'builtins.eval'"),
    "unknown_class": (module(b"N", "Missing"), 30, "'__torch__.Missing' is not defined"),
    "extra_attribute": (OK.replace(s("a"), s("z")), 30, "class '__torch__.M' has no attribute 'z'"),
    "not_a_module": (b"\x80\x02].", 30, "does not hold a scripted module"),
    "deep": (module(b"]" * 300 + b"a" * 299), 31, "nest deeper than 200"),
    "deep_done": (module(b"(]q\x00" + b"](h\x00eq\x00" * 300 + b"t"), 31, "nest deeper than 200"),
    "memo_number": (module(b"]r\xff\xff\xff\x7f"), 31, "memo number 2147483647"),
    "memo_missing": (module(b"h\x07"), 30, "memo 7 was never written"),
    "memo_bomb": (module(b"(" + bomb(40) + b"t"), 31, "unfolds to more than 16777216"),
    "cycle": (module(b"]q\x00(h\x00e"), 30, "holds itself"),
    "cycle_dict": (module(b"}q\x00(" + s("k") + b"h\x00u"), 30, "holds itself"),
    "long_string": (module(b"X\xff\xff\xff\xffa"), 30, "a string of 4294967295 bytes"),
    "long_integer": (module(b"\x8a\x09" + bytes(9)), 31, "an integer of 9 bytes"),
    "opcode": (module(b"Pabc\n"), 40, "opcode 0x50"),
    "proto_9": (b"\x80\x09N.", 40, "protocol 9"),
    "append_to_int": (module(b"K\x01N" + b"a"), 30, "not a list"),
    "items_of_nothing": (b"\x80\x02(NNu.", 30, "items for no container"),
    "odd_items": (module(b"}(" + s("k") + b"u"), 30, "a key without a value"),
    "dict_key": (module(b"}(NNu"), 40, "a dict key"),
    "no_mark": (b"\x80\x02NNt.", 30, "needs a mark"),
    "left_over": (b"\x80\x02NN.", 30, "left on the stack"),
    "newobj_args": (b"\x80\x02" + glob("__torch__", "M") + b"N\x85\x81.", 30, "with arguments"),
    "state_not_dict": (b"\x80\x02" + glob("__torch__", "M") + b")\x81]b.", 30, "is no dict"),
    "build_list": (b"\x80\x02]}b.", 30, "not an object"),
    "global_value": (module(glob("torch", "FloatStorage")), 30, "a dict of globals"),
    "persid": (module(b"NQ"), 30, "persistent id"),
    "call_value": (module(b"N)R"), 30, "not a global"),
    "storage_missing": (module(tensor(storage("7"))), 30, "has no 'data/7'"),
    "storage_short": (module(tensor(storage(numel=i(5)))), 30, "has 16 bytes, its tensors need 20"),
    "storage_huge": (module(tensor(storage(numel=i(2 ** 62)))), 30, "elements"),
    "storage_key": (module(tensor(storage("../../etc/passwd"))), 30, "has no 'data/../../etc/passwd'"),
    "offset": (module(tensor(offset=i(3))), 30, "reaches element 6, its storage has 4"),
    "offset_negative": (module(tensor(offset=i(-1))), 30, "malformed arguments"),
    "strides": (module(tensor(strides=(2 ** 61, 2 ** 61))), 30, "reaches element 4611686018427387904"),
    "strides_overflow": (module(tensor(sizes=(3, 3), strides=(2 ** 62, 2 ** 62))), 30, "overflow"),
    "sizes_huge": (module(tensor(sizes=(2 ** 40, 2 ** 40), strides=(0, 0))), 31, "too many elements"),
    "size_negative": (module(tensor(sizes=(-2, 2))), 30, "bad size"),
    "rank_9": (module(tensor(sizes=(1,) * 9, strides=(1,) * 9)), 40, "rank 9"),
    "ranks": (module(tensor(sizes=(2, 2), strides=(1,))), 30, "2 sizes and 1 strides"),
    "list_type": (module(glob("torch.jit._pickle", "build_intlist") + b"](N" + b"e\x85R"), 30, "of another type"),
    "type_tag": (module(glob("torch.jit._pickle", "restore_type_tag") + b"]" + s("List[") + b"\x86R"), 30, "a type tag"),
    "enum_value": (module(glob("__torch__", "M") + b"K\x01R"), 30, "a value it has not"),
}
SOURCES = {
    "parentheses": (method("return " + "(" * 250 + "x" + ")" * 250), 31, "nests deeper than 200"),
    "brackets": (method("return " + "[" * 900 + "x" + "]" * 900), 31, "brackets nest"),
    "blocks": ("class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n" + "".join(
        "  " * (k + 2) + "if True:\n" for k in range(250)) + "  " * 252 + "pass\n", 31, "deeper than 200"),
    "minus": (method("return " + "- " * 400 + "x"), 31, "nests deeper than 200"),
    "types": (method("y : " + "List[" * 300 + "int" + "]" * 300 + " = 1"), 31, "nests deeper than 200"),
    "tab": (method("\ty = 1"), 30, "byte 0x09"),
    "nul": (method("y = \0"), 30, "byte 0x00"),
    "string_end": (method('y = "abc'), 30, "a string without an end"),
    "bracket_end": (method("y = [1,"), 30, "inside brackets"),
    "bracket_extra": (method("y = 1)"), 30, "closes that was not opened"),
    "indent": (method("if True:\n    pass\n  pass"), 30, "fits no block"),
    "unknown_name": (method("return y"), 30, "line 4: 'y' is not defined here"),
    "unknown_call": (method("return open(x)"), 40, "calls 'open'"),
    "unknown_function": (method("return __torch__.f(x)"), 30, "'__torch__.f' is not defined"),
    "unknown_type": (method("y : __torch__.Missing = x"), 30, "'__torch__.Missing' is not defined"),
    "constant": (method("return CONSTANTS.c5"), 30, "constant 5 of 0"),
    "constant_name": (method("return CONSTANTS.x"), 30, "malformed constant"),
    "integer": (method("return 9223372036854775808"), 30, "does not fit 64 bits"),
    "complex": (method("return 2j"), 40, "complex numbers"),
    "break": (method("break"), 30, "outside a loop"),
    "after_return": (method("return x\nreturn x"), 30, "code after a return"),
    "targets": (method("a, b = x, x, x"), 30, "expected the line's end"),
    "targets_few": (method("a, b, c = x, x"), 30, "2 values for 3 targets"),
    "comprehension": (method("return [y for y in x]"), 30, "'y' is not defined"),
    "starred": (method("return torch.add(*x)"), 40, "starred"),
    "lambda": (method("y = lambda: 3"), 30, "'lambda' is not defined"),
    "import_os": ("import os\n" + method("return os.system(x)"), 30, "'os' is not defined"),
    "top_level": ("x = 1\n" + CODE, 30, "expected a class or a function"),
    "base": ("class M(Exception):\n  pass\n", 40, "has base 'Exception'"),
    "class_twice": (CODE + CODE, 30, "'__torch__.M' is defined twice"),
    "method_twice": (method("return x") + method("return x", ""), 30, "method 'forward' twice"),
    "attribute_twice": ("class M(Module):\n  a : int\n  a : int\n", 30, "attribute 'a' twice"),
    "defaults": ("class M(Module):\n  a : Any\n  def f(self, x: int=1, y: int) -> int:\n    return x\n", 30,
                 "'y' lacks a default"),
    "default_call": ("class M(Module):\n  a : Any\n  def f(self, x: int=torch.add(1, 2)) -> int:\n    return x\n", 40,
                     "'torch.add' as a constant"),
    "nested_def": (method("def f(y):\n  return y\nreturn f"), 40, "nested function 'f'"),
    "set_state": ("class M(Module):\n  a : Any\n  def __setstate__(self, s: Any) -> NoneType:\n    self.a = torch.add(s, 1)\n"
                  "    return None\n", 40, "class '__torch__.M' restores itself"),
    "not_text": (b"\x7fELF\x01\x02\x03", 30, "byte 0x7f"),
    "empty_block": ("class M(Module):\n", 30, "expected an indented block"),
}
ARCHIVES = {
    "no_data": (archive(OK, drop=["data.pkl"]), 30, "does not hold a scripted module"),
    "no_code": (archive(OK, drop=["code/__torch__.py"]), 30, "no code/"),
    "big_endian": (archive(OK, extra={"byteorder": b"big"}), 40, "byte order is 'big'"),
    "version": (archive(OK, extra={"version": b"three"}), 30, "'version' holds 'three'"),
    "constants": (archive(OK, extra={"constants.pkl": b"\x80\x02]."}), 30, "constants.pkl is not a tuple"),
    "constants_cut": (archive(OK, extra={"constants.pkl": b"\x80\x02("}), 30, "constants.pkl: byte 3"),
    "cut_archive": (archive(OK)[:200], 30, "zip"),
}


def main():
    os.makedirs(HERE, exist_ok=True)
    for old in os.listdir(HERE):
        os.remove(os.path.join(HERE, old))
    rows = [(f"pickle_{k}", archive(v[0], extra=FOUR), *v[1:]) for k, v in PICKLES.items()]
    rows += [(f"source_{k}", archive(OK, code=v[0]), *v[1:]) for k, v in SOURCES.items()]
    rows += [(f"archive_{k}", *v) for k, v in ARCHIVES.items()]
    with open(os.path.join(HERE, "expected.txt"), "w") as out:
        for name, data, code, text in rows:
            with open(os.path.join(HERE, name + ".pt"), "wb") as f:
                f.write(data)
            out.write(f"{name}.pt {code} {text}\n")


if __name__ == "__main__":
    main()
