$PTM strip-unused-ops
