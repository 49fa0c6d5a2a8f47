/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operators on numbers, strings, lists and dicts that raise: one method of
 * prim_raises.pt each (tests/e2e/prim_cases.py makes it; results that are no
 * errors are compared by the cases of tests/e2e/prim).
 */
#include "tests/unit/test.h"

#include <string.h>

#include "formats/formats.h"
#include "libcore/ptm.h"

static const struct {
    const char *says; /* without "the model raised " */
} raises[] = {
    {"IndexError: list index 3 out of range, the list has 1"},
    {"IndexError: list index -3 out of range, the list has 1"},
    {"ValueError: '7' is not in list"},
    {"IndexError: list index 7 out of range, the list has 1"},
    {"ValueError: max() arg is an empty sequence"},
    {"IndexError: pop from empty list"},
    {"ValueError: list.remove(x): x not in list"},
    {"KeyError: z"},
    {"KeyError: 7"},
    {"KeyError: z"},
    {"IndexError: string index out of range"},
    {"ValueError: substring not found"},
    {"ValueError: invalid literal for int() with base 10: '12x'"},
    {"ValueError: invalid literal for int() with base 10: ''"},
    {"ValueError: could not convert string to float: 'abc'"},
    {"TypeError: ord() wants 1 character, found 2"},
    {"TypeError: the fill character must be exactly one character long"},
    {"ZeroDivisionError: division by zero"},
    {"RuntimeError: too few arguments for format string"},
    {"RuntimeError: too few arguments for format string"},
    {"RuntimeError: the specifier %d does not take such a value, or is not supported"},
    {"AssertionError: unwrapping null optional"},
    {"RuntimeError: a Tensor with 2 elements cannot be converted to Scalar"},
};

int main(void)
{
    struct ptm_err err = {0};
    struct ptm_model *m = NULL;
    struct ptm_session *s = NULL;
    if (ptm_model_open(&m, "tests/unit/prim_raises.pt", ptm_format_find, &err) ||
        ptm_session_open(&s, m, NULL, &err)) {
        printf("FAIL %s:%d: %s\n0 passed, 1 failed, 0 skipped\n", __FILE__, __LINE__, err.msg);
        return 1;
    }
    for (size_t i = 0; i < PTM_LEN(raises); i++) {
        char method[16], want[256];
        struct ptm_ival out;
        snprintf(method, sizeof(method), "e%zu", i);
        snprintf(want, sizeof(want), "the model raised %s", raises[i].says);
        err = (struct ptm_err){0};
        CHECK_INT(ptm_session_run(s, method, NULL, 0, &out, &err), PTM_ERR_RAISED);
        if (!strstr(err.msg, want))
            printf("%s: %s\n", method, err.msg);
        CHECK(strstr(err.msg, want) == err.msg);
    }
    ptm_session_close(s);
    ptm_model_close(m);
    TEST_END;
}
