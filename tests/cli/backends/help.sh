ptm backends --help
