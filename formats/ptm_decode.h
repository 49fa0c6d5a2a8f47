/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of reading .ptm files: from the sections of formats/ptm_layout.h to a program. */
#ifndef PTM_FORMATS_PTM_DECODE_H
#define PTM_FORMATS_PTM_DECODE_H

#include "libcore/program.h"
#include "libcore/reader.h"

struct ptm_decoder {
    struct ptm_program *p; /* everything is made in its arena */
    struct ptm_arena *arena;
    struct ptm_err *err;
    struct ptm_reader r;        /* the section at work */
    const char *section;        /* its name */
    const uint8_t *text;        /* the text section */
    size_t n_text;
    struct ptm_tensor **tensor; /* from the JSON header */
    uint32_t n_tensors;
    uint64_t may_make;          /* bytes of constants that entries derive */
    /* made here */
    struct ptm_str *string;
    uint32_t n_strings;
    struct ptm_object *object;
    struct ptm_container {
        bool used, dict;
        uint8_t depth; /* of what it holds */
        uint32_t size; /* values in it, in what it holds, ... */
        union {
            struct ptm_list list;
            struct ptm_dict dict;
        } u;
    } *container;
    uint32_t n_containers;
};
enum ptm_status ptm_decode(struct ptm_decoder *d) PTM_WARN_UNUSED;
/* The entries section, in d->r, after the program: d->p->saved, checked. Entries of another version
 * are left alone, unless the program is closed. */
struct ptm_recipe;
enum ptm_status ptm_decode_entries(struct ptm_decoder *d,
                                   const struct ptm_recipe *recipe) PTM_WARN_UNUSED;

enum ptm_status ptm_decode_no_memory(struct ptm_decoder *d);
enum ptm_status ptm_decode_fail(struct ptm_decoder *d, const char *what, uint64_t is, uint64_t of);
/* A number below n. */
enum ptm_status ptm_decode_below(struct ptm_decoder *d, const char *what, uint32_t n,
                                 uint32_t *out) PTM_WARN_UNUSED;
/* A count of things that take at least `words` words each. */
enum ptm_status ptm_decode_count(struct ptm_decoder *d, const char *what, uint32_t words,
                                 uint32_t *out) PTM_WARN_UNUSED;
/* *out: n zeroed elements; NULL where n is 0. */
enum ptm_status ptm_decode_array(struct ptm_decoder *d, void *out, uint32_t n,
                                 size_t size) PTM_WARN_UNUSED;
enum ptm_status ptm_decode_string(struct ptm_decoder *d, const char **out) PTM_WARN_UNUSED;
enum ptm_status ptm_decode_string_or_none(struct ptm_decoder *d,
                                          const char **out) PTM_WARN_UNUSED;
/* Containers below `limit` may stand here. */
enum ptm_status ptm_decode_value(struct ptm_decoder *d, uint32_t limit,
                                 struct ptm_ival *out) PTM_WARN_UNUSED;

#endif
