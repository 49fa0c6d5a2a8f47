ptm inspect nothing.pt
