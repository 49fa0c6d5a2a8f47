ptm
