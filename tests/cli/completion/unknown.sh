$PTM completion fish
