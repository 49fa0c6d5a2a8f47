/* SPDX-License-Identifier: BSD-2-Clause */
/* formats/registry.c: every kind of file that people give to a model tool, and what it says. */
#include "formats/formats.h"

#include "formats/zip.h"
#include "tests/unit/test.h"
#include "tests/unit/zip_maker.h"

static struct zip_maker z;

static void check_kind(const void *bytes, size_t n, const char *path, enum ptm_status code,
                       const char *what, const char *todo, int line)
{
    const struct ptm_format *f = NULL;
    struct ptm_err err = {0};
    enum ptm_status s = ptm_format_find(bytes, n, path, &f, &err);
    char lead[80];
    snprintf(lead, sizeof(lead), "'%s'", *path ? path : "(memory)");
    if (!test_result(s == code && !f && !strncmp(err.msg, lead, strlen(lead)) &&
                         strstr(err.msg, what) && strstr(err.msg, todo),
                     __FILE__, line))
        printf("status %d '%s', should be %d with '%s' and '%s'\n", (int)s, err.msg, (int)code,
               what, todo);
}
#define KIND(text, path, what, todo)                                                               \
    check_kind(text, sizeof(text) - 1, path, PTM_ERR_KIND, what, todo, __LINE__)

/* A zip of members without contents. */
static void make_zip(const char *const *names, size_t n)
{
    z.n = 0;
    z.count = 0;
    for (size_t i = 0; i < n; i++)
        zm_add(&z, names[i], "", 0);
    zm_finish(&z);
}
#define ZIP_KIND(what, todo, ...)                                                                  \
    do {                                                                                           \
        static const char *const members[] = {__VA_ARGS__};                                        \
        make_zip(members, PTM_LEN(members));                                                       \
        check_kind(z.buf, z.n, "m.zip", PTM_ERR_KIND, what, todo, __LINE__);                       \
    } while (0)

static void test_ptm(void)
{
    const struct ptm_format *f = NULL;
    struct ptm_err err = {0};
    CHECK_INT(ptm_format_find((const uint8_t *)"\x89PTM\r\n\x1a\n", 8, "net.ptm", &f, &err), PTM_OK);
    CHECK(f == &ptm_format_ptm);
    CHECK_STR(f->name, "ptm");
    /* what a transfer as text makes of it */
    f = NULL;
    KIND("\x89PTM\n\x1a\n\0\0", "net.ptm", "no kind that ptm knows", "");
}

static void test_zips(void)
{
    const struct ptm_format *f = NULL;
    struct ptm_err err = {0};
    static const char *const names[] = {"net/data.pkl", "net/code/__torch__.py",
                                        "net/constants.pkl", "net/version"};
    make_zip(names, PTM_LEN(names));
    CHECK_INT(ptm_format_find(z.buf, z.n, "net.pt", &f, &err), PTM_OK);
    CHECK(f == &ptm_format_torchscript);
    CHECK_STR(f->name, "torchscript");

    ZIP_KIND("a state dict or checkpoint", "torch.load", "archive/data.pkl", "archive/data/0");
    ZIP_KIND("torch.export file (.pt2), not read yet by this build", "torch.export.load",
             "m/archive_format", "m/models/model.json");
    ZIP_KIND("torch.export file", "torch.jit.trace", "serialized_exported_program.json",
             "serialized_state_dict.pt", "version");
    ZIP_KIND("torch.export file", "torch.jit.trace", "extra_files/x",
             "serialized_exported_program.json");
    ZIP_KIND("Lite Interpreter file without its source", "save", "m/bytecode.pkl");
    ZIP_KIND("an Android package", "unpack", "AndroidManifest.xml", "classes.dex");
    ZIP_KIND("a Keras model", "torch.jit", "metadata.json", "config.json", "model.weights.h5");
    ZIP_KIND("archive of numpy arrays", "--input", "x.npy", "y.npy");
    ZIP_KIND("a zip archive with models in it", "unpack", "release/model.pt");
    ZIP_KIND("a zip archive without a model", "torch.jit", "readme.txt");

    static const char whole[] = "\x80\x02" "c__main__\nNet\nq\0)", state[] = "\x80\x02}q\0.";
    static const char ordered[] = "\x80\x02" "ccollections\nOrderedDict\nq\0)Rq\1.";
    z.n = 0;
    z.count = 0;
    zm_add_padded(&z, "m/data.pkl", 10, whole, sizeof(whole) - 1, 0, 0, 0);
    zm_finish(&z);
    check_kind(z.buf, z.n, "m.pth", PTM_ERR_KIND, "a whole model pickled by torch.save",
               "torch.load", __LINE__);
    z.n = 0;
    z.count = 0;
    zm_add_padded(&z, "m/data.pkl", 10, state, sizeof(state) - 1, 8, 0, 0);
    zm_finish(&z);
    check_kind(z.buf, z.n, "m.pth", PTM_ERR_KIND, "weights only", "load_state_dict", __LINE__);
    z.n = 0;
    z.count = 0;
    zm_add_padded(&z, "m/data.pkl", 10, ordered, sizeof(ordered) - 1, 0, 0, 0);
    zm_finish(&z);
    check_kind(z.buf, z.n, "m.pth", PTM_ERR_KIND, "weights only", "load_state_dict", __LINE__);

    check_kind(z.buf, z.n - 1, "m.pt", PTM_ERR_FORMAT, "the file is incomplete", "zip", __LINE__);
    z.n = 0;
    z.count = 0;
    zm_finish(&z);
    check_kind(z.buf, z.n, "m.pt", PTM_ERR_KIND, "a zip archive without a model", "", __LINE__);
}

