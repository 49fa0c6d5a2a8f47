/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which format is it? One table of signatures, then what needs a closer look: zips by their
 * members, protobufs and text by their beginning. A file of a kind that ptm does not read is named,
 * with what to do instead; nothing is ever tried out.
 *
 * To add a format: its struct in formats.h, the place here that finds it, a row in
 * tests/unit/test_registry.c.
 */
#include <ctype.h>
#include <string.h>

#include "formats/formats.h"
#include "formats/ptm_layout.h"
#include "formats/zip.h"

/* What to do instead: one line that works as it stands, but for the names; FILE is replaced. */
#define SCRIPT_OR_TRACE                                                                            \
    "torch.jit.script(model.eval()).save('model.pt') or "                                          \
    "torch.jit.trace(model.eval(), example).save('model.pt')"
#define EXPORT_MODEL "export a model from Python: " SCRIPT_OR_TRACE
#define FROM_PYTORCH "export the PyTorch model that it came from: " SCRIPT_OR_TRACE
#define EXPORT_STATE                                                                               \
    "build the model it belongs to, then: model.load_state_dict(torch.load('FILE')); "             \
    "torch.jit.script(model.eval()).save('model.pt')"
#define EXPORT_SAFETENSORS                                                                         \
    "build the model it belongs to, then: "                                                        \
    "model.load_state_dict(safetensors.torch.load_file('FILE')); "                                 \
    "torch.jit.script(model.eval()).save('model.pt')"
#define EXPORT_EAGER                                                                               \
    "where its classes can be imported: "                                                          \
    "torch.jit.script(torch.load('FILE', weights_only=False).eval()).save('model.pt')"
#define EXPORT_PICKLE                                                                              \
    "where its classes can be imported: "                                                          \
    "torch.jit.script(pickle.load(open('FILE', 'rb')).eval()).save('model.pt')"
#define EXPORT_PT2                                                                                 \
    "convert it: "                                                                                 \
    "torch.jit.trace(torch.export.load('FILE').module(), example).save('model.pt')"
#define EXPORT_PTL                                                                                 \
    "save the module again: module.save('model.pt'), or "                                          \
    "module._save_for_lite_interpreter('model.ptl') without _use_flatbuffer"
#define AS_INPUT "give the model first, this file with --input"
#define UNPACK "unpack it first"
#define FETCH_LFS "fetch the file itself: git lfs pull"
#define FETCH_AGAIN "the download failed: fetch the file itself, not the page about it"

struct kind {
    const char *what, *todo;
};

static enum ptm_status other(struct ptm_err *err, const char *path, const char *what,
                             const char *todo)
{
    const char *file = strstr(todo, "FILE");
    if (!file)
        return ptm_fail(err, PTM_ERR_KIND, "'%.300s' is %s; %s", path, what, todo);
    return ptm_fail(err, PTM_ERR_KIND, "'%.300s' is %s; %.*s%.300s%s", path, what,
                    (int)(file - todo), todo, path, file + 4);
}

