/* SPDX-License-Identifier: BSD-2-Clause */
/* TorchScript archives, whole. */
#include "tests/fuzz/ts_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    load_archive(data, n);
    return 0;
}
