ptm --help
