ptm kernels --cpu c,
