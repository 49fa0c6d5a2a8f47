$PTM completion --help
