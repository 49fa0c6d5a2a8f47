ptm bench --help
