ptm run nothing.pt
