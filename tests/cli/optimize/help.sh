ptm optimize --help
