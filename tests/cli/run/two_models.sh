ptm run a.pt b.pt
