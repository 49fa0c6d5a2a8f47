/* SPDX-License-Identifier: BSD-2-Clause */
/* A session, inside: its copy of the heap, entries, pieces, state. */
#ifndef PTM_LIBCORE_SESSION_H
#define PTM_LIBCORE_SESSION_H

#include "libcore/model.h"
#include "libcore/specialise.h"

enum { PTM_MAX_ENTRIES = 16 };

/* Why a scalar at some path (argument or attribute, then indices) changes. */
struct ptm_scalar_path {
    uint64_t path;
    uint32_t misses;
    bool pinned; /* was needed as a number: never a symbol again */
};

/* A slot's present value, and the one before, whose memory the next will use. */
struct ptm_slot_value {
    struct ptm_owned now, next;
};

/* Which overloads the operators of a program turned out to be: one per place and overload, in the
 * order of their first call. For selective builds. */
struct ptm_op_note {
    const struct ptm_inst *inst;
    const char *overload; /* "" for the one without a name */
    struct ptm_op_note *next; /* of the same place */
};
struct ptm_op_notes {
    struct ptm_arena arena;
    struct ptm_pmap by_inst; /* the first of a place */
};

struct ptm_session {
    const struct ptm_model *model;
    struct ptm_op_notes *notes; /* filled by calls that specialise or interpret; NULL: not wanted */
    struct ptm_config config;
    const struct ptm_backend *backend[2]; /* asked in this order */
    size_t n_backends;
    struct pthreadpool *threads;
    struct ptm_arena arena;      /* the heap's copy, paths */
    struct ptm_object **object;  /* by id; object[i]->real is NULL */
    bool **slot_state;           /* per object, per attribute: may change between calls */
    struct ptm_slot_value **slot_value; /* flat, per slot: what calls wrote; NULL: the heap's */
    struct ptm_pmap storages;    /* the model's storages -> the copies */
    struct ptm_pmap derived;     /* constants made of others -> data */
    uint32_t *slot_base;         /* per object: first slot number */
    uint32_t n_slots;
    const char **path;           /* module path of each object */
    struct ptm_object *root;
    struct ptm_ival *constant;   /* the program's constants, session's own storages */
    struct ptm_entry *entry[PTM_MAX_ENTRIES];
    size_t n_entries;
    struct ptm_piece *pieces;
    struct ptm_scalar_path *scalar_path;
    size_t n_paths, cap_paths;
    struct ptm_owned result, next_result; /* the last call's; of the call before, to be reused */
    struct ptm_storage_pool pool;
    struct ptm_exec exec;
    struct ptm_events events;    /* of the last run that was recorded */
    struct ptm_ival *bound_args; /* of the call at work */
    size_t cap_bound_args;
    struct ptm_trace *trace;     /* a specialisation at work */
    struct ptm_frame frame;      /* of the call at work */
    struct ptm_entry *building;
    struct ptm_session_stats stats;
    char churn[200];
    char warnings[4][400]; /* texts of ptm_trace_warn, once each; the command prints them */
    size_t n_warnings;
    uint64_t clock;
    const struct ptm_entry *last; /* the entry of the last run; NULL when interpreted */
};

/* Scalar at `path`: may it be a symbol? NULL: no memory. */
struct ptm_scalar_path *ptm_session_path(struct ptm_session *s, uint64_t path);
bool ptm_session_slot_is_state(const struct ptm_session *s, const struct ptm_object *o,
                               uint32_t attr);
/* specialise.c: traces one call; on success the entry is complete and its steps ran up to
 * frame->steps_done. */
typedef enum ptm_status ptm_specialise_fn(struct ptm_session *s, uint32_t fn,
                                          const struct ptm_ival *args, size_t n_args,
                                          struct ptm_entry *entry, struct ptm_frame *frame,
                                          bool *keep, struct ptm_err *err) PTM_WARN_UNUSED;
ptm_specialise_fn ptm_specialise;
/* What sessions call: ptm_specialise, which brings the interpreter, the lowerings and the passes
 * with it. A build for closed files alone (ptm strip-unused-ops --build) links another
 * specialiser.c, and none of these. */
extern ptm_specialise_fn *const ptm_specialiser;
/* Makes everything that the entry writes state. True when something was not before: entries that
 * relied on it are dropped. */
bool ptm_session_flip(struct ptm_session *s, const struct ptm_entry *e);
void ptm_entry_reset(struct ptm_entry *e); /* empty again, same method */
void ptm_entry_free(struct ptm_session *s, struct ptm_entry *e);
/* Tells what makes the call miss the entry: "input 0 ('x') is f32[1, 3], it was made for f32[1,
 * 4]"; "" when nothing does, and memory was out. Returns how many guards held before. The frame is
 * to be reset. */
size_t ptm_entry_miss(struct ptm_session *s, const struct ptm_entry *e,
                      const struct ptm_ival *args, size_t n_args, char *buf, size_t n);
/* Plans the piece, whose graphs are made, and keeps it; NULL: failed, and the piece is freed. */
struct ptm_piece *ptm_piece_add(struct ptm_session *s, struct ptm_piece *p, struct ptm_err *err);
struct ptm_piece *ptm_piece_find(struct ptm_session *s, const struct ptm_graph *g,
                                 struct ptm_arena *graph_arena, struct ptm_err *err);

#endif
