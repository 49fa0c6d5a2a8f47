"$PTM" profile --help
