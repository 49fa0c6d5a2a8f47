ptm run $FIX/conv.pt --input-shape 1,3,8,8:f33
