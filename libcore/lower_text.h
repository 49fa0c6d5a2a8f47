/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as text, the way TorchScript's str(), format() and print() write them. */
#ifndef PTM_LIBCORE_LOWER_TEXT_H
#define PTM_LIBCORE_LOWER_TEXT_H

#include "libcore/trace.h"

/* Bytes that grow, in an arena. */
enum { PTM_MAX_STR = 1 << 26 }; /* bytes of a string that an operator makes */

struct ptm_text {
    struct ptm_trace *t;
    char *s;
    size_t n, cap;
};
void ptm_text_add(struct ptm_text *b, const char *s, size_t n);
void ptm_text_value(struct ptm_text *b, struct ptm_ival v); /* strings without quotes */
struct ptm_ival ptm_text_str(struct ptm_text *b);           /* a str value */

/* str(v). Symbols become known. */
struct ptm_ival ptm_value_str(struct ptm_trace *t, struct ptm_ival v);

/* Python's == on values of any kind; a symbol is compared and guarded, tensors by aten::equal. */
bool ptm_value_equal(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b);
/* < 0, 0, > 0; numbers, strings, and tuples of them. Fails on others. */
int ptm_value_order(struct ptm_trace *t, struct ptm_ival a, struct ptm_ival b);

#endif
