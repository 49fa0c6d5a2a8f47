/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overloads chosen and arguments bound, for calls written as text:
 *   T tensor, N None, i3 f0.5 b1 'abc ?i ?f (symbols), [..] list, <..> tuple, {s} {i} dicts with
 *   such a key, {} empty; name=VALUE keyword. Lists of a declared element type: I[] F[] T[].
 */
#include <stdlib.h>
#include <string.h>

#include "libcore/schema.h"
#include "libcore/sym.h"
#include "tests/unit/test.h"

static struct ptm_arena arena;
static struct ptm_tensor *tensor;
static struct ptm_sym int_sym = {.mul = 1}, float_sym = {.is_float = true};

static const char *value(const char *s, struct ptm_ival *out)
{
    char *end;
    struct ptm_list *l;
    struct ptm_dict *d;
    struct ptm_ival v;
    char close;
    switch (*s++) {
    case 'T':
    case 'I':
    case 'F':
        if (*s == '[') {
            l = ptm_list_new(&arena, 0);
            l->elem = s[-1] == 'T' ? PTM_TENSOR : s[-1] == 'I' ? PTM_INT : PTM_FLOAT;
            *out = (struct ptm_ival){.tag = PTM_LIST, .u.list = l};
            return s + 2;
        }
        *out = ptm_tensor_ival(tensor);
        return s;
    case 'N':
        *out = ptm_none();
        return s;
    case 'i':
        *out = ptm_int(strtoll(s, &end, 10));
        return end;
    case 'f':
        *out = ptm_float(strtod(s, &end));
        return end;
    case 'b':
        *out = ptm_bool(*s == '1');
        return s + 1;
    case '\'':
        *out = ptm_str_ival(&arena, s, strcspn(s, " ]>"));
        return s + strcspn(s, " ]>");
    case '?':
        *out = (struct ptm_ival){.tag = PTM_SYM, .u.sym = *s == 'i' ? &int_sym : &float_sym};
        return s + 1;
    case '{':
        d = ptm_dict_new(&arena);
        if (*s == 's')
            ptm_dict_set(&arena, d, ptm_str_ival(&arena, "k", 1), ptm_int(1));
        if (*s == 'i')
            ptm_dict_set(&arena, d, ptm_int(1), ptm_int(1));
        *out = (struct ptm_ival){.tag = PTM_DICT, .u.dict = d};
        return strchr(s, '}') + 1;
    default:
        close = s[-1] == '[' ? ']' : '>';
        l = ptm_list_new(&arena, 0);
        for (s += *s == ' '; *s != close; s += *s == ' ') {
            s = value(s, &v);
            ptm_list_append(&arena, l, v);
        }
        *out = (struct ptm_ival){.tag = close == ']' ? PTM_LIST : PTM_TUPLE, .u.list = l};
        return s + 1;
    }
}

static void show(char *buf, size_t n, struct ptm_ival v)
{
    size_t at = strlen(buf);
    switch (v.tag) {
    case PTM_NONE: snprintf(buf + at, n - at, "N"); break;
    case PTM_BOOL: snprintf(buf + at, n - at, "b%d", v.u.b); break;
    case PTM_INT: snprintf(buf + at, n - at, "i%lld", (long long)v.u.i); break;
    case PTM_FLOAT: snprintf(buf + at, n - at, "f%g", v.u.f); break;
    case PTM_STR: snprintf(buf + at, n - at, "'%s", v.u.str->s); break;
    case PTM_TENSOR: snprintf(buf + at, n - at, "T"); break;
    case PTM_SYM: snprintf(buf + at, n - at, "?%c", ptm_sym_is_float(v.u.sym) ? 'f' : 'i'); break;
    case PTM_DICT: snprintf(buf + at, n - at, "{}"); break;
    case PTM_LIST:
    case PTM_TUPLE:
        snprintf(buf + at, n - at, v.tag == PTM_LIST ? "[" : "<");
        for (size_t i = 0; i < v.u.list->n; i++) {
            snprintf(buf + strlen(buf), n - strlen(buf), "%s", i ? " " : "");
            show(buf, n, v.u.list->v[i]);
        }
        snprintf(buf + strlen(buf), n - strlen(buf), v.tag == PTM_LIST ? "]" : ">");
        break;
    default: snprintf(buf + at, n - at, "?"); break;
    }
}

