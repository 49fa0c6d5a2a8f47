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
    struct ptm_reader r;        /* the program section */
    const uint8_t *text;        /* the text section */
    size_t n_text;
    struct ptm_tensor **tensor; /* from the JSON header */
    uint32_t n_tensors;
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

#endif
