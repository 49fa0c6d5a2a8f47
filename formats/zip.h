/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zip archives over borrowed bytes: stored members are used in place, deflated ones are unpacked
 * into an arena. Everything structural is checked by ptm_zip_open: member data lies inside the
 * bytes, no two members overlap or share a name, nothing is encrypted.
 *
 *     struct ptm_zip z;
 *     PTM_TRY(ptm_zip_open(&z, &arena, bytes, n, err));
 *     const struct ptm_zip_member *m = ptm_zip_member(&z, "data.pkl");   (NULL: none)
 *     PTM_TRY(ptm_zip_read(&arena, m, 0, true, &data, &n_data, err));
 */
#ifndef PTM_FORMATS_ZIP_H
#define PTM_FORMATS_ZIP_H

#include "libcore/arena.h"
#include "libcore/ptm.h"

enum { PTM_ZIP_STORED = 0, PTM_ZIP_DEFLATED = 8 };
#define PTM_ZIP_MAX_MEMBERS ((size_t)1 << 20)
#define PTM_ZIP_MAX_UNPACKED ((size_t)64 << 20) /* what ptm_zip_read's limit 0 means */

struct ptm_zip_member {
    const char *name;     /* the whole name, root folder included; NUL added, none inside */
    size_t name_len;
    const uint8_t *data;  /* borrowed from the archive: the contents, if stored */
    size_t packed_bytes;  /* of `data` */
    size_t bytes;         /* of the contents; for stored members equal to packed_bytes */
    uint32_t crc;         /* of the contents, as the directory says; not checked by open */
    uint16_t method;      /* PTM_ZIP_STORED or PTM_ZIP_DEFLATED */
};

struct ptm_zip {
    const uint8_t *bytes; /* borrowed */
    size_t n_bytes;
    struct ptm_zip_member *member; /* in the central directory's order */
    size_t n_members;
    const char *root;     /* "resnet18"; "" when the first member is in no folder */
    size_t root_len;
    const struct ptm_zip_member **by_name; /* sorted, for lookups */
};

/* Do the bytes start like a zip archive? */
bool ptm_zip_probe(const uint8_t *bytes, size_t n);

/* Reads the directory into `arena`. `bytes` is borrowed as long as the zip is used.
 * PTM_ERR_FORMAT, PTM_ERR_LIMIT, PTM_ERR_UNSUPPORTED (encryption, methods), PTM_ERR_MEMORY. */
enum ptm_status ptm_zip_open(struct ptm_zip *z, struct ptm_arena *arena, const uint8_t *bytes,
                             size_t n, struct ptm_err *err) PTM_WARN_UNUSED;

/* By whole name; NULL: none. */
const struct ptm_zip_member *ptm_zip_find(const struct ptm_zip *z, const char *name, size_t len);

/* torch's rule: everything lies in one folder, named by the first member. "" without one. */
const char *ptm_zip_root(const struct ptm_zip *z);
/* By name below the root folder: "data.pkl", "code/__torch__.py"; NULL: none. */
const struct ptm_zip_member *ptm_zip_member(const struct ptm_zip *z, const char *name);
/* The member's name below the root folder; NULL: it lies outside. */
const char *ptm_zip_relative(const struct ptm_zip *z, const struct ptm_zip_member *m);

/* The contents: stored ones in place, deflated ones unpacked into `arena` (16-aligned, one NUL
 * after the end). More than `limit` bytes to unpack (0: PTM_ZIP_MAX_UNPACKED) is PTM_ERR_LIMIT.
 * check_crc: compare the contents with the directory's sum: for code and pickles, not weights. */
enum ptm_status ptm_zip_read(struct ptm_arena *arena, const struct ptm_zip_member *m, size_t limit,
                             bool check_crc, const uint8_t **data, size_t *n, struct ptm_err *err)
    PTM_WARN_UNUSED;

#endif
