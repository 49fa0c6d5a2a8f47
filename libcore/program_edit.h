/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to a loaded program, in place: before any session is opened on it. */
#ifndef PTM_LIBCORE_PROGRAM_EDIT_H
#define PTM_LIBCORE_PROGRAM_EDIT_H

#include "libcore/program.h"

/* Module.eval(): `training` of every module becomes False. Returns how many were True; *modules:
 * how many have the attribute. */
uint32_t ptm_program_eval(struct ptm_program *p, uint32_t *modules);

/* Drops what no method of the root reaches: functions, classes, types, objects, constants, names,
 * operators, positions. keep NULL: all methods of the root stay; else only these, and what they
 * call. An operator's count becomes the number of places that are left. */
enum ptm_status ptm_program_prune(struct ptm_program *p, const char *const *keep, size_t n_keep,
                                  struct ptm_err *err) PTM_WARN_UNUSED;

/* program_fold.c: branches on what is known go (constants, attributes of modules that no code
 * assigns), then instructions whose results nobody reads. *changed: functions that did. */
enum ptm_status ptm_program_fold(struct ptm_program *p, uint32_t *changed,
                                 struct ptm_err *err) PTM_WARN_UNUSED;
/* All of it, until nothing is left to do: folds, prunes, and drops attributes of modules that hold
 * tensors or modules and that no code names. The methods in `keep` compute what they did. */
enum ptm_status ptm_program_shrink(struct ptm_program *p, const char *const *keep, size_t n_keep,
                                   struct ptm_err *err) PTM_WARN_UNUSED;

/* program_attrs.c: drops attributes of modules. keep[c][i]: attribute i of class c stays; classes
 * that are no modules keep all of theirs. Slots of saved entries are renumbered. */
enum ptm_status ptm_program_drop_attrs(struct ptm_program *p, bool *const *keep,
                                       struct ptm_err *err) PTM_WARN_UNUSED;
/* Leaves what p->saved needs: methods that entries are of, without code, and the attributes that
 * entries read or write. Sessions on p can no longer run. */
enum ptm_status ptm_program_close(struct ptm_program *p, struct ptm_err *err) PTM_WARN_UNUSED;

#endif
