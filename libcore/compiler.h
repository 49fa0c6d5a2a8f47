/* SPDX-License-Identifier: BSD-2-Clause */
/* The only place for compiler extensions outside kernels/, and the functions
 * nobody may call. */
#ifndef PTM_LIBCORE_COMPILER_H
#define PTM_LIBCORE_COMPILER_H

#if defined(__GNUC__)
#define PTM_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define PTM_WARN_UNUSED __attribute__((warn_unused_result))
#define PTM_API __attribute__((visibility("default")))
#else
#define PTM_PRINTF(f, a)
#define PTM_WARN_UNUSED
#define PTM_API
#endif

#define PTM_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