static const struct signature {
    uint8_t at, n;
    const char *magic;
    struct kind kind;
} signatures[] = {
    {0, 14, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
     {"weights or a model in the old form of torch.save", EXPORT_STATE}},
    {0, 8, "PYTORCH1", {"a TorchScript file of a PyTorch before 1.0", EXPORT_MODEL}},
    {4, 4, "ET12", {"an ExecuTorch program (.pte), not read yet by this build", FROM_PYTORCH}},
    {4, 4, "FT01", {"ExecuTorch tensor data (.ptd), which holds no program", FROM_PYTORCH}},
    {4, 4, "BP08",
     {"an ExecuTorch bundled program (.bpte), not read yet by this build", FROM_PYTORCH}},
    {4, 4, "PTMF",
     {"a Lite Interpreter file (.ptl) in the flatbuffer form, not read yet by this build",
      EXPORT_PTL}},
    {4, 4, "TFL3", {"a TensorFlow Lite model", FROM_PYTORCH}},
    {4, 4, "ORTM", {"an ONNX Runtime model (.ort)", FROM_PYTORCH}},
    {0, 4, "GGUF", {"a GGUF file (llama.cpp)", FROM_PYTORCH}},
    {0, 4, "\x89HDF", {"an HDF5 file (Keras, or weights)", FROM_PYTORCH}},
    {0, 23, "version https://git-lfs",
     {"a Git-LFS pointer, not the file it stands for", FETCH_LFS}},
    {0, 6, "\x93NUMPY", {"a numpy array", AS_INPUT}},
    {0, 8, "\x89PNG\r\n\x1a\n", {"a PNG image", AS_INPUT}},
    {0, 3, "\xff\xd8\xff", {"a JPEG image", AS_INPUT}},
    {0, 2, "\x1f\x8b", {"a gzip file", UNPACK}},
    {0, 6, "\xfd" "7zXZ\0", {"an xz file", UNPACK}},
    {0, 4, "\x28\xb5\x2f\xfd", {"a zstd file", UNPACK}},
    {0, 3, "BZh", {"a bzip2 file", UNPACK}},
    {0, 6, "7z\xbc\xaf\x27\x1c", {"a 7z archive", UNPACK}},
    {0, 4, "Rar!", {"a rar archive", UNPACK}},
    {0, 4, "\x7f" "ELF", {"a compiled program or library (ELF)", FROM_PYTORCH}},
    {0, 7, "7767517", {"an ncnn model (.param)", FROM_PYTORCH}},
};

/* Files that have no signature of their own. */
static const struct suffix {
    const char *suffix;
    bool dir;
    struct kind kind;
} suffixes[] = {
    {".onnx", false, {"an ONNX model", FROM_PYTORCH}},
    {".mlmodel", false, {"a Core ML model", FROM_PYTORCH}},
    {".pdmodel", false, {"a PaddlePaddle model", FROM_PYTORCH}},
    {".pb", false, {"a TensorFlow or ONNX protobuf", FROM_PYTORCH}},
    {".mlpackage", true, {"a Core ML package (a directory)", FROM_PYTORCH}},
    {".mlmodelc", true, {"a compiled Core ML model (a directory)", FROM_PYTORCH}},
};

static bool starts(const uint8_t *bytes, size_t n, size_t at, const char *magic, size_t len)
{
    return n >= at && n - at >= len && !memcmp(bytes + at, magic, len);
}

static bool starts_nocase(const uint8_t *bytes, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < len; i++)
        if (i >= n || tolower(bytes[i]) != word[i])
            return false;
    return true;
}

static const struct kind *kind_by_suffix(const char *path, bool dir)
{
    size_t n = strlen(path);
    while (n && path[n - 1] == '/')
        n--;
    for (size_t i = 0; i < PTM_LEN(suffixes); i++) {
        size_t len = strlen(suffixes[i].suffix);
        if (suffixes[i].dir == dir && n > len && !memcmp(path + n - len, suffixes[i].suffix, len))
            return &suffixes[i].kind;
    }
    return NULL;
}

/* -- zips -- */

static bool has_below(const struct ptm_zip *z, const char *folder)
{
    size_t len = strlen(folder);
    for (size_t i = 0; i < z->n_members; i++) {
        const char *name = ptm_zip_relative(z, &z->member[i]);
        if (name && !strncmp(name, folder, len))
            return true;
    }
    return false;
}

static bool has_ending(const struct ptm_zip *z, const char *suffix)
{
    size_t len = strlen(suffix);
    for (size_t i = 0; i < z->n_members; i++) {
        const struct ptm_zip_member *m = &z->member[i];
        if (m->name_len >= len && !memcmp(m->name + m->name_len - len, suffix, len))
            return true;
    }
    return false;
}

