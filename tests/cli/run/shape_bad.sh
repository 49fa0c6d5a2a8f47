ptm run $FIX/conv.pt --input-shape 1,3,x
