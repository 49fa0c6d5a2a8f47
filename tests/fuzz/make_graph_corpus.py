#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpus of fuzz_graph, tests/fuzz/corpus/graph/: the graphs of tests/ir/*.txt and
one small graph per operator, from tests/ir/infer.cases.

    python3 tests/fuzz/make_graph_corpus.py       (from the top folder)
"""
import glob
import os
import re

OUT = 'tests/fuzz/corpus/graph'
os.makedirs(OUT, exist_ok=True)


def write(name, lines):
    with open(os.path.join(OUT, name), 'w') as f:
        f.write('\n'.join(lines) + '\n')


for path in sorted(glob.glob('tests/ir/*.txt')):
    groups = re.split(r'\n\n+', '\n'.join(s for s in open(path).read().split('\n')
                                         if not s.startswith('//')))
    for i, group in enumerate(g for g in groups if '\n--' in g):
        lines = group.strip().split('\n')
        stem = os.path.basename(path)[:-4]
        write('%s-%02d' % (stem, i), lines[1:lines.index('--')])

seen = set()
for row in open('tests/ir/infer.cases'):
    found = re.match(r'(\w+)\((.*?)\)(.*) -> (.*)', row)
    if not found or found[4] == 'error' or found[1] in seen:
        continue
    seen.add(found[1])
    types = re.findall(r'_|\w+\[.*?\]', found[2])
    lines, operands = [], []
    for t in types:
        operands.append('_' if t == '_' else '%%%d' % len(lines))
        if t != '_':
            lines.append('%%%d: %s = arg' % (len(lines), t))
    results = ['%%%d' % (len(lines) + i) for i in range(len(re.findall(r'\[', found[4])))]
    lines.append('%s = %s(%s)%s' % (', '.join(results), found[1], ', '.join(operands), found[3]))
    write('op-' + found[1], lines + ['return ' + ', '.join(results)])
