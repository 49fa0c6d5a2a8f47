/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries that a model's file brings along, as a cache: calls that were specialised, with the
 * graphs that the file's passes made. They are the model's, not a session's: slots and trees name
 * the program's objects and tensors, steps name pieces that only have a graph. A session translates
 * the entries when it opens and plans a piece when the first call needs it.
 */
#ifndef PTM_LIBCORE_SAVED_H
#define PTM_LIBCORE_SAVED_H

#include "libcore/specialise.h"

struct ptm_recipe;
struct ptm_saved {
    const struct ptm_recipe *recipe; /* that made the graphs; NULL: none */
    struct ptm_entry *entry;
    size_t n_entries;
    struct ptm_piece *piece; /* graph, given_nodes, given_macs and hits only */
    size_t n_pieces;
};

/* What the session has now, in p->saved: entries in p's arena; graphs, constants and strings stay
 * the session's, which must be open until the program is written. p is the session's model's.
 * Entries that rely on what a file cannot say are left out. */
enum ptm_status ptm_saved_export(const struct ptm_session *s, struct ptm_program *p,
                                 struct ptm_err *err) PTM_WARN_UNUSED;
/* The model's entries, when the session runs the same passes, become the session's. */
enum ptm_status ptm_saved_import(struct ptm_session *s, struct ptm_err *err) PTM_WARN_UNUSED;
/* Plans the pieces of an entry that came from the file. */
enum ptm_status ptm_saved_plan(struct ptm_session *s, struct ptm_entry *e,
                               struct ptm_err *err) PTM_WARN_UNUSED;
/* Changes whenever entries mean something else: with the table of operators, and by hand. */
uint64_t ptm_entries_version(void);
/* Every tree of an entry, with all below it. */
void ptm_entry_each_tree(struct ptm_entry *e, void (*visit)(struct ptm_tree *, void *), void *ctx);

#endif