/* A pickle of tensors in dicts, or of somebody's classes? Its first object tells: a dict, an
 * OrderedDict, or another class. */
static const struct kind *kind_of_pickle(const uint8_t *p, size_t n)
{
    static const struct kind state = {"a state dict or checkpoint from torch.save: weights only",
                                      EXPORT_STATE};
    static const struct kind whole = {
        "a whole model pickled by torch.save: it needs its Python code", EXPORT_EAGER};
    size_t at = n >= 2 && p[0] == 0x80 ? 2 : 0;
    static const char ordered[] = "ccollections\nOrderedDict\n";
    static const char tensor[] = "ctorch._utils\n";
    if (at < n && p[at] == 'c' && !starts(p, n, at, ordered, sizeof(ordered) - 1) &&
        !starts(p, n, at, tensor, sizeof(tensor) - 1))
        return &whole;
    return &state;
}

static enum ptm_status find_in_zip(const struct ptm_zip *z, struct ptm_arena *arena,
                                   const char *path, const struct ptm_format **out,
                                   struct ptm_err *err)
{
    if (ptm_zip_member(z, "constants.pkl") && has_below(z, "code/")) {
        *out = &ptm_format_torchscript;
        return PTM_OK;
    }
    if (ptm_zip_member(z, "archive_format") || ptm_zip_member(z, "models/model.json") ||
        ptm_zip_member(z, "serialized_exported_program.json") ||
        ptm_zip_find(z, "serialized_exported_program.json", 32))
        return other(err, path, "a torch.export file (.pt2), not read yet by this build",
                     EXPORT_PT2);
    const struct ptm_zip_member *m = ptm_zip_member(z, "data.pkl");
    if (m) {
        const uint8_t *p;
        size_t n;
        struct ptm_err ignored = {0};
        if (ptm_zip_read(arena, m, 0, false, &p, &n, &ignored))
            n = 0;
        const struct kind *k = kind_of_pickle(n ? p : NULL, n);
        return other(err, path, k->what, k->todo);
    }
    if (ptm_zip_member(z, "bytecode.pkl"))
        return other(err, path, "a Lite Interpreter file without its source code", EXPORT_PTL);
    if (ptm_zip_find(z, "AndroidManifest.xml", 19))
        return other(err, path, "an Android package", UNPACK);
    if (has_ending(z, "model.weights.h5"))
        return other(err, path, "a Keras model", FROM_PYTORCH);
    if (has_ending(z, ".npy"))
        return other(err, path, "an archive of numpy arrays (.npz)", AS_INPUT);
    if (has_ending(z, ".pt") || has_ending(z, ".ptl") || has_ending(z, ".pth"))
        return other(err, path, "a zip archive with models in it", UNPACK);
    return other(err, path, "a zip archive without a model", EXPORT_MODEL);
}

static enum ptm_status find_zip(const uint8_t *bytes, size_t n, const char *path,
                                const struct ptm_format **out, struct ptm_err *err)
{
    struct ptm_arena arena = {0};
    struct ptm_zip z;
    struct ptm_err why = {0};
    enum ptm_status s = ptm_zip_open(&z, &arena, bytes, n, &why);
    if (s)
        ptm_fail(err, s, "'%.300s': %s", path, why.msg);
    else
        s = find_in_zip(&z, &arena, path, out, err);
    ptm_arena_release(&arena);
    return s;
}

/* -- files without a signature -- */

static bool is_safetensors(const uint8_t *bytes, size_t n)
{
    uint64_t header = 0;
    if (n < 10)
        return false;
    for (int i = 8; i-- > 0;)
        header = header << 8 | bytes[i];
    return bytes[8] == '{' && header >= 2 && header <= n - 8;
}

/* ModelProto: field 1, ir_version, small; then one of its other fields, of which the producer's
 * name is text. Core ML's protobuf also begins with a version, but a message follows. */