/* Binds "aten::add T i1 alpha=i2"; gives "Scalar T i1 i2", or the error. */
static const char *bind(const char *call, const char *overload)
{
    static char got[1200];
    char name[64];
    struct ptm_ival arg[32], out[PTM_MAX_SCHEMA_ARGS];
    const char *kw[32];
    size_t n = 0, n_kw = 0, len = strcspn(call, " ");
    struct ptm_err err = {0};
    const struct ptm_schema *s = NULL;
    snprintf(name, sizeof(name), "%.*s", (int)len, call);
    for (call += len; *call == ' ';) {
        const char *eq = strchr(call, '='), *space = strchr(call + 1, ' ');
        call++;
        if (eq && (!space || eq < space)) {
            kw[n_kw++] = ptm_arena_str(&arena, call, (size_t)(eq - call));
            call = eq + 1;
        }
        call = value(call, &arg[n++]);
    }
    if (ptm_schema_bind(&arena, name, overload, arg, n - n_kw, kw, n_kw, &s, out, PTM_LEN(out),
                        &err)) {
        snprintf(got, sizeof(got), "%s: %s", ptm_status_name(err.code), err.msg);
        return got;
    }
    snprintf(got, sizeof(got), "%s", *s->overload ? s->overload : "-");
    size_t total = s->n_args;
    if (s->vararg && n > total)
        total = n;
    for (size_t i = 0; i < total; i++) {
        strcat(got, " ");
        show(got, sizeof(got), out[i]);
    }
    return got;
}

