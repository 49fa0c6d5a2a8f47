/* SPDX-License-Identifier: BSD-2-Clause */
/* The strict JSON reader: what it takes, and what it refuses at which byte. */
#include "formats/json.h"

#include "tests/unit/test.h"

/* Skips the whole text as one value. */
static void check_skip(const char *text, const char *wrong, size_t at, int line)
{
    struct ptm_json j;
    ptm_json_init(&j, text, strlen(text));
    ptm_json_skip(&j);
    ptm_json_end(&j);
    bool ok = wrong ? j.wrong && !strcmp(j.wrong, wrong) && j.at == at : !j.wrong;
    if (!test_result(ok, __FILE__, line))
        printf("%s: '%s' at %zu\n", text, j.wrong ? j.wrong : "", j.at);
}
#define GOOD(text) check_skip(text, NULL, 0, __LINE__)
#define BAD(text, wrong, at) check_skip(text, wrong, at, __LINE__)

static void test_values(void)
{
    GOOD("0");
    GOOD(" [ ] ");
    GOOD("{}");
    GOOD("[[], {}, [{}], \"\", null, true, false, -0.5e+10, 1E3]");
    GOOD("{\"a\": {\"b\": [1, 2, {\"c\": []}]}, \"d\": 1}");
    GOOD("\"\\u0041\\ud83d\\ude00\\n\\\"\\/\"");
    BAD("", "a value is expected", 0);
    BAD("[1,]", "a value is expected", 3);
    BAD("[,1]", "a value is expected", 1);
    BAD("[1 2]", "a comma is missing", 3);
    BAD("{\"a\" 1}", "a colon is missing", 5);
    BAD("{\"a\": 1,}", "a string is expected", 8);
    BAD("{a: 1}", "a string is expected", 1);
    BAD("[1}", "a comma is missing", 2);
    BAD("[1", "a comma is missing", 2);
    BAD("\"a", "a string without an end", 2);
    BAD("\"a\nb\"", "a string without an end", 2);
    BAD("\"\\x\"", "an unknown escape", 2);
    BAD("\"\\u12g4\"", "a malformed \\u", 5);
    BAD("\"\\ud800\"", "a \\u that is no character", 7);
    BAD("\"\\ud800\\u0041\"", "a \\u that is no character", 13);
    BAD("\"\\u0000\"", "a \\u that is no character", 7);
    BAD("1.", "a malformed number", 2);
    BAD("1e", "a malformed number", 2);
    BAD("-", "a malformed number", 1);
    BAD("01", "something follows the end", 1);
    BAD("tru", "a value is expected", 0);
    BAD("NaN", "a value is expected", 0);
    BAD("1 2", "something follows the end", 2);
    char deep[80];
    memset(deep, '[', 40);
    deep[40] = '\0';
    BAD(deep, "values nest too deeply", 33);
    memset(deep, '[', PTM_JSON_DEPTH);
    memset(deep + PTM_JSON_DEPTH, ']', PTM_JSON_DEPTH);
    deep[2 * PTM_JSON_DEPTH] = '\0';
    GOOD(deep);
}

static int64_t one_int(const char *text, int64_t min, int64_t max, const char **wrong)
{
    struct ptm_json j;
    ptm_json_init(&j, text, strlen(text));
    int64_t v = ptm_json_int(&j, min, max);
    ptm_json_end(&j);
    *wrong = j.wrong;
    return v;
}

static void test_ints(void)
{
    const char *wrong;
    CHECK_INT(one_int("0", 0, 9, &wrong), 0);
    CHECK(!wrong);
    CHECK_INT(one_int("-12", -99, 9, &wrong), -12);
    CHECK(!wrong);
    CHECK_INT(one_int("9007199254740993", 0, INT64_MAX, &wrong), INT64_C(9007199254740993));
    CHECK(!wrong);
    one_int("10", 0, 9, &wrong);
    CHECK_STR(wrong, "a number out of range");
    one_int("99999999999999999999", 0, INT64_MAX, &wrong);
    CHECK_STR(wrong, "a number out of range");
    one_int("1.0", 0, 9, &wrong);
    CHECK_STR(wrong, "an integer is expected");
    one_int("1e1", 0, 99, &wrong);
    CHECK_STR(wrong, "an integer is expected");
    one_int("01", 0, 9, &wrong);
    CHECK_STR(wrong, "an integer is expected");
    one_int("\"1\"", 0, 9, &wrong);
    CHECK_STR(wrong, "an integer is expected");
}

static void test_fields(void)
{
    static const char text[] = "{\"x\": [1, {\"b\": 2}], \"b\": [3, 4, 5], \"a\": \"t\\u00e9\"}";
    static const char *const names[] = {"a", "b"};
    struct ptm_arena arena = {0};
    struct ptm_json j;
    uint32_t seen = 0;
    int64_t sum = 0;
    const char *a = NULL;
    ptm_json_init(&j, text, sizeof text - 1);
    ptm_json_object(&j);
    for (int f; (f = ptm_json_field(&j, names, 2, &seen)) >= 0;) {
        if (f == 0) {
            a = ptm_json_str(&j, &arena, 10);
            continue;
        }
        ptm_json_array(&j);
        while (ptm_json_item(&j))
            sum += ptm_json_int(&j, 0, 9);
    }
    CHECK(ptm_json_end(&j));
    CHECK_INT(sum, 12);
    CHECK_INT(seen, 3);
    CHECK_STR(a, "t\xc3\xa9");
    ptm_json_init(&j, "\"abc\"", 5);
    CHECK(!ptm_json_str(&j, &arena, 2));
    CHECK_STR(j.wrong, "a string that is too long");
    ptm_json_init(&j, "{\"a\": 1, \"a\": 2}", 16);
    seen = 0;
    ptm_json_object(&j);
    CHECK_INT(ptm_json_field(&j, names, 2, &seen), 0);
    CHECK_INT(ptm_json_int(&j, 0, 9), 1);
    CHECK_INT(ptm_json_field(&j, names, 2, &seen), -1);
    CHECK_STR(j.wrong, "a member comes twice");
    ptm_arena_release(&arena);
}

int main(void)
{
    test_values();
    test_ints();
    test_fields();
    TEST_END;
}
