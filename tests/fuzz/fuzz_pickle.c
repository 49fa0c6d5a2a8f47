/* SPDX-License-Identifier: BSD-2-Clause */
/* Pickles, as data.pkl of an archive with a class of each kind and two storages. */
#include "tests/fuzz/ts_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char code[] =
    "class M(Module):\n  __parameters__ = [\"a\", ]\n  __buffers__ = []\n  a : Any\n"
    "  b : List[int]\n"
    "  c : Optional[__torch__.P]\n  d : Dict[str, __torch__.E]\n  __annotations__[\"0\"] = Any\n"
    "class P(NamedTuple):\n  x : Tensor\n  y : int\n"
    "class E(Enum):\n  RED = 1\n  GREEN = 2\n"
    "class S:\n  a : Any\n  def __setstate__(self, state: Tuple[Any, Any]) -> NoneType:\n"
    "    a, b, = state\n    self.a = (b)[0]\n    return None\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct zip_maker z;
    static const uint8_t storage[64];
    if (n > TS_MAX_INPUT)
        return 0;
    z = (struct zip_maker){0};
    add_member(&z, "m/data.pkl", data, n);
    add_member(&z, "m/code/__torch__.py", code, sizeof code - 1);
    add_member(&z, "m/data/0", storage, sizeof storage);
    add_member(&z, "m/data/1", storage, 4);
    zm_finish(&z);
    load_archive(z.buf, z.n);
    return 0;
}