static const struct {
    const char *call, *want;
} calls[] = {
    /* tensors and numbers */
    {"aten::add T T", "Tensor T T i1"},
    {"aten::add T i1", "Scalar T i1 i1"},
    {"aten::add T f0.5 i2", "Scalar T f0.5 i2"},
    {"aten::add T T alpha=f0.5", "Tensor T T f0.5"},
    {"aten::add T b1", "Scalar T b1 i1"},
    {"aten::add T ?i", "Scalar T ?i i1"},
    {"aten::add T T out=T", "out T T i1 T"},
    {"aten::add i1 i2", "int i1 i2"},
    {"aten::add f1 f2", "float f1 f2"},
    {"aten::add i1 f2", "int_float i1 f2"},
    {"aten::add f1 i2", "float_int f1 i2"},
    {"aten::add ?i i2", "int ?i i2"},
    {"aten::add ?f i2", "float_int ?f i2"},
    {"aten::add 'a 'b", "str 'a 'b"},
    {"aten::add [i1] [i2]", "t [i1] [i2]"},
    {"aten::add_ T f1", "Scalar T f1 i1"},
    {"aten::div i1 f2", "- i1 f2"},
    {"aten::div i1 i2", "int i1 i2"},
    {"aten::div T T rounding_mode='floor", "Tensor_mode T T 'floor"},
    {"aten::div T i2 rounding_mode=N", "Scalar_mode T i2 N"},
    {"aten::pow i2 i3", "int i2 i3"},
    {"aten::pow i2 T", "Scalar i2 T"},
    {"aten::pow T i2", "Tensor_Scalar T i2"},
    {"aten::eq T i1", "Scalar T i1"},
    {"aten::eq [i1] [i1]", "int_list [i1] [i1]"},
    {"aten::eq ['a] ['b]", "str_list ['a] ['b]"},
    {"aten::eq b1 b0", "bool b1 b0"},
    {"aten::eq 'cpu 'cpu", "device 'cpu 'cpu"},
    {"aten::lt i1 f1", "int_float i1 f1"},
    {"aten::__and__ b1 b0", "bool b1 b0"},
    {"aten::__and__ T T", "Tensor T T"},
    {"aten::Int T", "Tensor T"},
    {"aten::Int '7", "str '7"},
    {"aten::Float b1", "bool b1"},
    {"aten::neg i1", "int i1"},
    {"aten::sqrt i4", "int i4"},
    {"prim::max i1 f2", "int_float i1 f2"},
    {"prim::max [i1 i2]", "self_int [i1 i2]"},
    {"prim::NumToTensor i1", "Scalar i1"},
    {"aten::max T", "- T"},
    {"aten::max T T", "other T T"},
    {"aten::max T i1", "dim T i1 b0"},
    {"aten::max T i1 b1", "dim T i1 b1"},
    /* lists */
    {"aten::conv2d T T N [i1 i1] [i0 i0] [i1 i1] i1", "- T T N [i1 i1] [i0 i0] [i1 i1] i1"},
    {"aten::conv2d T T T", "- T T T [i1 i1] [i0 i0] [i1 i1] i1"},
    {"aten::conv2d T T padding=i3", "- T T N [i1 i1] [i3 i3] [i1 i1] i1"},
    {"aten::conv2d T T N [i1 i1] 'same", "padding T T N [i1 i1] 'same [i1 i1] i1"},
    {"aten::view T [i1 i-1]", "- T [i1 i-1]"},
    {"aten::view T <i1 i-1>", "- T [i1 i-1]"},
    {"aten::view T [?i i2]", "- T [?i i2]"},
    {"aten::view T i6", "dtype T i6"},
    {"aten::sum T", "- T N"},
    {"aten::sum T [i1]", "dim_IntList T [i1] b0 N"},
    {"aten::sum T [i1] b1 dtype=i7", "dim_IntList T [i1] b1 i7"},
    {"aten::sum [f1 f2]", "float [f1 f2]"},
    {"aten::sum I[]", "int []"},
    {"aten::sum F[]", "float []"},
    {"aten::index T [N T]", "Tensor T [N T]"},
    {"aten::index [i1 i2] i2", "list_int [i1 i2] i2"},
    {"aten::index 'abc 'b", "str 'abc 'b i0 i-1"},
    {"aten::cat [T T] i1", "- [T T] i1"},
    {"aten::cat T[] i1", "- [] i1"},
    {"aten::cat <T T> i1", "- [T T] i1"},
    {"aten::split T i2 i1", "Tensor T i2 i1"},
    {"aten::split T [i2 i3]", "sizes T [i2 i3] i0"},
    {"aten::split 'a 'b", "str 'a 'b i-1"},
    {"aten::split 'a", "str 'a N i-1"},
    {"aten::strip 'a", "- 'a ' \n\t\f\v"},
    {"aten::einsum 'ij,jk [T T] path=N", "- 'ij,jk [T T] N"},
    {"aten::dict {s}", "Dict_str {}"},
    {"aten::dict {i}", "Dict_int {}"},
    {"aten::dict", "-"},
    {"aten::dict [<'a i1>]", "str [<'a i1>]"},
    {"aten::dict [<i1 T>]", "int [<i1 T>]"},
    {"aten::__getitem__ {s} 'k", "Dict_str {} 'k"},
    {"aten::__getitem__ {i} i1", "Dict_int {} i1"},
    {"aten::__getitem__ [T] i0", "t [T] i0"},
    {"aten::len [T]", "t [T]"},
    {"aten::len <T i1>", "t [T i1]"},
    {"aten::len 'abc", "str 'abc"},
    {"aten::len T", "Tensor T"},
    {"aten::slice T i0 N N i2", "Tensor T i0 N N i2"},
    {"aten::slice [i1] i1", "t [i1] i1 N i1"},
    /* keywords, defaults, types */
    {"aten::to T 'cpu i6", "device T 'cpu i6 b0 b0 N"},
    {"aten::to T i6", "dtype T i6 b0 b0 N"},
    {"aten::to T T", "other T T b0 b0 N"},
    {"aten::to T dtype=i6 layout=N device='cpu pin_memory=N", "dtype_layout T i6 N 'cpu N b0 b0 N"},
    {"aten::full [i2] f1.5 dtype=i6", "- [i2] f1.5 i6 N N N"},
    {"aten::zeros [i2 i3]", "- [i2 i3] N N N N"},
    {"aten::arange i5", "- i5 N N N N"},
    {"aten::arange i1 i5 i2", "start_step i1 i5 i2 N N N N"},
    {"aten::gelu T", "- T 'none"},
    {"aten::gelu T approximate='tanh", "- T 'tanh"},
    {"aten::dropout T f0.5 b0", "- T f0.5 b0"},
    {"aten::dropout T i0 b0", "- T f0 b0"},
    {"aten::clamp T i0 N", "- T i0 N"},
    {"aten::clamp T T N", "Tensor T T N"},
    {"aten::clamp T min=f0", "- T f0 N"},
    {"aten::batch_norm T T T T T b0 f0.1 f1e-05 b1", "- T T T T T b0 f0.1 f1e-05 b1"},
    {"aten::var T [i1] b1 b0", "dim T [i1] b1 b0"},
    {"aten::var T [i1] correction=i1 keepdim=b1", "correction T [i1] i1 b1"},
    {"aten::format '{} i1 T", "- '{} i1 T"},
    {"aten::_convolution T T N [i1 i1] [i0 i0] [i1 i1] b0 [i0 i0] i1 b0 b0 b1 b1",
     "- T T N [i1 i1] [i0 i0] [i1 i1] b0 [i0 i0] i1 b0 b0 b1 b1"},
    {"aten::_convolution T T N [i1 i1] [i0 i0] [i1 i1] b0 [i0 i0] i1 b0 b0 b1",
     "deprecated T T N [i1 i1] [i0 i0] [i1 i1] b0 [i0 i0] i1 b0 b0 b1"},
    {"aten::upsample_nearest2d T [i8 i8] N", "- T [i8 i8] N N"},
    {"aten::upsample_bilinear2d T N b0 [f2 f2]", "vec T N b0 [f2 f2]"},
    {"aten::layer_norm T [i8] T T f1e-05 b1", "- T [i8] T T f1e-05 b1"},
    {"aten::scaled_dot_product_attention T T T", "- T T T N f0 b0 N b0"},
    {"aten::pad T [i1 i1] 'constant N", "- T [i1 i1] 'constant N"},
    {"ptm::linspace_0_7 i0 i1 N", "- i0 i1 N N N N N"},
};

