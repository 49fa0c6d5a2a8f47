head -c 5000 $FIX/conv.pt > m.pt; ptm run m.pt
