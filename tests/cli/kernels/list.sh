ptm kernels --cpu c | grep -E '^(kernel|gemm_f32 +c|transpose_f32 +c) '
ptm kernels --cpu c | grep selected | cut -d' ' -f1 > one
ptm kernels --cpu neon,avx2,c,avx512 | grep selected | cut -d' ' -f1 > all
cmp one all
