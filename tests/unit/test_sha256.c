/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256: the vectors of FIPS 180-4, and lengths around the padding's edges (from sha256sum). */
#include "libcore/sha256.h"

#include <stdlib.h>

#include "tests/unit/test.h"

int main(void)
{
    static const struct {
        size_t n; /* times 'a' */
        const char *sum;
    } rows[] = {
        {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
        {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
        {119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
        {120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"},
        {1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    char out[65], *as = malloc(1000000);
    ptm_sha256("abc", 3, out);
    CHECK_STR(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ptm_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
    CHECK_STR(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(as);
    if (as)
        memset(as, 'a', 1000000);
    for (size_t i = 0; as && i < sizeof(rows) / sizeof(*rows); i++) {
        ptm_sha256(as, rows[i].n, out);
        CHECK_STR(out, rows[i].sum);
    }
    free(as);
    TEST_END;
}
