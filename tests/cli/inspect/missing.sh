ptm inspect $FIX/missing.pt --input-shape 3,3 --lint