static bool is_onnx(const uint8_t *bytes, size_t n)
{
    if (n < 5 || bytes[0] != 0x08 || bytes[1] < 1 || bytes[1] > 30)
        return false;
    switch (bytes[2]) {
    case 0x12: /* producer_name */
        return bytes[3] == 0 || isalnum(bytes[4]);
    case 0x1a: /* producer_version */
    case 0x22: /* domain */
        return isprint(bytes[4]);
    case 0x28: /* model_version */
    case 0x3a: /* graph */
    case 0x42: /* opset_import */
        return true;
    default:
        return false;
    }
}

static bool is_text(const uint8_t *bytes, size_t n)
{
    size_t look = n < 512 ? n : 512;
    for (size_t i = 0; i < look; i++)
        if (bytes[i] < 0x20 && !(bytes[i] >= '\t' && bytes[i] <= '\r'))
            return false;
    return true;
}

static enum ptm_status find_text(const uint8_t *bytes, size_t n, const char *path,
                                 struct ptm_err *err)
{
    if (starts(bytes, n, 0, "\xef\xbb\xbf", 3)) {
        bytes += 3;
        n -= 3;
    }
    while (n && isspace(bytes[0])) {
        bytes++;
        n--;
    }
    if (starts_nocase(bytes, n, "<!doctype html") || starts_nocase(bytes, n, "<html"))
        return other(err, path, "an HTML page", FETCH_AGAIN);
    if (starts_nocase(bytes, n, "<?xml") || starts_nocase(bytes, n, "<error"))
        return other(err, path, "an XML file (an OpenVINO model, or a server's error message)",
                     FROM_PYTORCH);
    if (n && (bytes[0] == '{' || bytes[0] == '['))
        return other(err, path, "a JSON file", FROM_PYTORCH);
    return other(err, path, "a text file", EXPORT_MODEL);
}

enum ptm_status ptm_format_find(const uint8_t *bytes, size_t n, const char *path,
                                const struct ptm_format **out, struct ptm_err *err)
{
    path = path && *path ? path : "(memory)";
    if (!bytes) {
        const struct kind *k = kind_by_suffix(path, true);
        return other(err, path, k ? k->what : "a directory", k ? k->todo : "name a file in it");
    }
    if (!n)
        return other(err, path, "an empty file", "was it written or fetched completely?");
    if (ptm_zip_probe(bytes, n))
        return find_zip(bytes, n, path, out, err);
    if (starts(bytes, n, 0, PTM_FILE_MAGIC, sizeof(PTM_FILE_MAGIC) - 1)) {
        *out = &ptm_format_ptm;
        return PTM_OK;
    }
    for (size_t i = 0; i < PTM_LEN(signatures); i++) {
        const struct signature *s = &signatures[i];
        if (starts(bytes, n, s->at, s->magic, s->n))
            return other(err, path, s->kind.what, s->kind.todo);
    }
    if (starts(bytes, n, 257, "ustar", 5))
        return other(err, path, "a tar archive", UNPACK);
    if (is_safetensors(bytes, n))
        return other(err, path, "a safetensors file: weights only", EXPORT_SAFETENSORS);
    if (n >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5)
        return other(err, path, "a bare Python pickle", EXPORT_PICKLE);
    if (is_onnx(bytes, n))
        return other(err, path, "an ONNX model", FROM_PYTORCH);
    const struct kind *k = kind_by_suffix(path, false);
    if (k)
        return other(err, path, k->what, k->todo);
    if (is_text(bytes, n))
        return find_text(bytes, n, path, err);
    return ptm_fail(err, PTM_ERR_KIND,
                    "'%.300s' is of no kind that ptm knows (it begins with %02x %02x %02x %02x); "
                    EXPORT_MODEL,
                    path, bytes[0], n > 1 ? bytes[1] : 0, n > 2 ? bytes[2] : 0,
                    n > 3 ? bytes[3] : 0);
}
