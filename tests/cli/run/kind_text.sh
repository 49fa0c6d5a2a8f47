echo hello > m.pt; ptm run m.pt
