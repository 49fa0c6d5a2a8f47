$PTM man --help
