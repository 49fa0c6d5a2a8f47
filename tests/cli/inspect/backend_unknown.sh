ptm inspect $FIX/conv.pt --input-shape 2,3,8,8 --backend cuda
