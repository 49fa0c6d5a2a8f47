/* SPDX-License-Identifier: BSD-2-Clause */
/* TorchScript archives, whole: loaded, and every method run. */
#include "tests/fuzz/run_model.h"
#include "tests/fuzz/ts_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    run_model(data, n, find_torchscript, NULL);
    return 0;
}
