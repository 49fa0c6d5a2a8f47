ptm kernels --cpu c,avx3
