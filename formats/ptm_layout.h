/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format, .ptm, byte by byte. Everything is little-endian.
 *
 *   0   8  magic: 89 'P' 'T' 'M' 0d 0a 1a 0a
 *   8   4  version of the format: 1
 *  12   4  bytes of the JSON header
 *  16   8  bytes of the whole file
 *  24   4  CRC-32 (zlib's) of the JSON header
 *  28   4  CRC-32 of the program, text and entries sections, as they are stored
 *  32   .  the JSON header (UTF-8), then zeros up to a multiple of 64: there the data begins
 *
 * Data is the program section, the text section, the entries section where there is one, then the
 * storages of the tensors, then packed weights, in that order; each begins at a multiple of 64 from
 * where the data does; zeros lie between. At least 16 bytes follow the last of them, so that vector
 * loads may run over its end.
 *
 * JSON header; offsets count from where the data begins; members not named here are skipped:
 *   {"ptm_version": "0.1.0",            who wrote it
 *    "producer": "TorchScript archive, version 3", "operator_version": 10,   of the program
 *    "provenance": {"source": "resnet50.pt", "source_bytes": 1, "source_sha256": "...",
 *                   "command": "ptm optimize ..."},
 *    "recipe": ["conv_bn", ...],        graph passes, in order; absent: the model has no recipe
 *    "closed": 1,                       there is no code: only the entries' calls are possible
 *    "program": [offset, bytes], "text": [offset, bytes],   with a third number: bytes of the zstd
 *                                       frame that stands there instead
 *    "entries": [offset, bytes],        the same; absent: none
 *    "storages": [{"offset": 0, "bytes": 64, "zstd": 40}],   "zstd": bytes of its zstd frame;
 *                                       absent: the bytes themselves, used where they lie
 *    "tensors": [{"name": "fc.weight", "dtype": "f32", "shape": [2, 8], "stride": [8, 1],
 *                 "offset": 0, "storage": 0}],    strides and offset in elements; a tensor
 *                                       without a storage has no elements; names are for people
 *    "packed": [{"key": "0123...", "kernel": "gemm_f32", "isa": "avx2", "version": 1,
 *                "offset": 0, "bytes": 64}]}    weights as a kernel wants them (libcore/packs.h);
 *                                       optional: whoever cannot use one packs again
 *
 * Text section: the strings of the program, each followed by a NUL.
 *
 * Program section: words of 4 bytes; `x?` stands for 0 (none) or 1 + x; string: number of a string.
 *   counts of   strings, types, names, operators, classes, positions, functions, constants,
 *               objects, containers; then the root's object number
 *   strings     bytes, each
 *   types       kind, class, n, n type numbers below its own
 *   names       string
 *   operators   name string, overload string?, count
 *   classes     qualname string; flags (1 module, 2 interface, 4 named tuple, 8 enum, 16 has
 *               defaults); n, n x (name string, type); n, n functions; n, n strings (parameters);
 *               n, n strings (buffers); one value per attribute where it has defaults
 *   positions   from number 1 on: file string?, line, source file string?, source line, source
 *               text string?
 *   functions   name string, qualname string; flags (1 method, 2 has register names); n, n x
 *               parameter (name string, type, 0 | 1 and a value); return type; registers;
 *               n, n x instruction (op | results << 8 | arguments << 16, named arguments, out,
 *               arg, a, b, position); n, n x block (first, n); n, n operands; one string? per
 *               register where it has names
 *   constants   value
 *   objects     class, one value per attribute
 *   containers  lists and tuples: 0, element tag, n, 0 | 1 and n strings (field names), n values;
 *               dicts: 1, n, n x (key, value). They hold only containers of lower numbers.
 *   value       tag (enum ptm_tag); then nothing for None and uninitialized, one word for bool,
 *               str (string), Tensor (number in the header), List, Tuple, Dict (container),
 *               object (its number); two words, the low one first, for int and float (its bits)
 *
 * Entries section (libcore/saved.h), a cache: a call that an entry was made for runs without being
 * specialised. Long: two words, the low one first; type: dtype | rank << 8, rank longs (dims).
 *   version     long: a sum of the table of operators; entries of another version are not used
 *   n, n constants
 *       tensor  0, tensor, 1 for data that the program has not, name string?
 *       view    1, constant (2 or 3), long element offset, type, rank longs (strides), name string?
 *       of op   2, type, n, n constants?, operator, n, n longs (attributes)
 *       scaled  3, type, n, n constants? (weights, factors), longs div and step, 0 | 1 (second):
 *               each element times the factor of its channel, in double (libcore/derived.h)
 *   n, n pieces
 *       long nodes, long multiply-adds before the passes; n, n hits of the passes; n, n items; n, n
 *       outputs (values). Items make the graph's values in their order:
 *       argument    0, type
 *       constant    1, constant
 *       node        2, operator, n, n operands (values; ffffffff: absent), n, n x (0 and a long |
 *                   1 and the value of a scalar, as a long), n, n x site (path string?, operator
 *                   string?, file string?, line)
 *       scalar      3, 0 int | 1 float
 *   n, n entries
 *       function of the method; n, n x (1 when a guard binds it, type) bindings; n, n scalars
 *       (expression | float << 8, a, b, long value); n, n guards (0, slot, tree | 1, scalar,
 *       comparison, value); n, n steps (piece, first output, a binding per input, a scalar per
 *       scalar of the graph); n, n effects (1, slot, tree | 0, from, to); tree of the result
 *       slot        object?, argument or attribute
 *       tree        kind (enum ptm_tree_kind); known: value, long path; tensor: binding, type,
 *                   strides, long offset, base type, long bytes of the storage; constant: 1 when
 *                   it is of the heap, tensor; symbol: scalar, float, long path; object: number;
 *                   new object: class, n, n trees; list, tuple, dict: element tag, n, n
 *                   trees; behind a tuple 0 | 1 and n strings (field names)
 *
 * Batch norm folded into convolutions makes new weights: writing them would nearly double a file.
 * So a constant that passes made of others is written as how it was made (2, 3) and made again when
 * the entry is first used, with the same bits; only factors and biases are data. What cannot be
 * said so (tables that the program computes while it is specialised) is data; where entries would
 * add more than a tenth to the program and 64 kB, the last ones are left out. A closed file has no
 * program and all constants as data.
 */
#ifndef PTM_FORMATS_PTM_LAYOUT_H
#define PTM_FORMATS_PTM_LAYOUT_H

#define PTM_FILE_MAGIC "\x89PTM\r\n\x1a\n"

enum {
    PTM_FILE_VERSION = 1,
    PTM_FILE_FIXED = 32, /* bytes before the JSON header */
    PTM_FILE_ALIGN = 64,
    PTM_FILE_SLACK = 16, /* bytes after the last storage */

    PTM_FILE_CLASS_MODULE = 1,
    PTM_FILE_CLASS_INTERFACE = 2,
    PTM_FILE_CLASS_NAMEDTUPLE = 4,
    PTM_FILE_CLASS_ENUM = 8,
    PTM_FILE_CLASS_DEFAULTS = 16,

    PTM_FILE_FN_METHOD = 1,
    PTM_FILE_FN_REG_NAMES = 2,

    PTM_FILE_INST_WORDS = 7,
    PTM_FILE_POS_WORDS = 5,

    PTM_FILE_LIST = 0,
    PTM_FILE_DICT = 1,

    PTM_FILE_CONST_TENSOR = 0,
    PTM_FILE_CONST_VIEW = 1,
    PTM_FILE_CONST_OP = 2,
    PTM_FILE_CONST_SCALED = 3,
};

/* Limits of what is read, beside those that the file's size sets. */
#define PTM_FILE_MAX_HEADER ((uint32_t)64 << 20)
#define PTM_FILE_MAX_PACKS ((uint32_t)1 << 14)
#define PTM_FILE_MAX_KEYED ((size_t)64 << 10) /* of entries' own data that is compared by content */
#define PTM_FILE_MAX_REGS ((uint32_t)1 << 22)
#define PTM_FILE_MAX_UNPACKED ((uint64_t)256 << 20) /* by zstd in all; and 1000 x the file */

#endif
