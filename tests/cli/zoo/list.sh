ptm zoo
