/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the reference kernels. One more kernel: a name in ref_ops.h, a
 * function ptm_ref_<op> in ref_<family>.c, cases in tests/kernels/make_cases.py.
 */
#include "kernels/ref_ops.h"

#include <string.h>

static const struct {
    const char *name;
    ptm_ref_fn *fn;
} table[] = {
#define ROW(op) {#op, ptm_ref_##op},
    PTM_REF_OPS(ROW)
#undef ROW
};

ptm_ref_fn *ptm_ref_find(const char *op_name)
{
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (strcmp(table[k].name, op_name) == 0)
            return table[k].fn;
    return NULL;
}
