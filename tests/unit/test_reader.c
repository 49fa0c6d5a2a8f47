/* SPDX-License-Identifier: BSD-2-Clause */
/* libcore/reader.c: values, and the failure that sticks. */
#include "libcore/reader.h"

#include "tests/unit/test.h"

int main(void)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x80};
    struct ptm_reader r;
    ptm_reader_init(&r, bytes, sizeof(bytes));
    CHECK_INT(ptm_read_u8(&r), 1);
    CHECK_INT(ptm_read_u16(&r), 0x0302);
    CHECK_INT(ptm_read_u32(&r), 0x07060504);
    CHECK(ptm_read_u64(&r) == 0x0f0e0d0c0b0a0908u);
    CHECK_INT(ptm_read_u8(&r), 0x80);
    CHECK(ptm_read_bytes(&r, 0) == bytes + sizeof(bytes));
    CHECK(!r.failed);
    CHECK_INT(ptm_read_u8(&r), 0);
    CHECK(r.failed && r.failed_at == 16);

    /* nothing works any more, and the place of the first failure stays */
    CHECK(!ptm_reader_seek(&r, 0));
    CHECK_INT(ptm_read_u32(&r), 0);
    CHECK(!ptm_read_bytes(&r, 0));
    CHECK_INT(r.failed_at, 16);

    ptm_reader_init(&r, bytes, sizeof(bytes));
    CHECK(ptm_reader_seek(&r, 14));
    CHECK_INT(ptm_read_u32(&r), 0); /* a short read gives zero, not half a value */
    CHECK(r.failed && r.failed_at == 14);

    ptm_reader_init(&r, bytes, sizeof(bytes));
    CHECK(ptm_read_bytes(&r, 4) == bytes);
    CHECK(!ptm_read_bytes(&r, SIZE_MAX));
    CHECK_INT(r.failed_at, 4);

    ptm_reader_init(&r, bytes, sizeof(bytes));
    CHECK(ptm_reader_seek(&r, 16));
    CHECK(!ptm_reader_seek(&r, 17));
    CHECK(r.failed && r.failed_at == 17);

    ptm_reader_init(&r, NULL, 0);
    CHECK(!ptm_read_u64(&r) && r.failed && r.failed_at == 0);
    TEST_END;
}