static const struct {
    const char *call, *says;
} errors[] = {
    {"aten::nothing T", "unsupported: aten::nothing is not an operator that ptm knows"},
    {"aten::relu", "type: aten::relu does not take (); it is aten::relu(Tensor self)"},
    {"aten::relu i1", "type: aten::relu does not take (int); it is aten::relu(Tensor self)"},
    {"aten::relu T T", "type: aten::relu does not take (Tensor f32[2], Tensor f32[2]); it is "},
    {"aten::relu T wrong=i1", "type: aten::relu does not take (Tensor f32[2], wrong=int); it is "},
    {"aten::relu T self=T", "type: aten::relu does not take (Tensor f32[2], self=Tensor f32[2])"},
    {"aten::relu N", "type: aten::relu does not take (None)"},
    {"aten::conv2d T T N ['a 'b]", "type: aten::conv2d does not take ("},
    {"aten::conv2d T T N [f0.5 f0.5]", "; aten::conv2d.padding(Tensor input, Tensor weight, "},
    {"aten::cat [T i1]", "type: aten::cat does not take (List of 2 (Tensor)); it is "},
    {"aten::add 'a i1", "; and "},
    {"aten::__getitem__ {s} i1", "type: aten::__getitem__ does not take (Dict, int)"},
    {"aten::sum ['a]", "type: aten::sum does not take (List of 1 (str))"},
    {"aten::upper i1", "it is aten::upper(str self)"},
};

