#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes tests/formats/bad_ptm: .ptm files with one thing wrong each, and expected.txt, which pins
code and text. They are made from files of the corpus: bytes patched, the sum put right."""
import json
import os
import struct
import zlib

here = os.path.dirname(os.path.abspath(__file__))
corpus = os.path.join(here, '..', 'fuzz', 'corpus', 'ptm')
out = os.path.join(here, 'bad_ptm')
os.makedirs(out, exist_ok=True)
expected = []


class File:
    def __init__(self, name):
        b = open(os.path.join(corpus, name + '.ptm'), 'rb').read()
        n, = struct.unpack_from('<I', b, 12)
        base = (32 + n + 63) // 64 * 64
        self.version = 1
        self.json = b[32:32 + n].decode()
        self.data = bytearray(b[base:])
        self.sections()

    def sections(self):
        j = json.loads(self.json)
        self.program, self.text = [[j[s][0], j[s][-1]] for s in ('program', 'text')]
        self.frames = [s['offset'] for s in j.get('storages', []) if 'zstd' in s]

    def word(self, at, value):  # of the program section
        struct.pack_into('<I', self.data, self.program[0] + 4 * at, value & 0xffffffff)
        return self

    def words(self):
        return list(struct.unpack_from('<%dI' % (self.program[1] // 4), self.data, self.program[0]))

    def replace(self, old, new):
        assert old in self.json, (old, self.json)
        self.json = self.json.replace(old, new, 1)
        return self

    def bytes(self, sum_=None, size=None):
        j = self.json.encode()
        base = (32 + len(j) + 63) // 64 * 64
        s = 0
        for at, n in (self.program, self.text):
            s = zlib.crc32(bytes(self.data[at:at + n]), s)
        size = base + len(self.data) if size is None else size
        head = b'\x89PTM\r\n\x1a\n' + struct.pack('<IIQII', self.version, len(j), size,
                                                  zlib.crc32(j), s if sum_ is None else sum_)
        return (head + j).ljust(base, b'\0') + bytes(self.data)


def bad(name, data, code, text):
    with open(os.path.join(out, name + '.ptm'), 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.bytes())
    expected.append('%s.ptm %d %s' % (name, code, text))


FORMAT, LIMIT, UNSUPPORTED = 30, 31, 40
(N_STRINGS, N_TYPES, N_NAMES, N_OPS, N_CLASSES, N_POS, N_FNS, N_CONST, N_OBJ, N_CONT,
 ROOT) = range(11)


def new(name='branch'):
    return File(name)


whole = new().bytes()
bad('head', whole[:20], FORMAT, 'has 20 bytes, its head has 32')
bad('cut', whole[:-64], FORMAT, 'it was cut')
bad('grew', whole + b'more', FORMAT, 'it grew')
f = new()
f.version = 2
bad('version', f, UNSUPPORTED, 'version 2, this build reads version 1')
bad('header_long', whole[:12] + struct.pack('<I', 1 << 31) + whole[16:], LIMIT,
    'a header of 2147483648 bytes, 67108864 are possible')
bad('header_past_end', whole[:12] + struct.pack('<I', 1 << 20) + whole[16:], FORMAT,
    'a header of 1048576 bytes in a file of')
bad('sum', new().bytes(sum_=1), FORMAT, 'damaged: its program has the sum')

bad('sum_header', whole[:40] + b'x' + whole[41:], FORMAT, 'damaged: its header has the sum')

f = new()
f.json = f.json[:-5]
bad('json_cut', f, FORMAT, '.ptm header, byte')
bad('json_comma', new().replace('",', '"'), FORMAT, 'a comma is missing')
bad('json_twice', new().replace('"producer"', '"ptm_version"'), FORMAT, 'a member comes twice')
bad('json_deep', new().replace('{', '{"x": %s, ' % ('[' * 40)), FORMAT, 'values nest too deeply')
bad('json_after', new().replace('}\n', '} x'), FORMAT, 'something follows the end')
bad('json_string', new().replace('"TorchScript', '"\\ud800'), FORMAT, '\\u that is no character')
bad('json_control', new().replace('TorchScript', 'Torch\x01'), FORMAT, 'a string without an end')
bad('json_number', new().replace('"operator_version": ', '"operator_version": 0'), FORMAT,
    'an integer is expected')
bad('json_fraction', new().replace('"program": [0', '"program": [0.5'), FORMAT,
    'an integer is expected')
bad('no_text', new().replace('"text"', '"tixt"'), FORMAT, 'no place for the text section')
bad('section_beyond', new().replace('"text": [', '"text": [9'), FORMAT, 'out of range')
bad('section_overlaps', new().replace('"text": [%d' % new().text[0], '"text": [0'), FORMAT,
    'a section out of place')
bad('section_four', new().replace('"program": [0', '"program": [0, 0, 0, 0'), FORMAT,
    'an offset and a number of bytes are expected')
f = new().replace(']', ', 64]')
f.sections()
bad('section_packed', f, FORMAT, 'section 0: not a zstd frame')
bad('section_unaligned', new().replace('"program": [0', '"program": [4'), FORMAT,
    'a section out of place')

bad('recipe_unknown', new().replace('"program"', '"recipe": ["cse", "warp"], "program"'),
    UNSUPPORTED, "a pass 'warp', which this build lacks")
bad('recipe_number', new().replace('"program"', '"recipe": [1], "program"'), FORMAT,
    'a string is expected')
bad('recipe_long', new().replace('"program"', '"recipe": [%s], "program"' %
                                 ', '.join(['"cse"'] * 1001)), FORMAT, 'too many passes')

t = 'dtypes_113'
bad('storage_beyond', new(t).replace('"bytes": ', '"bytes": 9999'), FORMAT,
    'a storage out of place')
bad('storage_no_bytes', new(t).replace('"bytes"', '"bites"'), FORMAT,
    'a storage without offset or bytes')
bad('tensor_dtype', new(t).replace('"dtype": "', '"dtype": "x'), FORMAT, 'no such dtype')
bad('tensor_beyond', new('alias').replace('"shape": [', '"shape": [99'), FORMAT,
    'a tensor beyond its storage')
bad('tensor_negative', new('alias').replace('"shape": [', '"shape": [-'), FORMAT,
    'a number out of range')
bad('tensor_rank', new('alias').replace('"shape": [', '"shape": [1,1,1,1,1,1,1,1,1,'), FORMAT,
    'too many dims')
bad('tensor_strides', new('alias').replace('"stride": [', '"stride": [1, '), FORMAT,
    'more dims than strides')
bad('tensor_storage', new('alias').replace('"storage": ', '"storage": 70'), FORMAT,
    'a number out of range')
bad('tensor_overflow', new('alias').replace('"shape": [', '"shape": [576460752303423487, ')
    .replace('"stride": [', '"stride": [576460752303423487, '), FORMAT, 'strides overflow')
bad('tensor_huge', new('alias').replace('"shape": [', '"shape": [576460752303423487, ')
    .replace('"stride": [', '"stride": [0, '), FORMAT, 'too many elements')
f = new('alias')
f.json = f.json.replace('"shape": [', '"shape": [0, ').replace('"stride": [', '"stride": [1, ')
f.json = f.json.replace('"offset": 0, "storage"', '"offset": 77, "storage"')
bad('tensor_empty_beyond', f, FORMAT, 'a tensor beyond its storage')

z = 'dusty_zstd'
bad('zstd_size', new(z).replace('"bytes": 400', '"bytes": 404'), FORMAT,
    'not a zstd frame of the 404')
bad('zstd_short', new(z).replace('"zstd": 25', '"zstd": 20'), FORMAT, 'zstd: Src size is incorrect')
f = new(z)
f.data[f.frames[0] + 12] ^= 0xff
bad('zstd_damaged', f, FORMAT, 'storage 1: zstd:')
f = new(z)
frame = b'\x28\xb5\x2f\xfd\xe0' + struct.pack('<Q', 1 << 40)  # 1 TiB, it says
f.data[f.frames[0]:f.frames[0] + len(frame)] = frame
bad('zstd_bomb', f.replace('"bytes": 400', '"bytes": %d' % (1 << 40)), LIMIT, 'more than the')

for i, name in ((N_STRINGS, 'strings'), (N_TYPES, 'types'), (N_NAMES, 'names'),
                (N_OPS, 'operators'), (N_CLASSES, 'classes'), (N_POS, 'positions'),
                (N_FNS, 'functions'), (N_CONST, 'constants'), (N_OBJ, 'objects'),
                (N_CONT, 'containers')):
    bad('count_' + name, new().word(i, 0xffffffff), FORMAT, name + ' 4294967295 of')
bad('count_no_positions', new().word(N_POS, 0), FORMAT, 'positions 0 of')
bad('root', new().word(ROOT, 99), FORMAT, 'root object 99 of')
bad('string_long', new().word(11, 0x7fffffff), FORMAT, 'a string of bytes 2147483647 of')
w = new().words()
types = 11 + w[N_STRINGS]
bad('type_kind', new().word(types, 200), FORMAT, 'type kind 200 of')
bad('type_not_any', new().word(types, 1), FORMAT, 'type 0 is not Any')
f = new()
f.program = [f.program[0], f.program[1] - 4]
bad('program_short', f.replace('"program": [0, %d' % new().program[1],
                               '"program": [0, %d' % f.program[1]), FORMAT, 'program section')
f = new()
f.program = [f.program[0], f.program[1] + 4]
bad('program_long', f.replace('"program": [0, %d' % new().program[1],
                              '"program": [0, %d' % f.program[1]), FORMAT, 'ends at byte')

# one object, whose attribute is a chain of lists, written by hand
def by_hand(containers, n):
    def s(x):
        return struct.pack('<%dI' % len(x), *x)
    text = b'A\0m\0'
    body = [2, 2, 0, 0, 1, 1, 0, 0, 1, n, 0]      # counts: 2 strings, 2 types, 1 class, 1 object
    body += [1, 1]                                 # bytes of strings
    body += [0, 0, 0, 1, 0, 0]                     # types: Any, None
    body += [0, 1, 1, 1, 0, 0, 0, 0]               # class A: module, attribute m: Any
    body += [0, 6, n - 1]                          # object of class 0: the last container, a list
    body += containers
    program = s(body)
    at = (len(program) + 63) // 64 * 64
    f = new()
    f.data = bytearray(program.ljust(at, b'\0') + text.ljust(128, b'\0'))
    f.json = '{"program": [0, %d], "text": [%d, %d]}' % (len(program), at, len(text))
    f.sections()
    return f


def chain(n, width=1):
    c = []
    for i in range(n):
        c += [0, 0, width if i else 0, 0] + [6, i - 1] * (width if i else 0)
    return c


bad('list_deep', by_hand(chain(200), 200), FORMAT, 'containers nest 101 of 100')
bad('list_bomb', by_hand(chain(60, 4), 60), FORMAT, 'a container unfolds to')
bad('list_cycle', by_hand([0, 0, 1, 0, 6, 0], 1), FORMAT, 'container 0 of 0')
bad('list_is_dict', by_hand([1, 0], 1), FORMAT, 'another kind of container, number 0')
bad('dict_key', by_hand([1, 1, 0, 0] + [0, 0, 1, 0, 8, 0], 2), FORMAT, 'the key of a dict, tag 0')
bad('object_ref', by_hand([0, 0, 1, 0, 9, 5], 1), FORMAT, 'object 5 of 1')
bad('tensor_ref', by_hand([0, 0, 1, 0, 5, 0], 1), FORMAT, 'tensor 0 of 0')
bad('bool', by_hand([0, 0, 1, 0, 1, 2], 1), FORMAT, 'bool 2 of 2')
bad('tag', by_hand([0, 0, 1, 0, 10, 0], 1), FORMAT, 'tag 10 of')
bad('element_tag', by_hand([0, 99, 0, 0], 1), FORMAT, 'element tag 99 of')

with open(os.path.join(out, 'expected.txt'), 'w') as f:
    f.write('\n'.join(expected) + '\n')
