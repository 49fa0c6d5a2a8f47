/* SPDX-License-Identifier: BSD-2-Clause */
/* The zoo: its table, the bits of its weights (those of bench/zoo/weights.py), seeds, no memory. */
#include "tests/unit/test.h"

#include "bench/zoo.h"
#include "libcore/model.h"

/* The tensor root.module.name. */
static const float *weights(const struct ptm_model *m, const char *module, const char *name)
{
    const struct ptm_object *o = m->program.root;
    o = o->attr[ptm_class_attr(o->cls, module)].u.object;
    return ptm_tensor_data(o->attr[ptm_class_attr(o->cls, name)].u.tensor);
}

static void check_weights(const char *name, float first, float second, float last_bias)
{
    struct ptm_model *m = NULL;
    struct ptm_err err = {0};
    CHECK_INT(zoo_open(&m, name, &err), PTM_OK);
    if (!m)
        return;
    const float *w = weights(m, "lstm", "weight_ih_l0"), *b = weights(m, "classifier", "bias");
    CHECK(w[0] == first);
    CHECK(w[1] == second);
    CHECK(b[31] == last_bias);
    CHECK_STR(m->path, name);
    CHECK(zoo_of(m) == zoo_find("lstm_small"));
    ptm_model_close(m);
}

static void check_table(void)
{
    size_t rows = 0, archives = 0;
    for (const struct zoo_archive *a = zoo_archives; a->name; a++, archives++)
        CHECK(zoo_find(a->name) != NULL);
    for (const struct zoo_model *z = zoo_models; z->name; z++, rows++)
        CHECK(zoo_find(z->name) == z);
    CHECK_INT(rows, archives);
    CHECK(zoo_is_name("zoo:x"));
    CHECK(!zoo_is_name("./zoo:x"));
    CHECK(!zoo_find("zoo:"));
    CHECK(!zoo_find("zoo:resnet"));
    CHECK(zoo_find("zoo:resnet18:3") == zoo_find("resnet18"));
}

static void check_refusals(void)
{
    static const char *const bad[] = {"zoo:",           "zoo:resnet",     "zoo:resnet18:",
                                      "zoo:resnet18:x", "zoo:resnet18:1x", "zoo:resnet18:-1",
                                      "zoo:resnet18:1000000000000000000"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ptm_model *m = NULL;
        struct ptm_err err = {0};
        CHECK_INT(zoo_open(&m, bad[i], &err), PTM_ERR_ARG);
        CHECK(!m);
    }
}

/* Each request for memory fails once. */
static void check_no_memory(void)
{
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        struct ptm_model *m = NULL;
        struct ptm_err err = {0};
        ptm_memory_fail_at(n);
        enum ptm_status st = zoo_open(&m, "zoo:lstm_small", &err);
        done = ptm_memory_fail_at(0) > 0;
        CHECK_INT(st, done ? PTM_OK : PTM_ERR_MEMORY);
        CHECK(st ? !m : m != NULL);
        ptm_model_close(m);
    }
    CHECK(done);
}

int main(void)
{
    check_table();
    check_weights("zoo:lstm_small", -0x1.f9a0acp-4f, -0x1.7040e8p-6f, -0x1.6b49fcp-4f);
    check_weights("zoo:lstm_small:7", 0x1.75a6acp-3f, -0x1.7b44fap-4f, 0x1.bb205p-5f);
    check_refusals();
    check_no_memory();
    TEST_END;
}
