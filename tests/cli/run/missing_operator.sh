ptm run $FIX/missing.pt --input-shape 3,3
