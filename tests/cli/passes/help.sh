ptm passes --help