static void test_bind(void)
{
    for (size_t i = 0; i < PTM_LEN(calls); i++) {
        const char *got = bind(calls[i].call, NULL);
        if (strcmp(got, calls[i].want))
            printf("%s\n", calls[i].call);
        CHECK_STR(got, calls[i].want);
    }
    for (size_t i = 0; i < PTM_LEN(errors); i++) {
        const char *got = bind(errors[i].call, NULL);
        if (!strstr(got, errors[i].says))
            printf("%s: %s\n", errors[i].call, got);
        CHECK(strstr(got, errors[i].says) != NULL);
    }
    /* bytecode names the overload and passes everything by position */
    CHECK_STR(bind("aten::add T T i1", "Tensor"), "Tensor T T i1");
    CHECK_STR(bind("aten::gelu T 'none", ""), "- T 'none");
    CHECK_STR(bind("aten::zeros [i2] i6 N N N", ""), "- [i2] i6 N N N");
    /* the words that only an older PyTorch knows */
    CHECK_STR(bind("aten::can_cast to=i1 from_=i2", NULL), "- i2 i1");
    CHECK_STR(bind("aten::can_cast from=i2 to=i1", NULL), "- i2 i1");
}

static void test_table(void)
{
    size_t n;
    const struct ptm_schema *s = ptm_schemas_find("aten::add", &n);
    CHECK(s && n >= 10);
    CHECK(s == ptm_schemas_find("aten::add", &n));
    CHECK_STR(s[0].name, "aten::add");
    CHECK_STR(s[0].overload, "Tensor");
    CHECK_INT(s[0].n_args, 3);
    CHECK(s[0].arg[2].kwarg_only && s[0].arg[2].has_default);
    CHECK_STR(s[0].arg[2].def, "1");
    CHECK(!ptm_schemas_find("aten::ad", &n) && !n);
    CHECK(!ptm_schemas_find("aten::add.Tensor", &n));
    CHECK(!ptm_schemas_find("", &n));
    CHECK(ptm_schema_exists("aten::__and__"));
    s = ptm_schemas_find("aten::index_put_", &n);
    CHECK(s && s[0].arg[0].write && s[0].arg[1].list && s[0].arg[1].optional_elem);
    s = ptm_schemas_find("aten::std", &n);
    CHECK(s && s[1].arg[1].optional && s[1].arg[1].list && s[1].arg[1].fixed_n == 1);
    s = ptm_schemas_find("aten::append", &n);
    CHECK(s && s[0].arg[0].write && s[0].arg[0].list && s[0].arg[0].type == S_T);
    s = ptm_schemas_find("aten::format", &n);
    CHECK(s && s[0].vararg && s[0].n_args == 1);
    s = ptm_schemas_find("aten::topk", &n);
    CHECK(s && s[0].n_rets == 2);
    CHECK(ptm_schema_exists("quantized::conv2d") &&
          ptm_schema_exists("prepacked::linear_clamp_run"));
}

static void test_upgrade(void)
{
    CHECK_STR(ptm_schema_upgrade("aten::div", NULL, 3), "ptm::div_0_3");
    CHECK(!ptm_schema_upgrade("aten::div", NULL, 4));
    CHECK(!ptm_schema_upgrade("aten::div", NULL, 0));
    CHECK_STR(ptm_schema_upgrade("aten::div_", "Tensor", 3), "ptm::div_0_3_");
    CHECK_STR(ptm_schema_upgrade("aten::full", "", 4), "ptm::full_0_4");
    CHECK(!ptm_schema_upgrade("aten::full", "names", 4));
    CHECK_STR(ptm_schema_upgrade("aten::linspace", NULL, 7), "ptm::linspace_0_7");
    CHECK_STR(ptm_schema_upgrade("aten::logspace", NULL, 8), "ptm::logspace_0_8");
    CHECK_STR(ptm_schema_upgrade("aten::gelu", NULL, 9), "ptm::gelu_0_9");
    CHECK(!ptm_schema_upgrade("aten::gelu", NULL, 10));
    CHECK(!ptm_schema_upgrade("aten::relu", NULL, 1));
}

int main(void)
{
    tensor = ptm_tensor_new(&arena, PTM_F32, 1, (int64_t[]){2}, NULL);
    test_table();
    test_bind();
    test_upgrade();
    ptm_arena_release(&arena);
    TEST_END;
}
