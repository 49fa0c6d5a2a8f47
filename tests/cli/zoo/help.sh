ptm zoo --help
