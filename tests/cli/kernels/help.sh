ptm kernels --help
