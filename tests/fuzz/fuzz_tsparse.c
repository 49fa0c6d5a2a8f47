/* SPDX-License-Identifier: BSD-2-Clause */
/* TorchScript source, as code/__torch__.py of an archive whose module is its class M. */
#include "tests/fuzz/ts_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct zip_maker z;
    static const char module[] = "\x80\x02" "c__torch__\nM\n)\x81}b.";
    static const char constants[] = "\x80\x02(K\x01X\x01\0\0\0aNt.";
    if (n > TS_MAX_INPUT)
        return 0;
    z = (struct zip_maker){0};
    add_member(&z, "m/data.pkl", module, sizeof module - 1);
    add_member(&z, "m/constants.pkl", constants, sizeof constants - 1);
    add_member(&z, "m/code/__torch__.py", data, n);
    zm_finish(&z);
    load_archive(z.buf, z.n);
    return 0;
}
