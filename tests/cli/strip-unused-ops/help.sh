$PTM strip-unused-ops --help