static void test_signatures(void)
{
    KIND("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "m.pth",
         "the old form of torch.save", "load_state_dict(torch.load('m.pth'))");
    KIND("\x80\x02}q\0.", "m.pkl", "a bare Python pickle", "pickle.load(open('m.pkl', 'rb'))");
    KIND("\x80\x04\x95", "m.pkl", "a bare Python pickle", "torch.jit");
    KIND("\x1c\0\0\0PTMF....", "m.ptl", "Lite Interpreter file (.ptl) in the flatbuffer form",
         "_use_flatbuffer");
    KIND("\x1c\0\0\0ET12....", "m.pte", "ExecuTorch program (.pte), not read yet by this build",
         "torch.jit.trace");
    KIND("\x1c\0\0\0BP08....", "m.bpte", "bundled program", "torch.jit.trace");
    KIND("\x1c\0\0\0FT01....", "m.ptd", "tensor data", "torch.jit.trace");
    KIND("\x1c\0\0\0TFL3....", "m.tflite", "a TensorFlow Lite model", "torch.jit.trace");
    KIND("\x1c\0\0\0ORTM....", "m.ort", "ONNX Runtime", "torch.jit.trace");
    KIND("GGUF\3\0\0\0", "m.gguf", "a GGUF file", "torch.jit.trace");
    KIND("\x89HDF\r\n\x1a\n", "m.h5", "an HDF5 file", "torch.jit.trace");
    KIND("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "m.pt",
         "a Git-LFS pointer", "git lfs pull");
    KIND("\x93NUMPY\1\0", "x.npy", "a numpy array", "--input");
    KIND("\x89PNG\r\n\x1a\n", "x.png", "a PNG image", "--input");
    KIND("\xff\xd8\xff\xe0", "x.jpg", "a JPEG image", "--input");
    KIND("\x1f\x8b\x08\0", "m.pt.gz", "a gzip file", "unpack");
    KIND("\xfd" "7zXZ\0", "m.xz", "an xz file", "unpack");
    KIND("\x28\xb5\x2f\xfd", "m.zst", "a zstd file", "unpack");
    KIND("7z\xbc\xaf\x27\x1c", "m.7z", "a 7z archive", "unpack");
    KIND("\x7f" "ELF\2\1\1", "a.out", "ELF", "torch.jit");
    KIND("7767517\n3 3\n", "m.param", "an ncnn model", "torch.jit");
    KIND("PYTORCH1", "m.pt", "before 1.0", "torch.jit");
    KIND("\x10\0\0\0\0\0\0\0{\"a\": [1, 2]}     ", "m.safetensors", "a safetensors file",
         "load_file");
    uint8_t tar[512] = "model/weights.bin";
    memcpy(tar + 257, "ustar", 5);
    check_kind(tar, sizeof(tar), "m.tar", PTM_ERR_KIND, "a tar archive", "unpack", __LINE__);
}

static void test_guesses(void)
{
    KIND("\x08\x08\x12\x07pytorch\x1a\x06" "2.13.0:\x80\x01", "m", "an ONNX model", "torch.jit");
    KIND("\x08\x03:\x10\n\x02\x0a\x00", "m.bin", "an ONNX model", "torch.jit");
    KIND("\x08\x04\x12\x10\n\x0e\n\x05image\x1a", "m.mlmodel", "a Core ML model", "torch.jit");
    KIND("\n\x05\x00\x01", "a.onnx", "an ONNX model", "torch.jit");
    KIND("\n\x05\x00\x01", "a.pb", "a TensorFlow or ONNX protobuf", "torch.jit");
    KIND("  \n<!DOCTYPE html>\n<html>", "m.pt", "an HTML page", "the download failed");
    KIND("\xef\xbb\xbf<HTML lang=en>", "m.pt", "an HTML page", "fetch the file");
    KIND("<?xml version=\"1.0\"?>", "m.xml", "an XML file", "torch.jit");
    KIND("{\"a\": 1}", "m.json", "a JSON file", "torch.jit");
    KIND("import torch\n", "m.py", "a text file", "torch.jit");
    KIND("\n", "m", "a text file", "torch.jit");
    KIND("\0\1\2\3", "m.bin", "no kind that ptm knows (it begins with 00 01 02 03)", "torch.jit");
    KIND("\0", "", "begins with 00 00 00 00", "torch.jit");
    KIND("", "m.pt", "an empty file", "completely");
    KIND("PK", "m.pt", "a text file", "");

    check_kind(NULL, 0, "m.mlpackage/", PTM_ERR_KIND, "a Core ML package", "torch.jit", __LINE__);
    check_kind(NULL, 0, "dir", PTM_ERR_KIND, "a directory", "name a file", __LINE__);
}

int main(void)
{
    test_ptm();
    test_zips();
    test_signatures();
    test_guesses();
    TEST_END;
}
