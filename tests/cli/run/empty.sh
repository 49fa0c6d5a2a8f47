: > m.pt; ptm run m.pt
