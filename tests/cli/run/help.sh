ptm run --help
