/* SPDX-License-Identifier: BSD-2-Clause */
/* Picks kernels: kernels.def's rows in order, each allowed one overwrites the weaker before it. */
#include "kernels/kernel.h"

#if defined(__x86_64__)
#define PTM_X86 PTM_KERNEL
#else
#define PTM_X86(...)
#endif
#if defined(__aarch64__)
#define PTM_ARM PTM_KERNEL
#else
#define PTM_ARM(...)
#endif

#define PTM_KERNEL(op, isa, needs, contract, tile) PTM_DECL_##op(ptm_##op##_##isa);
#include "kernels/kernels.def"
#undef PTM_KERNEL

#define TILE(vl, vectors, r1, r2, r3, r4) {vl, vectors, {r1, r2, r3, r4}}
static const struct ptm_kernel_info rows[] = {
#define PTM_KERNEL(op, isa, needs, contract, tile) {#op, #isa, needs, contract, tile},
#include "kernels/kernels.def"
#undef PTM_KERNEL
};

const struct ptm_kernel_info *ptm_kernel_row(size_t n)
{
    return n < sizeof(rows) / sizeof(*rows) ? &rows[n] : NULL;
}

void ptm_kernels_init(struct ptm_kernels *k, uint32_t flags)
{
    const struct ptm_kernel_info *row = rows;
    flags |= PTM_CPU_C;
#define PTM_KERNEL(name, isa, need, contract, tile)                                                \
    if ((flags & (need)) == (need)) {                                                              \
        k->name = ptm_##name##_##isa;                                                              \
        k->info[PTM_KERNEL_##name] = row;                                                          \
    }                                                                                              \
    row++;
#include "kernels/kernels.def"
#undef PTM_KERNEL
}
