/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of this build can specialise: alone in its file, so that another build can do without. */
#include "libcore/session.h"

ptm_specialise_fn *const ptm_specialiser = ptm_specialise;
