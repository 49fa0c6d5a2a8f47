ptm ops --help
