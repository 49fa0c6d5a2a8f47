mkdir d.pt; ptm run d.pt
