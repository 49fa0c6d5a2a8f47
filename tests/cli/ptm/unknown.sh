ptm rnu model.pt
