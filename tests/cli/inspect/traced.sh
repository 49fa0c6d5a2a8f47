ptm inspect $FIX/conv.traced.pt --input-shape 1,3,8,8
